// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ops/map.hpp>

namespace moesaic {

namespace functor {
struct Identity {
  template <class S>
  constexpr S operator()(const S& x) const { return x; }
};
}  // namespace functor

namespace rule {

template <class B>
Tensor<B> reduce_sum(const Tensor<B>& x, const Shape& s) {
  require(broadcast(s, x.shape()) == x.shape(), "sum_to: shape ", s, " does not broadcast to ", x.shape());
  auto out = make_tensor<B>(s);
  B::sum_to(out, x);
  return out;
}
template <class A>
Dual<A> reduce_sum(const Dual<A>& x, const Shape& s) { return {sum_to(x.value, s), sum_to(x.tangent, s)}; }
template <class A>
Var<A> reduce_sum(const Var<A>& x, const Shape& s) {
  const A y = sum_to(x.value, s);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x](const A& g) { accumulate(x.node, broadcast_to(g, shape(x))); });
}

template <class B>
Tensor<B> expand(const Tensor<B>& x, const Shape& s) {
  require(broadcast(s, x.shape()) == s, "broadcast_to: shape ", x.shape(), " does not broadcast to ", s);
  auto out = make_tensor<B>(s);
  B::map(out, functor::Identity{}, x);
  return out;
}
template <class A>
Dual<A> expand(const Dual<A>& x, const Shape& s) {
  return {broadcast_to(x.value, s), broadcast_to(x.tangent, s)};
}
template <class A>
Var<A> expand(const Var<A>& x, const Shape& s) {
  const A y = broadcast_to(x.value, s);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x](const A& g) { accumulate_sum(x.node, g); });
}

}  // namespace rule

template <ArrayLike X>
Deepest<X> sum_to(const X& x, const Shape& s) {
  if (!present(x) || shape(x) == s) return x;
  return rule::reduce_sum(lifted<Deepest<X>>(x), s);
}
/// Repeats `x` along the axes that it lacks or along which it has extent 1.
template <ArrayLike X>
Deepest<X> broadcast_to(const X& x, const Shape& s) {
  if (!present(x) || shape(x) == s) return x;
  return rule::expand(lifted<Deepest<X>>(x), s);
}

/// Sum of all entries, a scalar.
template <ArrayLike X>
Deepest<X> sum(const X& x) {
  return sum_to(x, Shape{});
}
/// Sum over the last axis, which stays with extent 1: `[..., C] -> [..., 1]`.
template <ArrayLike X>
Deepest<X> sum_last(const X& x) {
  Shape s = shape(x);
  require(s.rank() > 0, "sum_last: a scalar has no last axis");
  s[s.rank() - 1] = 1;
  return sum_to(x, s);
}

}  // namespace moesaic
