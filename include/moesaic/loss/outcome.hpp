// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <type_traits>

#include <moesaic/ops/ops.hpp>

namespace moesaic {

/// What a model may supply of a step, for loss terms to read.
namespace quantity {
struct Prediction {};      ///< predictions and their targets
struct Context {};         ///< one context per environment
struct GateWeights {};     ///< gate weights `[N, K]`
struct GateLogits {};      ///< gate logits `[N, K]`
struct Embedding {};       ///< the gate's embeddings `[N, E]` and prototypes `[K, E]`
struct Latent {};          ///< the flow's output and log-determinant
struct Reconstruction {};  ///< the flow's input, and what its inverse makes of its output
struct BestExpert {};      ///< which of the experts that were run did best on a sample
struct Batch {};           ///< all samples of a step together, to be compared with one another
}  // namespace quantity

/// A set of quantities.
template <class... Q>
struct Supplies {
  template <class Wanted>
  static constexpr bool has = (std::is_same_v<Q, Wanted> || ...);
};

/// What one evaluation of a model produced. Absent members were not produced; a loss term that reads one is refused when the
/// model is composed.
template <class X>
struct Outcome {
  X prediction;          ///< any shape; axis `sample_axis` counts the samples
  X target;              ///< shape of `prediction`
  int sample_axis = 0;
  X context;             ///< `[N, D]`
  X weights, logits;     ///< `[N, K]`
  X embedding;           ///< `[N, E]`
  X prototypes;          ///< `[K, E]`
  X latent, log_det;     ///< `[N, ...]`, `[N]`
  X input, reconstruction;  ///< `[N, ...]`
  X loss_parameters;        ///< of the loss terms whose weights are learned
  TensorOf<X> best;         ///< `[N]`: the number of the expert of the least squared error of those that were run

  Index samples() const { return shape(prediction)[sample_axis]; }
  /// Means of `x` (of the prediction's shape) per sample: `[N]`.
  X per_sample(const X& x) const {
    const Shape full = shape(x);
    Shape kept;
    for (int a = 0; a < full.rank(); ++a) kept.push_back(a == sample_axis ? full[a] : 1);
    return scale(reshape(sum_to(x, kept), {full[sample_axis]}), double(full[sample_axis]) / double(full.size()));
  }
};

}  // namespace moesaic
