// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/parameters.hpp>
#include <moesaic/gate/codomain.hpp>
#include <moesaic/gate/top_k.hpp>

namespace moesaic::gate {

/// Linear softmax gate: `weights = softmax((z W + b) / temperature)`, over all experts or over the `top_k` largest logits.
///
/// With `noise`, logits are perturbed by `N(0, 1) * softplus(z W_noise)` while training (Shazeer et al.: Outrageously large neural
/// networks, ICLR 2017).
struct Softmax {
  int top_k = 0;  ///< 0: all
  bool renormalise = true;  ///< whether the weights of the `top_k` sum to 1; without it, they keep the values of the full softmax
  double temperature = 1;
  bool noise = false;

  using codomain = codomain::Simplex;

  bool dense(Index experts) const { return top_k == 0 || top_k == experts; }  ///< whether every expert gets every sample
  void layout(Layout& l, Index features, Index experts) const {
    detail::require_softmax("gate::Softmax", top_k, temperature, experts);
    l.add("weight", {features, experts}, init::fan_in(features));
    l.add("bias", {experts}, init::fan_in(features));
    if (noise) l.add("noise_weight", {features, experts}, init::constant(0));
  }

  /// `z [N, features] -> weights [N, experts]`; `random` null when predicting.
  template <class X>
  GateOutput<X> operator()(Slots<X>& slots, const X& z, Index experts, const Random* random) const {
    const Index features = shape(z)[1];
    const X w = slots.take({features, experts}), b = slots.take({experts});
    X logits = linear(z, w, b);
    if (noise) {
      const X spread = matmul(z, slots.take({features, experts}));
      if (random) logits = detail::perturbed(logits, spread, *random);
    }
    if (temperature != 1) logits = scale(logits, 1 / temperature);
    return {detail::top_k_softmax(logits, top_k, renormalise), logits};
  }
};

}  // namespace moesaic::gate
