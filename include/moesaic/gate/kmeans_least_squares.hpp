// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/cluster/gate_refit.hpp>
#include <moesaic/core/parameters.hpp>
#include <moesaic/gate/codomain.hpp>

namespace moesaic::gate {

/// MixER's gate: linear logits of the context, the largest wins and its expert runs unscaled; no gradient. Between gradient steps
/// its weights are refitted: contexts are clustered, every cluster is given the expert that does best on it, and logits are
/// fitted to that assignment by least squares (Nzoyem, Stevens, Sahota, Barton, Deakin: MixER 2025, algorithm 1).
struct KMeansLeastSquares {
  cluster::GateRefitOptions refit{};
  int refit_every = 12;  ///< gradient steps between two refits

  using codomain = codomain::OneHot;

  void layout(Layout& l, Index features, Index experts) const {
    require(refit_every >= 1, "gate::KMeansLeastSquares: refit_every is ", refit_every, "; expected at least 1");
    l.add("weight", {features + 1, experts}, init::fan_in(features + 1));
  }
  template <class X>
  GateOutput<X> operator()(Slots<X>& slots, const X& z, Index experts, const Random*) const {
    const Index features = shape(z)[1];
    const X w = slots.take({features + 1, experts});
    const X logits = linear(z, slice(w, 0, 0, features), reshape(slice(w, 0, features, 1), {experts}));
    return {X{}, logits};
  }
};

}  // namespace moesaic::gate
