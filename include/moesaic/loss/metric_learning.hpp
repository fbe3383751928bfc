// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <limits>

#include <moesaic/loss/batch.hpp>
#include <moesaic/ops/distance.hpp>
#include <moesaic/ops/gather.hpp>

namespace moesaic::loss {

namespace detail {

/// For one sample the farthest other one of its label and the nearest of another label, the lower index on ties, and a mark; where it has
/// not both, itself and none.
template <class T>
struct HardestKernel {
  const T *embedding, *label;
  Index samples, size;
  T *positive, *negative, *mark;
  MOESAIC_HD void operator()(Index i) const {
    double farthest = -1, nearest = std::numeric_limits<double>::infinity();
    Index same = -1, other = -1;
    for (Index j = 0; j < samples; ++j) {
      double d = 0;
      for (Index c = 0; c < size; ++c) {
        const auto gap = double(embedding[i * size + c] - embedding[j * size + c]);
        d += gap * gap;
      }
      if (label[i] != label[j]) {
        if (d < nearest) nearest = d, other = j;
      } else if (i != j && d > farthest) {
        farthest = d, same = j;
      }
    }
    const bool both = same >= 0 && other >= 0;
    positive[i] = T(both ? same : i);
    negative[i] = T(both ? other : i);
    mark[i] = both ? T(1) : T(0);
  }
};

/// `f(distance to the positive, distance to the negative)` of every sample that has both, such that the mean over all samples is that
/// over these. Memory is linear in the batch, work is not.
template <class X, class F>
X of_hardest(const Outcome<X>& o, const F& f) {
  using B = BackendOf<X>;
  const auto [n, size] = samples_of(primal(o.embedding));
  const Index labels = o.best ? o.best.size() : 0;
  require(labels == n, "metric learning: ", labels, " labels for ", n, " embeddings");
  const auto positive = make_tensor<B>({n}), negative = make_tensor<B>({n}), mark = make_tensor<B>({n});
  B::for_each(n,
              HardestKernel<ScalarOf<X>>{primal(o.embedding).data(), o.best.data(), n, size, positive.data(), negative.data(), mark.data()},
              n * size);
  const auto to = [&](const Tensor<B>& row) { return X(row_lengths(o.embedding - gather(o.embedding, row))); };
  return reshape(f(to(positive), to(negative)), {n}) * shares(mark, n);
}

}  // namespace detail

/// Triplet loss, `max(0, d(a, p) - d(a, n) + margin)`, on the gate's embeddings, with the best expert as a sample's label and the
/// farthest positive and nearest negative of the batch (Hermans, Beyer, Leibe: In defense of the triplet loss, 2017).
struct Triplet : Term {
  static constexpr std::string_view name = "triplet";
  using reads = Supplies<quantity::Embedding, quantity::BestExpert, quantity::Batch>;
  double margin = 0.5;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    return detail::of_hardest(o, [&](const X& same, const X& other) -> X { return relu(same - other + margin); });
  }
};
/// Contrastive loss, `d(a, p)^2 + max(0, margin - d(a, n))^2`, on the same pairs (Hadsell, Chopra, LeCun: Dimensionality reduction by
/// learning an invariant mapping, CVPR 2006).
struct Contrastive : Term {
  static constexpr std::string_view name = "contrastive";
  using reads = Supplies<quantity::Embedding, quantity::BestExpert, quantity::Batch>;
  double margin = 0.5;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    return detail::of_hardest(o, [&](const X& same, const X& other) -> X {
      return square(same) + square(relu(scale(other, -1) + margin));
    });
  }
};

inline Triplet triplet(double margin = 0.5) {
  Triplet t;
  t.margin = margin;
  return t;
}
inline Contrastive contrastive(double margin = 0.5) {
  Contrastive c;
  c.margin = margin;
  return c;
}

}  // namespace moesaic::loss
