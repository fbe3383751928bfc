// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/data/forecast/split.hpp>

namespace moesaic::data {

/// Mean and scale of every variate.
struct Scaler {
  std::vector<double> mean;
  std::vector<double> scale;  ///< population standard deviation; 1 for a variate that is constant but for rounding
};

namespace detail {

inline void require_table(const Array<Cpu<double>>& values, const RowRange& rows, const char* name) {
  require(bool(values) && values.shape().rank() == 2 && values.size() > 0, name, ": expected values [time, variate], got shape ",
          values.shape());
  require(rows.begin >= 0 && rows.begin < rows.end && rows.end <= values.shape()[0], name, ": rows ", rows.begin, " .. ",
          rows.end, " of ", values.shape()[0]);
}

}  // namespace detail

/// Mean and standard deviation of the given rows of `values` [time, variate]; pass the training rows, and no test row is known to
/// the model. Errors: rows that are not there; numbers whose sum is too large.
inline Scaler fit_scaler(const Array<Cpu<double>>& values, const RowRange& train) {
  detail::require_table(values, train, "fit_scaler");
  const Index width = values.shape()[1];
  Scaler out;
  for (Index v = 0; v < width; ++v) {
    const double* x = values.data() + train.begin * width + v;
    const double n = double(train.size());
    double sum = 0, squares = 0, low = x[0], high = x[0];
    for (Index r = 0; r < train.size(); ++r) {
      sum += x[r * width];
      low = std::min(low, x[r * width]), high = std::max(high, x[r * width]);
    }
    const double mean = sum / n, range = high - low;
    require(std::isfinite(sum) && std::isfinite(range), "fit_scaler: the numbers of variate ", v, ", up to ", std::max(high, -low),
            ", are too large to be added");
    const bool constant = range <= 16 * std::numeric_limits<double>::epsilon() * std::max(std::abs(low), std::abs(high));
    for (Index r = 0; r < train.size() && !constant; ++r) {  // measured by the range, squares neither overflow nor vanish
      const double d = (x[r * width] - mean) / range;
      squares += d * d;
    }
    out.mean.push_back(constant ? x[0] : mean);
    out.scale.push_back(constant ? 1.0 : range * std::sqrt(squares / n));
  }
  return out;
}

namespace detail {

template <class F>
Array<Cpu<double>> each_variate(const Array<Cpu<double>>& values, const Scaler& scaler, const char* name, const F& f) {
  const auto width = Index(scaler.mean.size());
  require(bool(values) && values.shape().rank() > 0 && width > 0 && values.shape().back() == width, name, ": expected ", width,
          " variates in the last axis, got shape ", values.shape());
  Array<Cpu<double>> out(values.shape());
  for (Index i = 0; i < values.size(); ++i)
    out.data()[i] = f(values.data()[i], scaler.mean[std::size_t(i % width)], scaler.scale[std::size_t(i % width)]);
  return out;
}

}  // namespace detail

/// (x - mean) / scale; `values` [..., variate]. Errors: another number of variates.
inline Array<Cpu<double>> standardised(const Array<Cpu<double>>& values, const Scaler& scaler) {
  return detail::each_variate(values, scaler, "standardised", [](double x, double m, double s) { return (x - m) / s; });
}

/// The inverse of `standardised`: x scale + mean, in the units of the data. Errors: another number of variates.
inline Array<Cpu<double>> restored(const Array<Cpu<double>>& values, const Scaler& scaler) {
  return detail::each_variate(values, scaler, "restored", [](double x, double m, double s) { return x * s + m; });
}

}  // namespace moesaic::data
