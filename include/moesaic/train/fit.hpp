// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <initializer_list>
#include <span>
#include <vector>

#include <moesaic/train/trainer.hpp>

namespace moesaic {

/// Trains `problem` (see `ProblemContract`): in every outer iteration each player in turn takes its inner steps.
///
///     Array<Cpu<float>> weights = initial_parameters<Cpu<float>>(layout, Random(1));
///     MyProblem problem{weights.tensor(), ...};
///     auto run = fit(problem, {{.parameters = weights, .optimiser = Adam{}, .rate = 3e-3}}, {.iterations = 500});
///
/// The arrays that the players refer to are moved in place and hold `Run::parameters` in the end. Ctrl-C ends the run after the
/// step. After the first iteration `fit` itself allocates nothing. Errors: `FitError`, which carries the run so far, where a
/// loss, a gradient or a parameter is not finite or the problem throws an `Error`; `Error` for options that make no sense.
template <class Problem, class Checkpoint = NoCheckpoint>
auto fit(Problem& problem, std::initializer_list<Player<typename ProblemContract<Problem>::Backend>> players,
         const FitOptions& options = {}, const Checkpoint& checkpoint = {}) {
  using B = typename ProblemContract<Problem>::Backend;
  static_assert(ProblemContract<Problem>::check());
  return detail::Trainer<Problem, B, Checkpoint>(problem, players, options, checkpoint).run();
}

/// The same for a list of players that was made at run time.
template <class Problem, class Checkpoint = NoCheckpoint>
auto fit(Problem& problem, std::span<const Player<typename ProblemContract<Problem>::Backend>> players,
         const FitOptions& options = {}, const Checkpoint& checkpoint = {}) {
  using B = typename ProblemContract<Problem>::Backend;
  static_assert(ProblemContract<Problem>::check());
  return detail::Trainer<Problem, B, Checkpoint>(problem, {players.begin(), players.end()}, options, checkpoint).run();
}

}  // namespace moesaic
