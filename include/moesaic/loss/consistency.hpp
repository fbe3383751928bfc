// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>

#include <moesaic/loss/batch.hpp>

namespace moesaic::loss {

namespace detail {

/// `N / pairs` where the embeddings of two different samples have a cosine above `threshold`, else 0: `[N, N]`; absent if no two have.
template <class B>
Tensor<B> similar_pairs(const Tensor<B>& embedding, double threshold) {
  using T = typename B::Scalar;
  const Index n = embedding.shape()[0], size = embedding.shape()[1];
  auto out = make_tensor<B>({n, n});
  const Scratch<HostMemory> scratch;
  const T* e = rows_on_host(embedding);
  auto& workspace = Workspace<HostMemory>::current();
  T* pairs = workspace.template take<T>(std::size_t(n * n));
  const auto product = [&](Index i, Index j) {
    double sum = 0;
    for (Index c = 0; c < size; ++c) sum += double(e[i * size + c]) * double(e[j * size + c]);
    return sum;
  };
  auto* length = workspace.template take<double>(std::size_t(n));
  for (Index i = 0; i < n; ++i) length[i] = std::sqrt(product(i, i));
  for_each_sample(n, size, [&](Index i) {
    for (Index j = 0; j < n; ++j) pairs[i * n + j] = T(i != j && product(i, j) > threshold * length[i] * length[j]);
  });
  const auto count = std::count(pairs, pairs + n * n, T(1));
  if (count == 0) return {};
  std::replace(pairs, pairs + n * n, T(1), T(double(n) / double(count)));
  B::from_host(out, pairs);
  return out;
}

}  // namespace detail

/// Symmetric Kullback-Leibler divergence, `sum_k (p_ik - p_jk) (log p_ik - log p_jk)`, of the gate's full softmax for two samples
/// whose embeddings have a cosine above `threshold`; mean over all such pairs (M2-MoEP's consistency loss). Works on N x N numbers.
struct Consistency : Term {
  static constexpr std::string_view name = "consistency";
  using reads = Supplies<quantity::GateLogits, quantity::Embedding, quantity::Batch>;
  double threshold = 0.8;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const Index n = shape(o.logits)[0];
    const auto pairs = detail::similar_pairs(primal(o.embedding), threshold);
    if (!pairs) return detail::none<X>(n);
    const X l = log_softmax(o.logits), p = exp(l), own = p * l;
    const X each = sum_last(pairs) * own + matmul(pairs, own) - p * matmul(pairs, l) - l * matmul(pairs, p);
    return reshape(sum_last(each), {n});
  }
};

inline Consistency consistency(double threshold = 0.8) {
  Consistency c;
  c.threshold = threshold;
  return c;
}

}  // namespace moesaic::loss
