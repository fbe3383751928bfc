// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ops/linear.hpp>

namespace moesaic {

namespace functor {
/// `sqrt(x + 1e-12)`: a length from its square, with derivatives that are finite at 0.
struct Length {
  template <class S>
  constexpr S operator()(const S& x) const { using std::sqrt; return sqrt(x + constant<S>(1e-12)); }
};
}  // namespace functor

/// Euclidean lengths of the rows of `x [N, D]`: `[N, 1]`; 1e-6 in place of 0.
template <ArrayLike X>
auto row_lengths(const X& x) { return map(functor::Length{}, sum_last(square(x))); }

/// Squared Euclidean distance of every row of `a [N, D]` to every row of `b [M, D]`: `[N, M]`.
template <ArrayLike X, ArrayLike Y>
auto squared_distances(const X& a, const Y& b) {
  const Shape s = shape(a), t = shape(b);
  require(s.rank() == 2 && t.rank() == 2 && s[1] == t[1], "distances: rows of shape ", s, " and ", t,
          "; expected [N, D] and [M, D]");
  return reshape(sum_last(map(functor::SquaredDifference{}, reshape(a, {s[0], 1, s[1]}), reshape(b, {1, t[0], t[1]}))), {s[0], t[0]});
}
/// Euclidean distances, likewise.
template <ArrayLike X, ArrayLike Y>
auto distances(const X& a, const Y& b) { return map(functor::Length{}, squared_distances(a, b)); }

/// Cosine of the angle between every row of `a [N, D]` and every row of `b [M, D]`: `[N, M]`; 0 for a row of zeros.
template <ArrayLike X, ArrayLike Y>
auto cosines(const X& a, const Y& b) { return matmul(a / row_lengths(a), transpose(b / row_lengths(b))); }

}  // namespace moesaic
