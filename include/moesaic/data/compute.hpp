// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/parallel.hpp>
#include <moesaic/data/solver.hpp>
#include <moesaic/data/trajectories.hpp>

namespace moesaic::data {

/// One environment to compute: a system, its parameters, and from where, when and how long to follow it.
struct Plan {
  Index family = 0;
  std::vector<double> parameters;
  std::vector<std::vector<double>> starts;  ///< one initial state a trajectory
  std::vector<double> times;                ///< at which states are kept, within [begin, end]
  double begin = 0, end = 0;
};

/// Solves every trajectory of every plan; environments run on all threads, with the same bits on any number of them.
/// Errors: plans of unequal numbers of trajectories, times or dimensions; a solve that fails, by family, parameters and
/// trajectory.
inline Trajectories compute(std::vector<System> families, std::span<const Plan> plans, Solver solver) {
  require(!plans.empty(), "compute: no environments are planned");
  const Index count = Index(plans[0].starts.size()), points = Index(plans[0].times.size());
  const auto system = [&families](const Plan& p) -> const System& {
    require(p.family >= 0 && p.family < Index(families.size()), "compute: family ", p.family, " of ", families.size());
    return families[std::size_t(p.family)];
  };
  const Index dimension = system(plans[0]).dimension;
  Trajectories out = make_trajectories(Index(plans.size()), count, points, dimension);
  for (std::size_t e = 0; e < plans.size(); ++e) {
    const Plan& p = plans[e];
    require(system(p).dimension == dimension && Index(p.starts.size()) == count && Index(p.times.size()) == points,
            "compute: environment ", e, " has ", p.starts.size(), " trajectories, ", p.times.size(), " times and dimension ",
            system(p).dimension, ", environment 0 has ", count, ", ", points, " and ", dimension);
    for (const auto& start : p.starts)
      require(Index(start.size()) == dimension, "compute: environment ", e, " starts at a state of dimension ", start.size(),
              ", the system's is ", dimension);
    out.family[e] = p.family;
    out.parameters[e] = p.parameters;
    out.end[e] = p.end;
    std::copy(p.times.begin(), p.times.end(), out.grid(Index(e)).begin());
  }
  parallel_for(Index(plans.size()), true, [&](Index e) {
    const Plan& p = plans[std::size_t(e)];
    const Field field = field_of(system(p), p.parameters);
    for (Index j = 0; j < count; ++j) try {
        solve(solver, field, {p.starts[std::size_t(j)], p.begin, p.end, p.times}, out.trajectory(e, j).data());
      } catch (const Error& error) {
        std::string parameters;
        for (double c : p.parameters) parameters += ' ' + std::to_string(c);
        fail("trajectory ", j, " of ", system(p).name, " with parameters", parameters, ": ", error.what());
      }
  });
  out.families = std::move(families);
  return out;
}

}  // namespace moesaic::data
