// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <moesaic/core/parameters.hpp>
#include <moesaic/gate/codomain.hpp>
#include <moesaic/ops/ops.hpp>

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

  void layout(Layout& l, Index features, Index experts) const {
    require(top_k >= 0 && top_k <= experts, "gate::Softmax: top_k is ", top_k, "; expected 0 to the number of experts, ", experts);
    require(temperature > 0, "gate::Softmax: the temperature is ", temperature, "; expected a positive number");
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
      if (random) logits = logits + normal_like(logits, *random) * softplus(spread);
    }
    if (temperature != 1) logits = scale(logits, 1 / temperature);
    if (top_k == 0 || top_k == experts) return {softmax(logits), logits};
    const auto mask = below_top(primal(logits));
    if (renormalise) return {softmax(logits + mask), logits};
    return {softmax(logits) * exp(mask), logits};
  }

 private:
  template <class X>
  static auto normal_like(const X& like, const Random& random) {
    using B = BackendOf<X>;
    using T = typename B::Scalar;
    const auto size = std::size_t(shape(like).size());
    T* host = Workspace<HostMemory>::current().template take<T>(size);
    for (std::size_t i = 0; i < size; ++i) host[i] = T(random.normal(i));
    auto out = make_tensor<B>(shape(like));
    B::from_host(out, host);
    return out;
  }
  /// 0 for the `top_k` largest of a row (the lower index on ties), minus a large number elsewhere.
  template <class B>
  Tensor<B> below_top(const Tensor<B>& logits) const {
    using T = typename B::Scalar;
    const Index experts = logits.shape()[1], size = logits.size();
    auto& workspace = Workspace<HostMemory>::current();
    T *host = workspace.template take<T>(std::size_t(size)), *mask = workspace.template take<T>(std::size_t(size));
    B::to_host(host, logits);
    std::fill_n(mask, size, T(-1e30));
    for (Index row = 0; row < size; row += experts)
      for (int chosen = 0; chosen < top_k; ++chosen) {
        Index best = -1;
        for (Index i = row; i < row + experts; ++i)
          if (mask[i] != 0 && (best < 0 || host[i] > host[best])) best = i;
        mask[best] = 0;
      }
    auto out = make_tensor<B>(logits.shape());
    B::from_host(out, mask);
    return out;
  }
};

}  // namespace moesaic::gate
