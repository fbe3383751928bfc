// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ops/ops.hpp>

namespace moesaic::gate {

/// The set in which a gate's weights lie.
namespace codomain {
struct Simplex {};  ///< non-negative, sum 1; an expert with weight 0 is not run
struct OneHot {};   ///< exactly one expert a sample, and its output is not scaled
}  // namespace codomain

/// Weights `[N, K]` in the gate's codomain and the logits behind them.
template <class X>
struct GateOutput {
  X weights, logits;
};
/// What a gate with prototypes may return instead, for loss terms to read: also the samples' embeddings `[N, E]` and the experts'
/// prototypes `[K, E]`.
template <class X>
struct MetricOutput : GateOutput<X> {
  X embedding, prototypes;
};

/// A gate that has no gradient and is refitted between gradient steps: `refit`, of type `cluster::GateRefitOptions`, says how, and
/// `refit_every` after how many steps. Its layout is `[features + 1, experts]`, of which the first row is the bias.
template <class G>
concept Refitted = requires(const G& g) {
  g.refit;
  Index(g.refit_every);
};

}  // namespace moesaic::gate
