// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>

#include <moesaic/data/odebench.hpp>
#include <moesaic/data/solver.hpp>

namespace moesaic::data {

/// Whether a data set keeps the defects of the published generator.
///
/// The published ODEBench sets (1) adapt on one parameter and test on another: `adapt` takes corners of the parameter grid,
/// `adapt_test` its diagonal, so two of four environments of the two-parameter families differ (in 10A, where there is one, all
/// do: 0.9 and 0.8 times the reference); (2) repeat training trajectories in `test` and the adaptation trajectory in
/// `adapt_test`, since all splits share reference states and random stream. Corrected: both adaptation splits on the diagonal,
/// test states from streams of their own and no reference states among them. The other sets have no such defects.
enum class Variant { published, corrected };

/// What `make` can vary. Left alone, every field stands for what was published.
struct Options {
  std::optional<std::uint32_t> seed = {};  ///< of the initial states
  Solver solver = Solver::rk45;
  Variant variant = Variant::published;
  Index trajectories = 0;       ///< of an environment in `train`
  Index test_trajectories = 0;  ///< of an environment in `test` and `adapt_test`
  // ODEBench sets only:
  Index environments = 0;             ///< of a family in `train` and `test`
  Index adapt_environments = 0;       ///< of a family in `adapt` and `adapt_test`
  std::optional<double> spread = {};  ///< training parameters reach from 1 - spread to 1 + spread times the reference
  std::optional<Table> table = {};    ///< of the ten families
};

}  // namespace moesaic::data
