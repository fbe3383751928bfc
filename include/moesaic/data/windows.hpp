// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/random.hpp>
#include <moesaic/data/compute.hpp>
#include <moesaic/data/environments.hpp>
#include <moesaic/data/grids.hpp>

namespace moesaic::data {

/// How a window is filled: by linear interpolation between the coarse points, as published (the labels err by up to
/// h^2 |x''| / 8), or by solving the environment's system at the window's own times.
enum class Sampling { linear, solved };

/// One random window of time an environment, the same for all its trajectories.
struct Windows {
  Index shortest = 12;  ///< points of the coarse grid; as many as there are switches windows off
  Index points = 20;    ///< of a window
  std::uint64_t seed = 20960;
  Sampling sampling = Sampling::linear;
  Solver solver = Solver::rk45;  ///< that of `Sampling::solved`
};

/// Times [environment, points] of one window an environment: with T coarse points, the first is number s, uniform in
/// [0, T - shortest), the last number e - 1, e uniform in [s + shortest, T); between them the times are equidistant.
/// Errors: `shortest` is not in [2, T), fewer than 2 points.
inline Array<Cpu<double>> draw_windows(const Trajectories& coarse, const Windows& windows) {
  const Index total = coarse.points();
  require(windows.shortest >= 2 && windows.shortest < total, "windows: expected a shortest window of 2 to ", total - 1,
          " of the ", total, " points, got ", windows.shortest);
  require(windows.points >= 2, "windows: expected at least 2 points, got ", windows.points);
  Array<Cpu<double>> out(Shape{coarse.environments(), windows.points});
  Random random(windows.seed);
  for (Index e = 0; e < coarse.environments(); ++e) {
    const auto below = [&random](Index n) { return Index(random.next_below(std::uint64_t(n))); };
    const Index first = below(total - windows.shortest);
    const Index stop = first + windows.shortest + below(total - first - windows.shortest);
    const auto t = linspace(coarse.grid(e)[std::size_t(first)], coarse.grid(e)[std::size_t(stop - 1)], windows.points);
    std::copy(t.begin(), t.end(), out.data() + e * windows.points);
  }
  return out;
}

namespace detail {

inline Trajectories on_times(const Trajectories& set, const Array<Cpu<double>>& times) {
  require(times.shape().rank() == 2 && times.shape()[0] == set.environments(), "resampling: expected times [", set.environments(),
          ", time], got shape ", times.shape());
  Trajectories out = make_trajectories(set.environments(), set.trajectories(), times.shape()[1], set.dimension());
  out.times = times;
  out.families = set.families;
  out.family = set.family;
  out.parameters = set.parameters;
  out.end = set.end;
  return out;
}

}  // namespace detail

/// The trajectories at other times [environment, time], linearly between their own points. Errors: times out of range.
inline Trajectories interpolate(const Trajectories& set, const Array<Cpu<double>>& times) {
  Trajectories out = detail::on_times(set, times);
  const Index d = set.dimension();
  for (Index e = 0; e < set.environments(); ++e) {
    const auto from = set.grid(e);
    const auto to = out.grid(e);
    for (std::size_t k = 0; k < to.size(); ++k) {
      require(to[k] >= from.front() && to[k] <= from.back(), "interpolate: time ", to[k], " of environment ", e, " is not in [",
              from.front(), ", ", from.back(), "]");
      const Index above = std::upper_bound(from.begin(), from.end(), to[k]) - from.begin();
      const Index left = std::min<Index>(above - 1, set.points() - 1), right = std::min<Index>(above, set.points() - 1);
      const double width = from[std::size_t(right)] - from[std::size_t(left)];
      const double part = width > 0 ? (to[k] - from[std::size_t(left)]) / width : 0;
      for (Index j = 0; j < set.trajectories(); ++j) {
        const double* x = set.trajectory(e, j).data();
        for (Index i = 0; i < d; ++i) {
          const double a = x[left * d + i], b = x[right * d + i];
          out.trajectory(e, j)[k * std::size_t(d) + std::size_t(i)] = a + part * (b - a);
        }
      }
    }
  }
  return out;
}

/// The trajectories at other times [environment, time], solved anew from their first points.
/// Errors: a family whose field is not known; see `compute`.
inline Trajectories solve_at(const Trajectories& set, const Array<Cpu<double>>& times, Solver solver) {
  const Trajectories shape = detail::on_times(set, times);
  std::vector<Plan> plans;
  for (Index e = 0; e < set.environments(); ++e) {
    const auto i = std::size_t(e);
    plans.push_back(
        {set.family[i], set.parameters[i], {}, {shape.grid(e).begin(), shape.grid(e).end()}, set.grid(e).front(), set.end[i]});
    for (Index j = 0; j < set.trajectories(); ++j) {
      const auto x = set.trajectory(e, j).first(std::size_t(set.dimension()));
      plans.back().starts.emplace_back(x.begin(), x.end());
    }
  }
  return compute(set.families, plans, solver);
}

/// Draws the windows once and fills them.
inline Trajectories window(const Trajectories& coarse, const Windows& windows) {
  if (coarse.empty() || windows.shortest == coarse.points()) return coarse;
  const auto times = draw_windows(coarse, windows);
  return windows.sampling == Sampling::linear ? interpolate(coarse, times) : solve_at(coarse, times, windows.solver);
}

/// Every `stride`-th point of all splits.
inline Environments every(const Environments& fine, Index stride) {
  return {fine.name, every(fine.train, stride), every(fine.test, stride), every(fine.adapt, stride), every(fine.adapt_test, stride)};
}

/// What MixER sees of an ODEBench set: every `stride`-th point, and of the splits it fits, train and adapt, one window each.
inline Environments windowed(const Environments& fine, Windows windows = {}, Index stride = 5) {
  Environments out = every(fine, stride);
  out.train = window(out.train, windows);
  ++windows.seed;
  out.adapt = window(out.adapt, windows);
  return out;
}

}  // namespace moesaic::data
