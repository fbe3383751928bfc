// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <moesaic/loss/batch.hpp>
#include <moesaic/ops/one_hot.hpp>

namespace moesaic::loss {

namespace detail {
/// Means over the batch: `[N, K] -> [1, K]`.
template <class X>
X usage(const X& weights) {
  return scale(sum_to(weights, {1, shape(weights)[1]}), 1 / double(shape(weights)[0]));
}
}  // namespace detail

/// Load balance, `K sum_k f_k P_k`: `f_k` is the share of the samples whose first choice is expert k, `P_k` the mean over the batch of
/// the full softmax, whatever the gate's top k; 1 where both are uniform (Fedus, Zoph, Shazeer: Switch transformers, JMLR 2022).
struct SwitchBalance : Term {
  static constexpr std::string_view name = "switch_balance";
  using reads = Supplies<quantity::GateLogits, quantity::Batch>;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const X both = detail::usage(X(softmax(o.logits))) * detail::usage(one_hot_of_largest(primal(o.logits)));
    return detail::of_every_sample(scale(sum(both), double(shape(o.logits)[1])), shape(o.logits)[0]);
  }
};
/// Squared coefficient of variation of the experts' sums of weights, with the variance over K (Shazeer et al.: Outrageously large
/// neural networks, ICLR 2017); K - 1 where one expert gets all.
struct Importance : Term {
  static constexpr std::string_view name = "importance";
  using reads = Supplies<quantity::GateWeights, quantity::Batch>;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const double experts = double(shape(o.weights)[1]);
    const X usage = detail::usage(o.weights);
    const X off = usage / scale(sum_last(usage), 1 / experts) - 1.0;
    return detail::of_every_sample(scale(sum(square(off)), 1 / experts), shape(o.weights)[0]);
  }
};
/// `K` times the variance, over K - 1, of the experts' mean weights: 0 where all are used alike, 1 where one expert gets all
/// (M2-MoEP's balance loss).
struct UsageVariance : Term {
  static constexpr std::string_view name = "usage_variance";
  using reads = Supplies<quantity::GateWeights, quantity::Batch>;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const double experts = double(shape(o.weights)[1]);
    const X usage = detail::usage(o.weights);
    const X off = usage - scale(sum_last(usage), 1 / experts);
    return detail::of_every_sample(scale(sum(square(off)), experts / std::max(experts - 1, 1.0)), shape(o.weights)[0]);
  }
};

inline constexpr SwitchBalance switch_balance{};
inline constexpr Importance importance{};
inline constexpr UsageVariance usage_variance{};

}  // namespace moesaic::loss
