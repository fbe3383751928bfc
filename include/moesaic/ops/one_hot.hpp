// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ops/map.hpp>

namespace moesaic {

namespace functor {
/// 1 unless `x < y`.
struct NotLess {
  template <class S>
  constexpr S operator()(const S& x, const S& y) const { return select(x < y, constant<S>(0), constant<S>(1)); }
};
/// A mark where it is the first one that is met.
struct FirstOf {
  template <class S>
  constexpr S operator()(const S& mark, const S& met) const { return select(met > constant<S>(1), constant<S>(0), mark); }
};
/// 1 where two are the same.
struct Same {
  template <class S>
  constexpr S operator()(const S& x, const S& y) const {
    return select(x < y, constant<S>(0), select(y < x, constant<S>(0), constant<S>(1)));
  }
};
/// `value` where `mark > 0`, else `x`.
struct Replace {
  double value;
  template <class S>
  constexpr S operator()(const S& x, const S& mark) const { return select(mark > constant<S>(0), constant<S>(value), x); }
};
}  // namespace functor

/// 1 at the largest number of every row of `x [N, K]`, at the first of those that are equal, and 0 elsewhere.
template <class B>
Tensor<B> one_hot_of_largest(const Tensor<B>& x) {
  using T = typename B::Scalar;
  const Index rows = x.shape()[0], columns = x.shape()[1];
  const auto largest = make_tensor<B>({rows, 1}), one = make_tensor<B>({rows, columns, 1}), met = make_tensor<B>({rows, columns, 1});
  B::row_max(largest, x);
  const auto marks = rule::map(functor::NotLess{}, x, largest);
  B::fill(one, T(1));
  B::linear_scan(met, one, marks.reshape(met.shape()), false);  // marks up to here
  return rule::map(functor::FirstOf{}, marks, met.reshape(x.shape()));
}

}  // namespace moesaic
