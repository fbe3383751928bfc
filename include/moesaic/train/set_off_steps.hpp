// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <vector>

#include <moesaic/train/fit_state.hpp>
#include <moesaic/train/recorded_turn.hpp>

namespace moesaic::detail {

/// The steps of all players that are set off on a device, and what they came to once it is asked.
template <class B>
class SetOffSteps {
 public:
  struct Found {
    Losses sums;   ///< over the steps since the last reading
    Index steps;   ///< how many these are
    bool finite;   ///< whether all gradients were
    std::optional<double> first_total;  ///< of the turn's first step, where that was one of them
  };

  explicit SetOffSteps(std::size_t players) : turns_(players) {}

  RecordedTurn<B>& turn(std::size_t player) { return turns_[player]; }

  /// Waits for the device; nothing where no step was set off since the last reading.
  std::optional<Found> read(std::size_t player) {
    auto& turn = turns_[player];
    const Index steps = turn.steps();
    if (steps == 0) return {};
    const auto read = turn.read();
    Losses sums(read.sums[0]);
    for (int t = 1; t < turn.count(); ++t) sums.add(turn.name(t), read.sums[std::size_t(t)]);
    return Found{sums, steps, read.finite, read.first_total};
  }

  /// Puts all parameters aside: whether they are the best is known once the loss that they have is.
  void keep_candidates(const std::vector<Player<B>>& players) {
    candidates_.resize(players.size());
    for (std::size_t i = 0; i < players.size(); ++i) {
      if (!candidates_[i]) candidates_[i] = Array<B>(players[i].parameters.shape());
      B::copy(candidates_[i], players[i].parameters);
    }
  }
  /// They are.
  void keep_best(FitState<B>& state) const {
    state.best_from = state.outer;
    for (std::size_t i = 0; i < candidates_.size(); ++i) B::copy(state.kept[i].best, candidates_[i]);
  }

 private:
  std::vector<RecordedTurn<B>> turns_;
  std::vector<Array<B>> candidates_;
};

}  // namespace moesaic::detail
