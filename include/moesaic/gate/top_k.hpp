// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/host_device.hpp>
#include <moesaic/ops/ops.hpp>
#include <moesaic/ops/random.hpp>

/// What gates with a softmax share.
namespace moesaic::gate::detail {

/// Refuses what makes no sense, by the gate's name.
inline void require_softmax(const char* gate, int top_k, double temperature, Index experts) {
  require(top_k >= 0 && top_k <= experts, gate, ": top_k is ", top_k, "; expected 0 to the number of experts, ", experts);
  require(temperature > 0, gate, ": the temperature is ", temperature, "; expected a positive number");
}

/// `logits + N(0, 1) * softplus(spread)`, all `[N, K]`.
template <class X>
X perturbed(const X& logits, const X& spread, const Random& random) {
  return logits + normal_numbers<BackendOf<X>>(shape(logits), random) * softplus(spread);
}

/// Marks the `top_k` largest numbers of a row by 0, the lower index on ties, and leaves the others at less.
template <class T>
struct TopKernel {
  const T* logits;
  Index experts;
  int top_k;
  T* mask;
  MOESAIC_HD void operator()(Index row) const {
    constexpr T low = T(-1e30);
    const T* const x = logits + row * experts;
    T* const marks = mask + row * experts;
    for (Index i = 0; i < experts; ++i) marks[i] = low;
    for (int chosen = 0; chosen < top_k; ++chosen) {
      Index best = -1;
      for (Index i = 0; i < experts; ++i)
        if (marks[i] != 0 && (best < 0 || x[i] > x[best])) best = i;
      marks[best] = 0;
    }
  }
};

/// 0 for the `top_k` largest of a row (the lower index on ties), minus a large number elsewhere.
template <class B>
Tensor<B> below_top(const Tensor<B>& logits, int top_k) {
  const auto out = make_tensor<B>(logits.shape());
  const Index experts = logits.shape()[1];
  B::for_each(logits.shape()[0], TopKernel<typename B::Scalar>{logits.data(), experts, top_k, out.data()}, experts * top_k);
  return out;
}

/// Softmax of `logits [N, K]` over the `top_k` largest of a row (0: over all); without `renormalise`, they keep the values of the
/// full softmax.
template <class X>
X top_k_softmax(const X& logits, int top_k, bool renormalise) {
  if (top_k == 0 || top_k == shape(logits)[1]) return softmax(logits);
  const auto mask = below_top(primal(logits), top_k);
  if (renormalise) return softmax(logits + mask);
  return softmax(logits) * exp(mask);
}

}  // namespace moesaic::gate::detail
