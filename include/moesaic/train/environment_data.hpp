// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <moesaic/data/trajectories.hpp>
#include <moesaic/ops/ops.hpp>

namespace moesaic {

/// Trajectories of several environments, laid out for training on backend `B`.
///
/// Environments may have different horizons: where every environment's times are evenly spaced, a solve runs in units of the
/// environment's own spacing and `rate` scales the field; otherwise all share one grid.
template <class B>
struct EnvironmentData {
  Index environments = 0, trajectories = 0, points = 0, state = 0;
  Array<B> initial;            ///< [environment, trajectory, state]
  Array<B> states;             ///< [time * environment, trajectory * state]
  Array<B> rate;               ///< [environment, 1], length of a time unit
  std::vector<double> times;   ///< of a solve, the first is that of `initial`

  EnvironmentData() = default;
  /// Errors: those of `data::validate`; times that are neither evenly spaced nor the same in all environments;
  /// a state too large for the backend's numbers.
  explicit EnvironmentData(const data::Trajectories& set) {
    data::validate(set, "EnvironmentData");
    environments = set.environments(), trajectories = set.trajectories(), points = set.points(), state = set.dimension();
    using T = typename B::Scalar;
    std::vector<T> first, all(std::size_t(set.states.size()));
    const Index each = trajectories * state;
    for (Index e = 0; e < environments; ++e)
      for (Index j = 0; j < trajectories; ++j) {
        const auto x = set.trajectory(e, j);
        for (std::size_t i = 0; i < x.size(); ++i)
          require(std::abs(x[i]) <= double(std::numeric_limits<T>::max()), "EnvironmentData: environment ", e, ", trajectory ", j, ", time ",
                  Index(i) / state, ", state ", Index(i) % state, " is ", x[i], "; too large for the model's numbers");
        for (Index i = 0; i < state; ++i) first.push_back(T(x[std::size_t(i)]));
        for (Index t = 0; t < points; ++t)
          for (Index i = 0; i < state; ++i)
            all[std::size_t((t * environments + e) * each + j * state + i)] = T(x[std::size_t(t * state + i)]);
      }
    initial = Array<B>({environments, trajectories, state}, first);
    states = Array<B>({points * environments, each}, all);
    set_times(set);
  }

 private:
  void set_times(const data::Trajectories& set) {
    using T = typename B::Scalar;
    const auto last = std::size_t(points - 1);
    std::vector<T> unit;
    Index uneven = -1, different = -1;
    for (Index e = 0; e < environments; ++e) {
      const auto t = set.grid(e), shared = set.grid(0);
      const double step = (t[last] - t[0]) / double(last);
      unit.push_back(T(step));
      for (std::size_t k = 0; k <= last; ++k) {
        const double rounding = std::max(std::abs(t[0]), std::abs(t[last])) * std::numeric_limits<float>::epsilon();
        const double slack = std::max(1e-6 * step, std::min(4 * rounding, 1e-3 * step));  // times may come from a file of floats
        if (std::abs(t[k] - t[0] - double(k) * step) > slack) uneven = e;
        if (std::abs((t[k] - t[0]) - (shared[k] - shared[0])) > slack) different = e;
      }
    }
    require(uneven < 0 || different < 0, "EnvironmentData: the times of environment ", uneven, " are not evenly spaced, and those of ",
            different, " differ from those of environment 0; expected evenly spaced times or the same times everywhere");
    if (uneven >= 0) unit.assign(unit.size(), T(1));
    for (std::size_t k = 0; k <= last; ++k) times.push_back(uneven < 0 ? double(k) : set.grid(0)[k] - set.grid(0)[0]);
    rate = Array<B>({environments, 1}, unit);
  }
};

}  // namespace moesaic
