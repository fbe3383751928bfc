// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <limits>

#include <moesaic/loss/batch.hpp>
#include <moesaic/ops/distance.hpp>

namespace moesaic::loss {

namespace detail {

/// Rows of a batch: anchors, and for each a sample of its own label and one of another.
struct Triplets {
  std::span<const std::int32_t> anchor, positive, negative;
};

/// For every sample that has both: the farthest other one of its label and the nearest of another label, the lower index on ties.
/// Memory and transfers are linear in the batch.
template <class B>
Triplets hardest(const Tensor<B>& embedding, std::span<const std::int32_t> label) {
  const auto* e = rows_on_host(embedding);
  const Index n = embedding.shape()[0], size = embedding.shape()[1];
  require(Index(label.size()) == n, "metric learning: ", label.size(), " labels for ", n, " embeddings");
  auto* row = Workspace<HostMemory>::current().template take<std::int32_t>(std::size_t(3 * n));
  std::int32_t *anchor = row, *positive = row + n, *negative = row + 2 * n;
  for_each_sample(n, size, [&](Index i) {
    double farthest = -1, nearest = std::numeric_limits<double>::infinity();
    positive[i] = negative[i] = -1;
    for (Index j = 0; j < n; ++j) {
      double d = 0;
      for (Index c = 0; c < size; ++c) d += double(e[i * size + c] - e[j * size + c]) * double(e[i * size + c] - e[j * size + c]);
      if (label[std::size_t(i)] != label[std::size_t(j)]) {
        if (d < nearest) nearest = d, negative[i] = std::int32_t(j);
      } else if (i != j && d > farthest) {
        farthest = d, positive[i] = std::int32_t(j);
      }
    }
  });
  std::size_t count = 0;
  for (Index i = 0; i < n; ++i) {
    if (positive[i] < 0 || negative[i] < 0) continue;
    anchor[count] = std::int32_t(i);
    positive[count] = positive[i];
    negative[count++] = negative[i];
  }
  return {{anchor, count}, {positive, count}, {negative, count}};
}

/// `f(distance to the positive, distance to the negative)` of every anchor, such that the mean over all samples is that over the
/// anchors.
template <class X, class F>
X of_hardest(const Outcome<X>& o, const F& f) {
  const auto t = hardest(primal(o.embedding), o.best);
  const Index n = shape(o.embedding)[0];
  if (t.anchor.empty()) return none<X>(n);
  const X anchor = gather(o.embedding, t.anchor);
  const X each = f(X(row_lengths(anchor - gather(o.embedding, t.positive))), X(row_lengths(anchor - gather(o.embedding, t.negative))));
  return reshape(scale(scatter_add(each, t.anchor, n), double(n) / double(t.anchor.size())), {n});
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
