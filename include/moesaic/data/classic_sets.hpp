// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <limits>
#include <numbers>

#include <moesaic/data/classic_systems.hpp>
#include <moesaic/data/compute.hpp>
#include <moesaic/data/environments.hpp>
#include <moesaic/data/grids.hpp>
#include <moesaic/data/mersenne.hpp>
#include <moesaic/data/options.hpp>

namespace moesaic::data {

/// A data set of one system on a fixed list of parameters, as the CoDA and NCF papers use them.
struct ClassicSet {
  std::string name;
  System system;
  std::vector<double> times;
  double end;                                     ///< of integration
  std::vector<std::array<double, 2>> box;         ///< initial states are uniform in it
  std::vector<std::vector<double>> train, adapt;  ///< parameters of the environments
  std::array<Index, 4> trajectories;              ///< of an environment in train, test, adapt, adapt_test
  bool own_states = false;                        ///< whether environments differ in their initial states
  bool swapped_seeds = false;                     ///< whether training takes the test's seeds and the test the training's
};

inline ClassicSet lv_set() {
  ClassicSet set{"lv", lotka_volterra(), times_before(10, 20), 10, {{1, 2}, {1, 2}}, {}, {}, {4, 32, 1, 32}};
  for (double delta : {0.5, 0.75, 1.0})
    for (double beta : {0.5, 0.75, 1.0}) set.train.push_back({beta, delta});
  set.adapt = grid({{0.625, 1.125}, {0.625, 1.125}}, 4);
  return set;
}

inline ClassicSet go_set() {
  return {"go",
          glycolytic_oscillator(),
          times_before(1, 20),
          1,
          {{0.15, 1.6}, {0.19, 2.16}, {0.04, 0.2}, {0.1, 0.35}, {0.08, 0.3}, {0.14, 2.67}, {0.05, 0.1}},
          grid({{100, 90, 80}, {1, 0.75, 0.5}}, 9),
          grid({{85, 95}, {0.625, 0.875}}, 4),
          {32, 32, 1, 32}};
}

inline ClassicSet sm_set() {
  ClassicSet set{"sm", selkov(), linspace(0, 40, 11), 40, {{0, 3}, {0, 3}}, {}, {}, {4, 4, 1, 4}};
  for (const auto& [low, high] : {std::array{-1.0, -0.25}, std::array{-0.1, 0.1}, std::array{0.25, 1.0}})
    for (double b : linspace(low, high, 7)) set.train.push_back({b});
  set.adapt = grid({{-1.25, -0.65, -0.05, 0.02, 0.6, 1.2}}, 6);
  set.swapped_seeds = true;
  return set;
}

inline ClassicSet sp_set() {
  const double angle = std::numbers::pi / 3;
  ClassicSet set{"sp", simple_pendulum(), linspace(0, 10, 40), 10, {{-angle, angle}, {-1, 1}}, {}, {}, {12, 32, 1, 32}};
  set.train = grid({linspace(2, 24, 25)}, 25);
  set.adapt = grid({{10.25, 14.75}}, 2);
  set.own_states = true;
  return set;
}

/// `adapt_test` was not published; it is made like the others'.
inline ClassicSet forced_set() {
  const double end = 6 * std::numbers::pi;
  ClassicSet set{"forced", forced_oscillator(), times_before(end, 189), end, {{1, 2}, {1, 2}}, {}, {}, {4, 32, 12, 32}};
  set.train = grid({linspace(0, 7, 8)}, 8);
  set.adapt = {{8}};
  return set;
}

/// Computes the four splits. Trajectory j of train and adapt starts from what numpy.random.seed(j) draws, that of the tests from
/// seed 2^31 - 1 - j; another `options.seed` s shifts both by 65536 s. Errors: an option that ODEBench sets alone have.
inline Environments make(const ClassicSet& set, const Options& options) {
  require(options.environments == 0 && options.adapt_environments == 0 && !options.spread && !options.table, "data set ",
          set.name, ": its ", set.train.size(), " training and ", set.adapt.size(),
          " adaptation environments are fixed, leave environments, adapt_environments, spread and table alone");
  require(options.trajectories >= 0 && options.test_trajectories >= 0, "data set ", set.name,
          ": expected positive numbers of trajectories, got ", options.trajectories, " and ", options.test_trajectories);
  const auto split = [&](const std::vector<std::vector<double>>& parameters, Index count, bool test) {
    std::vector<Plan> plans;
    for (const auto& p : parameters) plans.push_back({0, p, {}, set.times, 0, set.end});
    for (Index j = 0; j < count; ++j) {
      const std::uint32_t index = std::uint32_t(j) + 65536 * options.seed.value_or(0);
      Mersenne random(test != set.swapped_seeds ? std::uint32_t(std::numeric_limits<std::int32_t>::max()) - index : index);
      std::vector<double> start;
      for (std::size_t e = 0; e < plans.size(); ++e) {
        if (e == 0 || set.own_states) {
          start.clear();
          for (const auto& [low, high] : set.box) start.push_back(random.uniform(low, high));
        }
        plans[e].starts.push_back(start);
      }
    }
    return compute({set.system}, plans, options.solver);
  };
  const Index train = options.trajectories > 0 ? options.trajectories : set.trajectories[0];
  const auto tests = [&](Index published) { return options.test_trajectories > 0 ? options.test_trajectories : published; };
  Environments out{set.name, split(set.train, train, false), split(set.train, tests(set.trajectories[1]), true),
                   split(set.adapt, set.trajectories[2], false), split(set.adapt, tests(set.trajectories[3]), true)};
  validate(out);
  return out;
}

}  // namespace moesaic::data
