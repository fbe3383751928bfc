// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/loss/batch.hpp>
#include <moesaic/ops/distance.hpp>

namespace moesaic::loss {

/// `max(0, margin - |p_i - p_j|)`, mean over all pairs of the gate's prototypes: they keep apart (M2-MoEP). The same for every sample.
struct PrototypeSeparation : Term {
  static constexpr std::string_view name = "prototype_separation";
  using reads = Supplies<quantity::Embedding>;
  double margin = 1;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const Index n = shape(o.embedding)[0], experts = shape(o.prototypes)[0], pairs = experts * (experts - 1) / 2;
    if (pairs == 0) return detail::none<X>(n);
    auto* first = Workspace<HostMemory>::current().template take<std::int32_t>(std::size_t(2 * pairs));
    auto* second = first + pairs;
    Index at = 0;
    for (Index i = 0; i < experts; ++i)
      for (Index j = i + 1; j < experts; ++j, ++at) first[at] = std::int32_t(i), second[at] = std::int32_t(j);
    const auto of = [&](const std::int32_t* row) { return gather(o.prototypes, std::span(row, std::size_t(pairs))); };
    return detail::of_every_sample(X(mean(relu(scale(row_lengths(of(first) - of(second)), -1) + margin))), n);
  }
};

inline PrototypeSeparation prototype_separation(double margin = 1) {
  PrototypeSeparation p;
  p.margin = margin;
  return p;
}

}  // namespace moesaic::loss
