// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/data/system.hpp>

namespace moesaic::data {

/// Trajectories of dynamical systems, grouped in environments: those of one environment share a vector field and its times.
struct Trajectories {
  Array<Cpu<double>> states;  ///< [environment, trajectory, time, state]
  Array<Cpu<double>> times;   ///< [environment, time], increasing
  std::vector<System> families;
  std::vector<Index> family;                    ///< of each environment, an index into `families`
  std::vector<std::vector<double>> parameters;  ///< of each environment; empty where they are not known
  std::vector<double> end;                      ///< of each environment: integration ended here, at its last time or later

  Index environments() const { return states.shape()[0]; }
  Index trajectories() const { return states.shape()[1]; }
  Index points() const { return states.shape()[2]; }
  Index dimension() const { return states.shape()[3]; }
  bool empty() const { return states.size() == 0; }

  std::span<double> grid(Index environment) const { return {times.data() + environment * points(), std::size_t(points())}; }
  /// [time, state]
  std::span<double> trajectory(Index environment, Index index) const {
    const Index size = points() * dimension();
    return {states.data() + (environment * trajectories() + index) * size, std::size_t(size)};
  }
};

/// Environments, trajectories, points and dimension of a set without a family yet: `states` and `times` zero, one parameter
/// list, family and end to fill for each environment.
inline Trajectories make_trajectories(Index environments, Index trajectories, Index points, Index dimension) {
  Trajectories out;
  out.states = Array<Cpu<double>>(Shape{environments, trajectories, points, dimension});
  out.times = Array<Cpu<double>>(Shape{environments, points});
  const auto e = std::size_t(environments);
  out.family.assign(e, 0);
  out.parameters.resize(e);
  out.end.assign(e, 0.0);
  return out;
}

/// Refuses a set that cannot be learnt from, in the words of the caller's `name`.
/// Errors: no environments, trajectories or states, fewer than two times, times that do not increase, numbers that are not
/// finite, a family index out of range.
inline void validate(const Trajectories& set, std::string_view name) {
  const Shape& shape = set.states.shape();
  require(bool(set.states) && shape.rank() == 4, name, ": expected states [environment, trajectory, time, state], got shape ",
          shape);
  require(set.states.size() > 0, name, ": the states of shape ", shape, " are empty");
  require(set.points() >= 2, name, ": expected at least 2 time points, got ", set.points());
  require(bool(set.times) && set.times.shape() == Shape{set.environments(), set.points()}, name,
          ": expected times [environment, time] of shape ", Shape{set.environments(), set.points()}, ", got ", set.times.shape());
  const auto count = std::size_t(set.environments());
  require(set.family.size() == count && set.parameters.size() == count && set.end.size() == count, name, ": expected ", count,
          " families, parameter lists and ends, one an environment, got ", set.family.size(), ", ", set.parameters.size(), ", ",
          set.end.size());
  for (Index e = 0; e < set.environments(); ++e) {
    const auto i = std::size_t(e);
    require(set.family[i] >= 0 && set.family[i] < Index(set.families.size()), name, ": environment ", e, " is of family ",
            set.family[i], ", there are ", set.families.size());
    const auto t = set.grid(e);
    for (std::size_t k = 0; k < t.size(); ++k) {
      require(std::isfinite(t[k]), name, ": time ", k, " of environment ", e, " is ", t[k]);
      require(k == 0 || t[k] > t[k - 1], name, ": time ", k, " of environment ", e, " is ", t[k], ", not after time ", k - 1,
              ", ", t[k - 1]);
    }
    require(std::isfinite(set.end[i]) && set.end[i] >= t.back(), name, ": environment ", e, " ends at ", set.end[i],
            ", before its last time ", t.back());
    for (Index j = 0; j < set.trajectories(); ++j) {
      const auto x = set.trajectory(e, j);
      const auto bad = std::find_if_not(x.begin(), x.end(), [](double v) { return std::isfinite(v); });
      if (bad == x.end()) continue;
      const Index at = bad - x.begin();
      fail(name, ": environment ", e, ", trajectory ", j, ", time ", at / set.dimension(), ", state ", at % set.dimension(),
           " is ", *bad);
    }
  }
}

/// A set measured elsewhere, all of one family whose field is not known.
///
/// `states` [environment, trajectory, time, state]; `times` [time], shared, or [environment, time]. Errors: see `validate`.
inline Trajectories measured(Array<Cpu<double>> states, const Array<Cpu<double>>& times, std::string_view name) {
  require(bool(states) && states.shape().rank() == 4, name,
          ": expected states [environment, trajectory, time, state], got shape ", states.shape());
  const Shape s = states.shape();
  const bool shared = bool(times) && times.shape() == Shape{s[2]};
  require(shared || (bool(times) && times.shape() == Shape{s[0], s[2]}), name, ": expected times of shape ", Shape{s[2]}, " or ",
          Shape{s[0], s[2]}, " for states of shape ", s, ", got ", times.shape());
  Trajectories out = make_trajectories(s[0], 0, s[2], 0);
  out.states = std::move(states);
  for (Index e = 0; e < s[0]; ++e) {
    std::copy_n(times.data() + (shared ? 0 : e * s[2]), s[2], out.grid(e).data());
    if (s[2] > 0) out.end[std::size_t(e)] = out.grid(e).back();
  }
  out.families = {System{std::string(name), s[3], {}, nullptr}};
  validate(out, name);
  return out;
}

/// The given environments, in that order. Errors: one that does not exist.
inline Trajectories select(const Trajectories& set, std::span<const Index> environments) {
  Trajectories out = make_trajectories(Index(environments.size()), set.trajectories(), set.points(), set.dimension());
  out.families = set.families;
  const Index size = set.trajectories() * set.points() * set.dimension();
  for (std::size_t i = 0; i < environments.size(); ++i) {
    const Index e = environments[i];
    require(e >= 0 && e < set.environments(), "select: environment ", e, " of ", set.environments());
    std::copy_n(set.states.data() + e * size, size, out.states.data() + Index(i) * size);
    std::copy_n(set.grid(e).data(), set.points(), out.grid(Index(i)).data());
    out.family[i] = set.family[std::size_t(e)];
    out.parameters[i] = set.parameters[std::size_t(e)];
    out.end[i] = set.end[std::size_t(e)];
  }
  return out;
}

/// The same environments with room for other trajectories, their times to be filled.
inline Trajectories same_environments(const Trajectories& set, Index trajectories, Index points) {
  Trajectories out = make_trajectories(set.environments(), trajectories, points, set.dimension());
  out.families = set.families;
  out.family = set.family;
  out.parameters = set.parameters;
  out.end = set.end;
  return out;
}

/// `count` trajectories of every environment from the `first` on. Errors: none, or some that do not exist.
inline Trajectories trajectories(const Trajectories& set, Index first, Index count) {
  require(first >= 0 && count >= 1 && first + count <= set.trajectories(), "trajectories: expected a part of ", set.trajectories(),
          ", got ", count, " from ", first);
  Trajectories out = same_environments(set, count, set.points());
  std::copy_n(set.times.data(), set.times.size(), out.times.data());
  for (Index e = 0; e < set.environments(); ++e)
    for (Index j = 0; j < count; ++j) {
      const auto from = set.trajectory(e, first + j);
      std::copy(from.begin(), from.end(), out.trajectory(e, j).begin());
    }
  return out;
}

/// Every `stride`-th time point from the first on (MixER trains and scores on every 5th of 100). Errors: a stride below 1.
inline Trajectories every(const Trajectories& set, Index stride) {
  require(stride >= 1, "every: expected a stride of at least 1, got ", stride);
  const Index kept = (set.points() + stride - 1) / stride, d = set.dimension();
  Trajectories out = same_environments(set, set.trajectories(), kept);
  for (Index e = 0; e < set.environments(); ++e)
    for (Index k = 0; k < kept; ++k) {
      out.grid(e)[std::size_t(k)] = set.grid(e)[std::size_t(k * stride)];
      for (Index j = 0; j < set.trajectories(); ++j)
        std::copy_n(set.trajectory(e, j).data() + k * stride * d, d, out.trajectory(e, j).data() + k * d);
    }
  return out;
}

/// States at the first time, [environment, trajectory, state].
inline Array<Cpu<double>> initial_states(const Trajectories& set) {
  const Index d = set.dimension();
  Array<Cpu<double>> out(Shape{set.environments(), set.trajectories(), d});
  for (Index e = 0; e < set.environments(); ++e)
    for (Index j = 0; j < set.trajectories(); ++j)
      std::copy_n(set.trajectory(e, j).data(), d, out.data() + (e * set.trajectories() + j) * d);
  return out;
}

/// The same numbers as `T`, rounded.
template <class T>
Array<Cpu<T>> cast(const Tensor<Cpu<double>>& x) {
  Array<Cpu<T>> out(x.shape());
  std::transform(x.data(), x.data() + x.size(), out.data(), [](double v) { return static_cast<T>(v); });
  return out;
}
template <class T>
Array<Cpu<T>> cast(const Array<Cpu<double>>& x) {
  return cast<T>(x.tensor());
}

}  // namespace moesaic::data
