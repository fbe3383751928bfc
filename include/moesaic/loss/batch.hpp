// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <utility>

#include <moesaic/core/host_device.hpp>
#include <moesaic/loss/compose.hpp>

namespace moesaic::functor {
/// `samples * mark / count`: weights of what is marked, whose mean over the samples is that over the marks; 0 where there are none.
struct ShareOfMarks {
  double samples;
  template <class S>
  constexpr S operator()(const S& mark, const S& count) const {
    return select(count > constant<S>(0), mark * constant<S>(samples) / count, constant<S>(0));
  }
};
}  // namespace moesaic::functor

/// What loss terms of a whole batch share.
namespace moesaic::loss::detail {

/// A number that belongs to the batch (`[]`), as the loss of every sample: their mean, and its gradient, are the number's.
template <class X>
X of_every_sample(const X& value, Index samples) { return broadcast_to(value, {samples}); }

/// The loss 0 for every sample.
template <class X>
X none(Index samples) {
  auto out = make_tensor<BackendOf<X>>({samples});
  BackendOf<X>::fill(out, 0);
  return X(out);
}

/// Samples of the embedding `[N, E]`, and how many numbers each has.
template <class B>
std::pair<Index, Index> samples_of(const Tensor<B>& embedding) {
  require(embedding.shape().rank() == 2, "the embedding has shape ", embedding.shape(), "; expected [samples, E]");
  return {embedding.shape()[0], embedding.shape()[1]};
}

/// Weights for what `marks` marks by 1 in place of 0: they add up to the number of samples, where anything is marked.
template <class B>
Tensor<B> shares(const Tensor<B>& marks, Index samples) {
  const auto count = make_tensor<B>(Shape{});
  B::sum_to(count, marks);
  return rule::map(functor::ShareOfMarks{double(samples)}, marks, count);
}

}  // namespace moesaic::loss::detail
