// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ops/arrange.hpp>

namespace moesaic {

namespace detail {

inline int time_axis(const Shape& s) {
  require(s.rank() >= 2, "linear_scan: shape ", s, " has no second last axis to run along; expected [..., T, C]");
  return s.rank() - 2;
}
/// `y_t = x_{t-1}` along the second last axis, `y_0 = 0`.
template <class X>
X lag(const X& x) {
  if (!present(x)) return x;
  const Shape s = shape(x);
  const int axis = time_axis(s);
  return s[axis] == 0 ? x : pad(slice(x, axis, 0, s[axis] - 1), axis, 1, s[axis]);
}
/// Its transpose: `y_t = x_{t+1}`, 0 at the end.
template <class X>
X lead(const X& x) {
  if (!present(x)) return x;
  const Shape s = shape(x);
  const int axis = time_axis(s);
  return s[axis] == 0 ? x : pad(slice(x, axis, 1, s[axis] - 1), axis, 0, s[axis]);
}

}  // namespace detail

namespace rule {

template <class B>
Tensor<B> linear_scan(const Tensor<B>& a, const Tensor<B>& b, bool reverse) {
  auto out = make_tensor<B>(b.shape());
  B::linear_scan(out, a, b, reverse);
  return out;
}
template <class A>
Dual<A> linear_scan(const Dual<A>& a, const Dual<A>& b, bool reverse) {
  Dual<A> y(linear_scan(a.value, b.value, reverse));
  A moved = b.tangent;
  if (present(a.tangent))
    moved = sum_present(moved, reverse ? detail::lead(a.tangent * y.value) : a.tangent * detail::lag(y.value));
  if (present(moved)) y.tangent = linear_scan(a.value, moved, reverse);
  return y;
}
/// The adjoint of `b` is the scan that runs the other way; that of `a_t` its product with the state that `a_t` met.
template <class A>
Var<A> linear_scan(const Var<A>& a, const Var<A>& b, bool reverse) {
  const A y = linear_scan(a.value, b.value, reverse);
  auto* tape = tape_of(a, b);
  if (!tape) return y;
  return tape->record(y, [a, b, y, reverse](const A& g) {
    const A back = linear_scan(a.value, g, !reverse);
    if (b.active()) accumulate(b.node, back);
    if (a.active()) accumulate(a.node, reverse ? A(detail::lag(back) * y) : A(back * detail::lag(y)));
  });
}

}  // namespace rule

/// `h_t = a_t h_{t-1} + b_t` along the second last axis of `[..., T, C]`, `h_0 = b_0`; `a` and `b` broadcast to one shape.
///
/// With `reverse`, from the end: `h_t = a_{t+1} h_{t+1} + b_t`, the transpose in `b`. `a_0` does not matter: a state before the
/// first step enters as `a_0 h_{-1}` added to `b_0`. A series along the last axis is one of shape `[..., T, 1]`.
/// (Blelloch: Prefix sums and their applications, CMU-CS-90-190, 1990.)
template <ArrayLike X, ArrayLike Y>
auto linear_scan(const X& a, const Y& b, bool reverse = false) {
  using Z = Deepest<X, Y>;
  const Shape s = broadcast(shape(a), shape(b));
  detail::time_axis(s);
  return rule::linear_scan(broadcast_to(Z(a), s), broadcast_to(Z(b), s), reverse);
}

}  // namespace moesaic
