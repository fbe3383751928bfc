// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <limits>
#include <type_traits>

#include <moesaic/core/random.hpp>
#include <moesaic/ops/one_hot.hpp>
#include <moesaic/ops/ops.hpp>

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
  using B = BackendOf<X>;
  using T = typename B::Scalar;
  const auto size = std::size_t(shape(logits).size());
  T* host = Workspace<HostMemory>::current().template take<T>(size);
  for (std::size_t i = 0; i < size; ++i) host[i] = T(random.normal(i));
  auto normal = make_tensor<B>(shape(logits));
  B::from_host(normal, host);
  return logits + normal * softplus(spread);
}

/// 0 for the `top_k` largest of a row (the lower index on ties), minus a large number elsewhere.
template <class B>
Tensor<B> below_top(const Tensor<B>& logits, int top_k) {
  using T = typename B::Scalar;
  constexpr double low = -1e30;
  if constexpr (!std::is_same_v<typename B::Memory, HostMemory>) {  // to ask the host would be to wait for it
    const auto out = make_tensor<B>(logits.shape());
    B::fill(out, T(low));
    Tensor<B> rest = logits;
    for (int i = 0; i < top_k; ++i) {
      const auto best = one_hot_of_largest(rest);
      B::map(out, functor::Replace{0}, out, best);
      rest = rule::map(functor::Replace{-std::numeric_limits<double>::infinity()}, rest, best);
    }
    return out;
  } else {
    const Index experts = logits.shape()[1], size = logits.size();
    auto out = make_tensor<B>(logits.shape());
    T* const mask = out.data();
    std::fill_n(mask, size, T(low));
    for (Index row = 0; row < size; row += experts)
      for (int chosen = 0; chosen < top_k; ++chosen) {
        Index best = -1;
        for (Index i = row; i < row + experts; ++i)
          if (mask[i] != 0 && (best < 0 || logits.data()[i] > logits.data()[best])) best = i;
        mask[best] = 0;
      }
    return out;
  }
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
