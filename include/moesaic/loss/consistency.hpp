// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include <moesaic/loss/batch.hpp>

namespace moesaic::loss {

namespace detail {

template <class T>
struct LengthKernel {
  const T* embedding;
  Index size;
  double* length;
  MOESAIC_HD void operator()(Index i) const {
    double sum = 0;
    for (Index c = 0; c < size; ++c) sum += double(embedding[i * size + c]) * double(embedding[i * size + c]);
    length[i] = std::sqrt(sum);
  }
};
/// Marks two different samples whose embeddings have a cosine above `threshold`.
template <class T>
struct SimilarKernel {
  const T* embedding;
  const double* length;
  Index samples, size;
  double threshold;
  T* pairs;
  MOESAIC_HD void operator()(Index e) const {
    const Index i = e / samples, j = e - i * samples;
    double product = 0;
    for (Index c = 0; c < size; ++c) product += double(embedding[i * size + c]) * double(embedding[j * size + c]);
    pairs[e] = i != j && product > threshold * length[i] * length[j] ? T(1) : T(0);
  }
};

/// `N / pairs` where the embeddings of two different samples have a cosine above `threshold`, else 0: `[N, N]`.
template <class B>
Tensor<B> similar_pairs(const Tensor<B>& embedding, double threshold) {
  using T = typename B::Scalar;
  const auto [n, size] = samples_of(embedding);
  const auto pairs = make_tensor<B>({n, n});
  auto* const length = Workspace<typename B::Memory>::current().template take<double>(std::size_t(n));
  B::for_each(n, LengthKernel<T>{embedding.data(), size, length}, size);
  B::for_each(n * n, SimilarKernel<T>{embedding.data(), length, n, size, threshold, pairs.data()}, size);
  return shares(pairs, n);
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
