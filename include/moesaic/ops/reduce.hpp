// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ops/map.hpp>

namespace moesaic {

namespace functor {
struct Identity {
  template <class S>
  S operator()(const S& x) const { return x; }
};
}  // namespace functor

namespace rule {

template <class B>
Tensor<B> sum_to(const Tensor<B>& x, const Shape& s) {
  require(broadcast(s, x.shape()) == x.shape(), "sum_to: shape ", s, " does not broadcast to ", x.shape());
  auto out = make_tensor<B>(s);
  B::sum_to(out, x);
  return out;
}
template <class A>
Dual<A> sum_to(const Dual<A>& x, const Shape& s) { return {moesaic::sum_to(x.value, s), moesaic::sum_to(x.tangent, s)}; }
template <class A>
Var<A> sum_to(const Var<A>& x, const Shape& s) {
  const A y = moesaic::sum_to(x.value, s);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x](const A& g) { accumulate(x.node, broadcast_to(g, shape(x))); });
}

template <class B>
Tensor<B> broadcast_to(const Tensor<B>& x, const Shape& s) {
  require(broadcast(s, x.shape()) == s, "broadcast_to: shape ", x.shape(), " does not broadcast to ", s);
  auto out = make_tensor<B>(s);
  B::map(out, functor::Identity{}, x);
  return out;
}
template <class A>
Dual<A> broadcast_to(const Dual<A>& x, const Shape& s) {
  return {moesaic::broadcast_to(x.value, s), moesaic::broadcast_to(x.tangent, s)};
}
template <class A>
Var<A> broadcast_to(const Var<A>& x, const Shape& s) {
  const A y = moesaic::broadcast_to(x.value, s);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x](const A& g) { accumulate(x.node, moesaic::sum_to(g, shape(x))); });
}

}  // namespace rule

template <ArrayLike X>
X sum_to(const X& x, const Shape& s) {
  if (!present(x) || shape(x) == s) return x;
  return rule::sum_to(x, s);
}
/// Repeats `x` along the axes that it lacks or along which it has extent 1.
template <ArrayLike X>
X broadcast_to(const X& x, const Shape& s) {
  if (!present(x) || shape(x) == s) return x;
  return rule::broadcast_to(x, s);
}

/// Sum of all entries, a scalar.
template <ArrayLike X>
X sum(const X& x) {
  return sum_to(x, Shape{});
}
/// Sum over the last axis, which stays with extent 1: `[..., C] -> [..., 1]`.
template <ArrayLike X>
X sum_last(const X& x) {
  Shape s = shape(x);
  require(s.rank() > 0, "sum_last: a scalar has no last axis");
  s[s.rank() - 1] = 1;
  return sum_to(x, s);
}

}  // namespace moesaic
