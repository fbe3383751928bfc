// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <moesaic/data/forecast/scaler.hpp>

namespace moesaic::data {

/// What is subtracted from a window before a linear map and added to what it gives: nothing; the last value of the look-back (as
/// NLinear); its mean, and then the map's bias is in units of its deviation sqrt(variance + 1e-5) (as RLinear: RevIN without
/// parameters).
enum class Centre { none, last_value, instance };

/// One affine map from look-back to horizon for all variates: y = c + W^T (x - c) + s b with the centre c and the scale s of the
/// window (1 unless `Centre::instance`).
struct LinearForecast {
  Centre centre = Centre::none;
  Array<Cpu<double>> weight;  ///< [look-back, horizon]
  Array<Cpu<double>> bias;    ///< [horizon]

  Index look_back() const { return weight.shape()[0]; }
  Index horizon() const { return weight.shape()[1]; }
};

namespace detail {

/// Variate `v` of the rows, contiguous.
inline std::vector<double> column(const Array<Cpu<double>>& values, const RowRange& rows, Index v) {
  const Index width = values.shape()[1];
  std::vector<double> out(std::size_t(rows.size()), 0.0);
  for (Index r = 0; r < rows.size(); ++r) out[std::size_t(r)] = values.data()[(rows.begin + r) * width + v];
  return out;
}

/// Centre and scale of one window of a variate.
struct WindowFrame {
  double centre = 0, scale = 1;

  WindowFrame(Centre kind, const double* x, Index look_back) {
    if (kind == Centre::last_value) centre = x[look_back - 1];
    if (kind != Centre::instance) return;
    double squares = 0;
    for (Index i = 0; i < look_back; ++i) centre += x[i] / double(look_back);
    for (Index i = 0; i < look_back; ++i) squares += (x[i] - centre) * (x[i] - centre);
    scale = std::sqrt(squares / double(look_back) + 1e-5);
  }
};

/// Second moments of all windows of `look_back` + `horizon` values, over all variates.
///
/// The windows overlap: with G[i, j] = sum of x[s + i] x[s + j] over the windows s = 0 .. n - 1, G[i + 1, j + 1] differs from
/// G[i, j] by the products at both ends. So only the first row is summed, and the cost does not grow with `look_back` squared.
struct WindowMoments {
  Eigen::MatrixXd products;  ///< G [look-back, look-back + horizon]
  Eigen::VectorXd scaled;    ///< sum of s x[i], s the scale of the window
  double scales = 0;         ///< sum of s^2

  WindowMoments(const Array<Cpu<double>>& values, const RowRange& rows, Index look_back, Index horizon, Centre centre)
      : products(look_back, look_back + horizon), scaled(Eigen::VectorXd::Zero(look_back + horizon)) {
    const Index length = look_back + horizon, width = values.shape()[1], n = rows.size() - length + 1;
    Eigen::VectorXd first = Eigen::VectorXd::Zero(length);
    Eigen::MatrixXd head(look_back, width), tail(look_back, width), ends(length, width), behind(length, width);
    std::vector<double> scale(std::size_t(n), 1.0);
    for (Index v = 0; v < width; ++v) {
      const std::vector<double> x = column(values, rows, v);
      if (centre == Centre::instance)
        for (Index s = 0; s < n; ++s) scale[std::size_t(s)] = WindowFrame(centre, x.data() + s, look_back).scale;
      for (Index s = 0; s < n; s += block) add(x.data() + s, scale.data() + s, std::min(block, n - s), first);
      for (Index i = 0; i < length; ++i) {
        ends(i, v) = x[std::size_t(i)];
        behind(i, v) = i + 1 < length ? x[std::size_t(n + i)] : 0;  // the last one leaves the rows, and is not needed
      }
    }
    const Eigen::MatrixXd change = behind.topRows(look_back) * behind.transpose() - ends.topRows(look_back) * ends.transpose();
    products.row(0) = first.transpose();
    for (Index i = 1; i < look_back; ++i) {
      products(i, 0) = products(0, i);
      for (Index j = 1; j < length; ++j) products(i, j) = products(i - 1, j - 1) + change(i - 1, j - 1);
    }
  }

 private:
  static constexpr Index block = 512;

  void add(const double* x, const double* scale, Index count, Eigen::VectorXd& first) {
    using Part = Eigen::Map<const Eigen::VectorXd>;
    const Part begin(x, count), s(scale, count);
    for (Index k = 0; k < first.size(); ++k) {
      const Part later(x + k, count);
      first[k] += begin.dot(later);
      scaled[k] += s.dot(later);
    }
    scales += s.squaredNorm();
  }
};

}  // namespace detail

/// The linear forecaster of least squared error on the windows of the training rows of `values` [time, variate] (standardised),
/// in closed form: normal equations with a ridge of 1e-10 of their mean diagonal. Seconds for a million windows.
///
/// With `Centre::instance` the errors are those in the units of `values` too, not those of the normalised windows.
/// Errors: fewer training rows than look-back and horizon, values that are not finite.
inline LinearForecast fit_linear(const Array<Cpu<double>>& values, const RowRange& train, Index look_back, Index horizon,
                                 Centre centre = Centre::last_value) {
  detail::require_table(values, train, "fit_linear");
  require(look_back >= 1 && horizon >= 1, "fit_linear: expected a look-back and a horizon of at least 1, got ", look_back,
          " and ", horizon);
  detail::require_windows("fit_linear", "training", train, look_back, horizon);
  const detail::WindowMoments moments(values, train, look_back, horizon, centre);
  const auto& g = moments.products;
  // The centre is c = sum of a[l] x[l].
  Eigen::VectorXd a = Eigen::VectorXd::Zero(look_back);
  if (centre == Centre::last_value) a[look_back - 1] = 1;
  if (centre == Centre::instance) a.setConstant(1 / double(look_back));
  const Eigen::VectorXd with_centre = g.transpose() * a;  // sum of x[j] c
  const double centre_squared = with_centre.head(look_back).dot(a), centre_scaled = moments.scaled.head(look_back).dot(a);

  const Index p = look_back + 1;
  Eigen::MatrixXd system(p, p + horizon);  // features: x - c, then s; targets: y - c
  system.topLeftCorner(look_back, look_back) = g.leftCols(look_back);
  system.topRightCorner(look_back, horizon) = g.rightCols(horizon);
  for (Index j = 0; j < p + horizon; ++j) {
    if (j == look_back) {
      system.col(j).head(look_back) = moments.scaled.head(look_back).array() - centre_scaled;
      system(look_back, j) = moments.scales;
      continue;
    }
    const Index k = j < look_back ? j : j - 1;
    system.col(j).head(look_back).array() += centre_squared - with_centre[k] - with_centre.head(look_back).array();
    system(look_back, j) = moments.scaled[k] - centre_scaled;
  }
  if (centre == Centre::last_value) {  // x - c is zero there: no rounding is to look like data
    system.row(look_back - 1).setZero();
    system.col(look_back - 1).setZero();
  }
  const auto normal = system.leftCols(p);
  Eigen::LLT<Eigen::MatrixXd> solver;
  const double mean_diagonal = normal.trace() / double(p);
  require(std::isfinite(mean_diagonal), "fit_linear: the training rows hold numbers that are not finite or too large");
  for (double ridge = 1e-10; ridge < 1; ridge *= 100) {  // more of it only where rounding made the equations indefinite
    solver.compute(normal + Eigen::MatrixXd::Identity(p, p) * (ridge * mean_diagonal));
    if (solver.info() == Eigen::Success) break;
  }
  require(solver.info() == Eigen::Success, "fit_linear: the normal equations cannot be solved, their mean diagonal is ",
          mean_diagonal);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const RowMajor solution = solver.solve(system.rightCols(horizon));
  LinearForecast out{centre, Array<Cpu<double>>(Shape{look_back, horizon}), Array<Cpu<double>>(Shape{horizon})};
  std::copy_n(solution.data(), look_back * horizon, out.weight.data());
  std::copy_n(solution.data() + look_back * horizon, horizon, out.bias.data());
  return out;
}

/// The forecast [horizon, variate] from the look-back rows that begin at row `first` of `values` [time, variate].
/// Errors: rows that are not there.
inline Array<Cpu<double>> predict(const LinearForecast& model, const Array<Cpu<double>>& values, Index first = 0) {
  const Index look_back = model.look_back(), horizon = model.horizon();
  detail::require_table(values, {first, first + look_back}, "predict");
  const Index width = values.shape()[1];
  Array<Cpu<double>> out(Shape{horizon, width});
  for (Index v = 0; v < width; ++v) {
    const std::vector<double> x = detail::column(values, {first, first + look_back}, v);
    const detail::WindowFrame frame(model.centre, x.data(), look_back);
    for (Index h = 0; h < horizon; ++h) {
      double y = frame.centre + frame.scale * model.bias.data()[h];
      for (Index i = 0; i < look_back; ++i) y += model.weight.data()[i * horizon + h] * (x[std::size_t(i)] - frame.centre);
      out.data()[h * width + v] = y;
    }
  }
  return out;
}

}  // namespace moesaic::data
