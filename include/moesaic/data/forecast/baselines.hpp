// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/parallel.hpp>
#include <moesaic/data/forecast/linear_forecast.hpp>
#include <moesaic/data/forecast/score.hpp>

namespace moesaic::data {

/// Which windows of a part are scored.
struct ScoreOptions {
  Index drop_last = 0;  ///< for tests: unless 0, the windows behind the last full batch of that many are left out, the defect in
                        ///< the tables of many papers
};

namespace detail {

inline Index scored_windows(const Array<Cpu<double>>& values, const RowRange& part, Index look_back, Index horizon,
                            const ScoreOptions& options, const char* name) {
  require_table(values, part, name);
  require_windows(name, "scored", part, look_back, horizon);
  const Index windows = part.size() - look_back - horizon + 1;
  return options.drop_last > 0 ? windows - windows % options.drop_last : windows;
}

}  // namespace detail

/// The score of repeating the last value of the look-back, over all windows of a part of `values` [time, variate].
/// Errors: a part shorter than look-back and horizon.
inline ForecastScore score_repeat_last(const Array<Cpu<double>>& values, const RowRange& part, Index look_back, Index horizon,
                                       const ScoreOptions& options = {}) {
  const Index windows = detail::scored_windows(values, part, look_back, horizon, options, "score_repeat_last");
  ForecastScore score;
  for (Index v = 0; v < values.shape()[1]; ++v) {
    const std::vector<double> x = detail::column(values, part, v);
    std::vector<double> repeated(std::size_t(horizon), 0.0);
    for (Index s = 0; s < windows; ++s) {
      const double* const target = x.data() + s + look_back;
      std::fill(repeated.begin(), repeated.end(), target[-1]);
      score.add(repeated, {target, std::size_t(horizon)});
    }
  }
  return score;
}

/// The score of a linear forecaster over all windows of a part of `values` [time, variate], in the units of `values`.
/// Errors: a part shorter than look-back and horizon.
inline ForecastScore score_linear(const LinearForecast& model, const Array<Cpu<double>>& values, const RowRange& part,
                                  const ScoreOptions& options = {}) {
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Index look_back = model.look_back(), horizon = model.horizon();
  const Index windows = detail::scored_windows(values, part, look_back, horizon, options, "score_linear");
  const Eigen::Map<const RowMajor> weight(model.weight.data(), look_back, horizon);
  const Eigen::Map<const Eigen::RowVectorXd> bias(model.bias.data(), horizon);
  const Eigen::RowVectorXd of_centre =
      Eigen::RowVectorXd::Ones(horizon) - weight.colwise().sum();  // y = W^T x + (1 - W^T 1) c + s b
  constexpr Index block = 256;
  std::vector<ForecastScore> of_variate(std::size_t(values.shape()[1]));
  parallel_for(values.shape()[1], windows > block, [&](Index v) {
    const std::vector<double> x = detail::column(values, part, v);
    RowMajor predicted;
    for (Index begin = 0; begin < windows; begin += block) {
      const Index count = std::min(block, windows - begin);
      // Window s is row s of a matrix whose rows begin one number apart.
      const Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>> stacked(x.data() + begin, count, look_back,
                                                                        Eigen::OuterStride<>(1));
      predicted.noalias() = stacked * weight;
      for (Index i = 0; i < count; ++i) {
        const double* const window = x.data() + begin + i;
        const detail::WindowFrame frame(model.centre, window, look_back);
        predicted.row(i) += frame.centre * of_centre + frame.scale * bias;
        of_variate[std::size_t(v)].add({predicted.row(i).data(), std::size_t(horizon)},
                                       {window + look_back, std::size_t(horizon)});
      }
    }
  });
  ForecastScore score;
  for (const ForecastScore& one : of_variate) score.merge(one);
  return score;
}

}  // namespace moesaic::data
