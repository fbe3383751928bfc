// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

#include <moesaic/core/shape.hpp>
#include <moesaic/data/rounded.hpp>

namespace moesaic::data {

/// dx/dt = field(t, x): reads the state at `x`, writes the derivative to `dx`, both of the system's dimension.
using Field = std::function<void(double t, const double* x, double* dx)>;

/// x(begin) = start, to be followed up to `end` and saved at `times`, increasing and within [begin, end].
struct InitialValue {
  std::span<const double> start;
  double begin = 0, end = 0;
  std::span<const double> times;

  Index dimension() const { return Index(start.size()); }

  /// Errors: no state, a span of time that is not one, times out of order or out of range, numbers that are not finite.
  void check() const {
    require(!start.empty(), "initial value problem: the initial state is empty");
    require(std::isfinite(begin) && std::isfinite(end) && begin < end, "initial value problem: expected begin < end, got ", begin,
            " and ", end);
    for (std::size_t i = 0; i < start.size(); ++i)
      require(std::isfinite(start[i]), "initial value problem: component ", i, " of the initial state is ", start[i]);
    for (std::size_t k = 0; k < times.size(); ++k) {
      require(times[k] >= begin && times[k] <= end, "initial value problem: time ", k, " is ", times[k], ", expected it in [",
              begin, ", ", end, "]");
      require(k == 0 || times[k] > times[k - 1], "initial value problem: time ", k, " is ", times[k], ", not after time ", k - 1,
              ", ", times[k - 1]);
    }
  }
};

/// Root mean square of x / scale.
inline double scaled_norm(std::span<const double> x, std::span<const double> scale) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += product(x[i] / scale[i], x[i] / scale[i]);
  return std::sqrt(sum) / std::sqrt(double(x.size()));
}

/// First step of a method of order `order` (Hairer, Norsett, Wanner: Solving ODEs I, II.4), given dx/dt at the start.
inline double initial_step(const Field& field, const InitialValue& problem, std::span<const double> slope, int order, double rtol,
                           double atol) {
  const std::size_t n = problem.start.size();
  const double interval = problem.end - problem.begin;
  std::vector<double> scale(n), moved(n), moved_slope(n);
  for (std::size_t i = 0; i < n; ++i) scale[i] = atol + product(std::abs(problem.start[i]), rtol);
  const double d0 = scaled_norm(problem.start, scale), d1 = scaled_norm(slope, scale);
  const double h0 = std::min(d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : product(0.01, d0) / d1, interval);
  for (std::size_t i = 0; i < n; ++i) moved[i] = problem.start[i] + product(h0, slope[i]);
  field(problem.begin + h0, moved.data(), moved_slope.data());
  for (std::size_t i = 0; i < n; ++i) moved[i] = moved_slope[i] - slope[i];
  const double d2 = scaled_norm(moved, scale) / h0;
  const double h1 = d1 <= 1e-15 && d2 <= 1e-15 ? std::max(1e-6, h0 * 1e-3) : std::pow(0.01 / std::max(d1, d2), 1.0 / (order + 1));
  return std::min({100 * h0, h1, interval});
}

/// Smallest step that still moves `t`; below it a solver gives up.
inline double smallest_step(double t) { return 10 * (std::nextafter(t, HUGE_VAL) - t); }

}  // namespace moesaic::data
