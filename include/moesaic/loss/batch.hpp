// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/parallel.hpp>
#include <moesaic/loss/compose.hpp>

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

/// The rows of an embedding `[N, E]` on the host.
template <class B>
const typename B::Scalar* rows_on_host(const Tensor<B>& embedding) {
  require(embedding.shape().rank() == 2, "the embedding has shape ", embedding.shape(), "; expected [samples, E]");
  auto* host = Workspace<HostMemory>::current().template take<typename B::Scalar>(std::size_t(embedding.size()));
  B::to_host(host, embedding);
  return host;
}
/// Calls `f(i)` for all samples of a batch; each looks at all others, at `size` numbers of every one.
template <class F>
void for_each_sample(Index samples, Index size, const F& f) {
  parallel_for(samples, samples * samples * size > Index{1} << 20, f);
}

}  // namespace moesaic::loss::detail
