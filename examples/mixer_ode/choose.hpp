// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <functional>

#include "study.hpp"

namespace mixer_ode {

/// The settings for another number of experts: each keeps its part of the context, one alone has that of the single learner.
Settings with_experts(Settings s, Index count);

/// Errors: too few environments for that many experts and for those that are held out; one trajectory an environment, so that
/// nothing is left to predict.
void check_candidates(const Settings& s, const moesaic::data::Environments& sets);

/// Trains and scores a mixture by settings, on data sets, into files.
using Train = std::function<Result(const Settings&, const moesaic::data::Environments&, const Saving&)>;

/// How well each of the candidates does in environments that it has not seen. A quarter of the training environments, rounded up, is
/// held out; a mixture of that many experts learns the others for a third of the iterations, adapts to the first trajectory
/// of each held-out one and predicts the rest of them. In the order of the candidates; the last ones are missing where Ctrl-C
/// came before. `resume` goes on with the trials that are saved.
std::vector<Trial> try_candidates(const Settings& s, const moesaic::data::Environments& sets, const Saving& saving, bool resume,
                                  const Train& train);

/// Whether a trial of a candidate is saved.
bool any_trial(const Settings& s, const Saving& saving);

/// The fewest experts that are not worse than the best by more than a standard error of the difference, over the same environments
/// (after Breiman, Friedman, Olshen, Stone: Classification and regression trees, 1984, section 3.4.3). With one environment held
/// out that is the best. Environments where no candidate has an error are left out. Trials are in the order of their experts. Errors: none
/// has errors that are all finite.
Index fewest(const std::vector<Trial>& trials);

}  // namespace mixer_ode
