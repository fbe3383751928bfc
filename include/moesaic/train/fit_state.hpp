// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <moesaic/train/early_stopping.hpp>
#include <moesaic/train/history.hpp>
#include <moesaic/train/losses.hpp>
#include <moesaic/train/player.hpp>

namespace moesaic {

/// What a run keeps for one player.
template <class B>
struct PlayerState {
  OptimiserState<B> optimiser;  ///< of one part, where parts share it
  Array<B> gradient;
  Array<B> turn_start;                          ///< the parameters at the start of the turn; only with a proximal term
  Array<B> best;                                ///< see `Run::parameters`
  std::vector<std::string> terms;               ///< names of the loss terms; empty until the first evaluation
  std::array<double, Losses::capacity> sums{};  ///< of the loss terms over the steps of the turn; their means once it has ended
};

/// Everything that a run needs to go on as if it had not stopped, beside the problem's own state.
template <class B>
struct FitState {
  std::vector<Player<B>> players;
  std::vector<PlayerState<B>> kept;
  std::uint64_t seed = 0;
  std::size_t player = 0;  ///< of the step to come
  Index outer = 0, inner = 0;
  Index steps = 0;  ///< of all players so far
  bool validates = false;  ///< whether the problem has a metric by which the best parameters are chosen
  EarlyStopping validation;
  Index validations = 0;
  double lowest_loss = std::numeric_limits<double>::infinity();  ///< at the start of an iteration
  Index best_from = -1;  ///< completed iterations when `best` was kept; -1: nothing kept yet
  History history;
  double seconds = 0;

  Index turn_steps() const {
    Index n = 0;
    for (const auto& p : players) n += p.inner_steps;
    return n;
  }
  bool keeps_best() const { return best_from >= 0; }
  void keep_best(Index completed) {
    best_from = completed;
    for (std::size_t i = 0; i < players.size(); ++i) B::copy(kept[i].best, players[i].parameters);
  }
};

}  // namespace moesaic
