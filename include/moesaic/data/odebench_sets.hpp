// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include <moesaic/data/compute.hpp>
#include <moesaic/data/environments.hpp>
#include <moesaic/data/grids.hpp>
#include <moesaic/data/mersenne.hpp>
#include <moesaic/data/options.hpp>

namespace moesaic::data {

/// A data set of several ODEBench families, 100 points each, as the MixER paper uses them.
struct OdebenchSet {
  std::string name;
  std::vector<OdebenchFamily> families;
  Index environments, adapt_environments;  ///< of a family
  double spread;                           ///< of the training parameters about the reference
  std::uint32_t seed;
};

/// Five environments a family within 10 %. Of the paper's and the stored file's horizons it takes the paper's.
inline OdebenchSet odebench_10a(const Options& options) {
  return {"odebench-10a", odebench_ten(options.table.value_or(Table::paper)), 5, 1, 0.1, 42};
}
/// Sixteen environments a family within 20 %, from the definitions of the stored file.
inline OdebenchSet odebench_10b(const Options& options) {
  return {"odebench-10b", odebench_ten(options.table.value_or(Table::file)), 16, 4, 0.2, 42};
}
/// Families 25 and 35, five environments each. The spread is not published; 20 % is that of all stored sets.
inline OdebenchSet odebench_2() { return {"odebench-2", odebench_two(), 5, 1, 0.2, 42}; }
/// The set stored in the MixER repository, reproduced to 1e-10; its seed, 2024, is not the generator's default.
inline OdebenchSet odebench_4() { return {"odebench-4", odebench_four(), 5, 1, 0.2, 2024}; }

namespace detail {

/// ceil(n^(1/p)) values for each of the p parameters within `spread` of the reference, all combinations, cut to n.
inline std::vector<std::vector<double>> grid_parameters(const OdebenchFamily& family, double spread, Index n) {
  const auto per_parameter = Index(std::ceil(std::pow(double(n), 1.0 / double(family.reference.size()))));
  std::vector<std::vector<double>> values;
  for (double c : family.reference) {
    values.push_back(linspace((1 - spread) * c, (1 + spread) * c, per_parameter));
    for (double& v : values.back()) v = round2(v);
  }
  return grid(values, n);
}

/// All parameters scaled together, by n factors from 0.8 to 1.2.
inline std::vector<std::vector<double>> diagonal_parameters(const OdebenchFamily& family, Index n) {
  std::vector<std::vector<double>> out;
  for (double factor : linspace(0.8, 1.2, n)) {
    out.emplace_back();
    for (double c : family.reference) out.back().push_back(round2(c * factor));
  }
  return out;
}

/// `count` states: first and last the references (unless left out), between them uniform draws in the box that they span.
inline std::vector<std::vector<double>> draw_states(const OdebenchFamily& family, Index count, bool references,
                                                    Mersenne& random) {
  constexpr double margin = 1e-3;
  const auto& [a, b] = family.start;
  std::vector<std::vector<double>> out;
  if (references) out.push_back({a[0], a[1]});
  for (Index j = references ? 2 : 0; j < count; ++j) {
    out.emplace_back();
    for (std::size_t i = 0; i < 2; ++i)
      out.back().push_back(random.uniform(std::min(a[i], b[i]) + margin, std::max(a[i], b[i]) - margin));
  }
  if (references && count > 1) out.push_back({b[0], b[1]});
  return out;
}

}  // namespace detail

/// Computes the four splits. Errors: counts below 1, a spread that is not in [0, 1), a table for a set that has one alone.
inline Environments make(const OdebenchSet& set, const Options& options) {
  const auto given = [](Index value, Index published) { return value == 0 ? published : value; };
  const Index environments = given(options.environments, set.environments);
  const Index adapt_environments = given(options.adapt_environments, set.adapt_environments);
  const Index trajectories = given(options.trajectories, 4), tests = given(options.test_trajectories, 32);
  const double spread = options.spread.value_or(set.spread);
  require(environments > 0 && adapt_environments > 0 && trajectories > 0 && tests > 0, "data set ", set.name,
          ": expected positive numbers of environments and trajectories, got ", environments, ", ", adapt_environments, ", ",
          trajectories, ", ", tests);
  require(spread >= 0 && spread < 1, "data set ", set.name, ": expected a spread in [0, 1), got ", spread);
  require(!options.table || set.families.size() == 10, "data set ", set.name, ": only the sets of ten families have two tables");

  std::vector<System> systems;
  for (const auto& f : set.families) systems.push_back(f.system);
  const bool corrected = options.variant == Variant::corrected;
  const auto split = [&](Index count, bool test, const auto& parameters_of) {
    Mersenne random(options.seed.value_or(set.seed) + (corrected && test ? 1 : 0));
    std::vector<Plan> plans;
    for (std::size_t f = 0; f < set.families.size(); ++f) {
      const OdebenchFamily& family = set.families[f];
      const auto starts = detail::draw_states(family, count, !(corrected && test), random);
      for (auto& parameters : parameters_of(family))
        plans.push_back({Index(f), parameters, starts, times_before(family.horizon, 100), 0, family.horizon});
    }
    return compute(systems, plans, options.solver);
  };
  const auto training = [&](const auto& f) { return detail::grid_parameters(f, spread, environments); };
  const auto corners = [&](const auto& f) { return detail::grid_parameters(f, spread, adapt_environments); };
  const auto diagonal = [&](const auto& f) { return detail::diagonal_parameters(f, adapt_environments); };
  Environments out{set.name, split(trajectories, false, training), split(tests, true, training),
                   corrected ? split(1, false, diagonal) : split(1, false, corners), split(tests, true, diagonal)};
  validate(out);
  return out;
}

}  // namespace moesaic::data
