// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <limits>
#include <span>

#include <moesaic/core/host_device.hpp>
#include <moesaic/ops/ops.hpp>

namespace moesaic::detail {

template <class T>
struct ContestKernel {
  const T *error, *ran;
  Index expert, experts;
  T *least, *best;
  MOESAIC_HD void operator()(Index i) const {
    if (ran[i * experts + expert] != 0 && error[i] < least[i]) least[i] = error[i], best[i] = T(expert);
  }
};

/// Which of the experts that were run on a sample comes nearest to its target, the lower index on ties.
template <class B>
class Contest {
 public:
  Tensor<B> best;  ///< `[N]`, the expert's number; -1 where no error is a number

  /// `ran [N, K]` is not 0 where an expert was run on a sample.
  explicit Contest(const Tensor<B>& ran) : best(make_tensor<B>({ran.shape()[0]})), ran_(ran), least_(make_tensor<B>(best.shape())) {
    B::fill(best, -1);
    B::fill(least_, std::numeric_limits<typename B::Scalar>::infinity());
  }
  /// Predictions `y` of expert `k` for the samples `who`, and their targets.
  void enter(Index k, std::span<const std::int32_t> who, const Tensor<B>& y, const Tensor<B>& target) {
    const Scratch<typename B::Memory> scratch;
    const Tensor<B> each = map(functor::SquaredDifference{}, y, target);
    Shape one = each.shape();
    for (int a = 1; a < one.rank(); ++a) one[a] = 1;
    const Tensor<B> error = sum_to(each, one);
    const Tensor<B> of_all = Index(who.size()) == best.size() ? error : scatter_add(error, who, best.size());
    B::for_each(best.size(), ContestKernel<typename B::Scalar>{of_all.data(), ran_.data(), k, ran_.shape()[1], least_.data(), best.data()});
  }

 private:
  Tensor<B> ran_, least_;
};

}  // namespace moesaic::detail
