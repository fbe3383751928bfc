// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <functional>

#include "study.hpp"

namespace mixer_ode {

/// The settings for another number of experts: each keeps its part of the context, one alone has that of the single learner.
Settings with_experts(Settings s, Index count);

/// Trains and scores a mixture by settings, on data sets, into files.
using Train = std::function<Result(const Settings&, const moesaic::data::Environments&, const Saving&)>;

/// How well each of the candidates does in environments that it has not seen: a quarter of the training environments is held out, a
/// mixture of that many experts learns the others for a third of the iterations, adapts to the first trajectory of each held-out one and
/// predicts the rest of them. In the order of the candidates; the last ones are missing where Ctrl-C came before.
/// Errors: too few environments for that many experts and those that are held out.
std::vector<Trial> try_candidates(const Settings& s, const moesaic::data::Environments& sets, const Saving& saving,
                                  const Train& train);

/// The candidate with the smallest error, of equals the first.
Index best(const std::vector<Trial>& trials);

}  // namespace mixer_ode
