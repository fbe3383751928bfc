// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ops/arithmetic.hpp>

namespace moesaic {

/// Swaps the last two axes.
template <class B>
Tensor<B> transpose(const Tensor<B>& x) {
  if (!x) return x;
  Shape s = x.shape();
  require(s.rank() >= 2, "transpose: shape ", s, " has fewer than two axes");
  std::swap(s[s.rank() - 2], s[s.rank() - 1]);
  auto out = make_tensor<B>(s);
  B::transpose(out, x);
  return out;
}
template <class A>
Dual<A> transpose(const Dual<A>& x) { return {transpose(x.value), transpose(x.tangent)}; }
template <class A>
Var<A> transpose(const Var<A>& x) {
  const A y = transpose(x.value);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x](const A& g) { accumulate(x.node, transpose(g)); });
}

namespace detail {

/// The transpose of a recorded value, made at most once.
template <class A>
A transposed(const Var<A>& w) {
  if (!w.node) return transpose(w.value);
  if (!present(w.node->transposed)) w.node->transposed = transpose(w.value);
  return w.node->transposed;
}

template <class B>
Shape linear_shape(const Tensor<B>& x, const Tensor<B>& w, const Tensor<B>& b) {
  const Shape &s = x.shape(), &ws = w.shape();
  require(ws.rank() == 2 || ws.rank() == 3, "linear: the weight has shape ", ws, "; expected [in, out] or [batch, in, out]");
  require(s.rank() >= 1 && s.back() == ws.back(1), "linear: input of shape ", s, " does not fit the weight of shape ", ws);
  require(ws.rank() == 2 || (s.rank() == 3 && s[0] == ws[0]), "linear: input of shape ", s, " and weight of shape ", ws,
          " differ in their batch");
  Shape out = s;
  out[out.rank() - 1] = ws.back();
  const bool row = b && b.shape().rank() == 1 && b.shape()[0] == ws.back();  // the usual bias needs no look at broadcasting
  require(!b || row || broadcast(out, b.shape()) == out, "linear: bias of shape ", b.shape(), " does not broadcast to ", out);
  return out;
}

}  // namespace detail

namespace rule {

template <class B>
Tensor<B> linear(const Tensor<B>& x, const Tensor<B>& w, const Tensor<B>& b) {
  auto out = make_tensor<B>(detail::linear_shape(x, w, b));
  B::product(out, x, w, b);
  return out;
}
template <class A>
Dual<A> linear(const Dual<A>& x, const Dual<A>& w, const Dual<A>& b) {
  Dual<A> y(linear(x.value, w.value, b.value));
  y.tangent = broadcast_to(b.tangent, shape(y));
  if (present(x.tangent)) y.tangent = linear(x.tangent, w.value, y.tangent);
  if (present(w.tangent)) y.tangent = linear(x.value, w.tangent, y.tangent);
  return y;
}
/// Hands the adjoint `g` of `x W + b` on.
template <class A>
void pull_linear(const Var<A>& x, const Var<A>& w, const Var<A>& b, const A& g) {
  if (x.active()) accumulate(x.node, linear(g, detail::transposed(w), A{}));
  if (w.active()) w.node->tape->defer(*w.node, x.value, g);
  if (b.active()) {
    const Shape s = shape(b);
    const bool row_of_batch = s.rank() == 3 && s[1] == 1 && shape(w).rank() == 3 && s[0] == shape(w)[0];
    if (s != shape(g) && (s.rank() == 1 || row_of_batch))
      b.node->tape->defer(*b.node, A{}, g);
    else
      accumulate_sum(b.node, g);
  }
}
template <class A>
Var<A> linear(const Var<A>& x, const Var<A>& w, const Var<A>& b) {
  const A y = linear(x.value, w.value, b.value);
  auto* tape = tape_of(x, w, b);
  if (!tape) return y;
  return tape->record(y, [x, w, b](const A& g) { pull_linear(x, w, b, g); });
}

template <class F, class B>
Tensor<B> linear_map(const F& f, const Tensor<B>& x, const Tensor<B>& w, const Tensor<B>& b) {
  const auto y = linear(x, w, b);
  B::map(y, f, y);
  return y;
}
template <class F, class A>
Dual<A> linear_map(const F& f, const Dual<A>& x, const Dual<A>& w, const Dual<A>& b) {
  return map(f, linear(x, w, b));
}
/// One node; where the functor tells its slope from its value, what goes into it is not kept.
template <class F, class A>
Var<A> linear_map(const F& f, const Var<A>& x, const Var<A>& w, const Var<A>& b) {
  auto* tape = tape_of(x, w, b);
  if (!tape) return linear_map(f, x.value, w.value, b.value);
  if constexpr (TellsSlope<F>) {
    const A y = linear_map(f, x.value, w.value, b.value);
    return tape->record(y, [x, w, b, y](const A& g) { pull_linear(x, w, b, map(typename F::Slope{}, y, g)); });
  } else {
    const A z = linear(x.value, w.value, b.value);
    return tape->record(map(f, z), [f, x, w, b, z](const A& g) { pull_linear(x, w, b, map(Partial<F, 0>{f}, z, g)); });
  }
}

}  // namespace rule

namespace detail {
/// Calls `rule(x, w, b)`, all at one level. The rules want a bias of one row or the weight's batch of them; any other is spread out
/// over the output.
template <class X, class W, class B, class Rule>
auto with_bias(const X& x, const W& w, const B& b, const Rule& rule) {
  using Y = Deepest<X, W, B>;
  const bool whole_rows = present(b) && shape(b).rank() > 0 && shape(b).back() == shape(w).back();
  if (!present(b) || (whole_rows && (shape(b).rank() == 1 || shape(w).rank() == 3)))
    return rule(lifted<Y>(x), lifted<Y>(w), lifted<Y>(b));
  Shape out = shape(x);
  out[out.rank() - 1] = shape(w).back();
  return rule(lifted<Y>(x), lifted<Y>(w), broadcast_to(lifted<Y>(b), out));
}
}  // namespace detail

/// `y = x W + b` over the last axis: `x [..., in]`, `W [in, out]`, `b` absent or broadcasting to `[..., out]`; or batched,
/// `x [batch, n, in]`, `W [batch, in, out]`.
template <ArrayLike X, ArrayLike W, ArrayLike B>
auto linear(const X& x, const W& w, const B& b) {
  return detail::with_bias(x, w, b, [](const auto&... y) { return rule::linear(y...); });
}
/// `f(x W + b)`, a layer of a network: less memory and less to record than `map(f, linear(x, W, b))`.
template <class F, ArrayLike X, ArrayLike W, ArrayLike B>
auto linear_map(const F& f, const X& x, const W& w, const B& b) {
  return detail::with_bias(x, w, b, [&f](const auto&... y) { return rule::linear_map(f, y...); });
}
/// `x W`.
template <ArrayLike X, ArrayLike W>
auto matmul(const X& x, const W& w) {
  using Y = Deepest<X, W>;
  return rule::linear(lifted<Y>(x), lifted<Y>(w), Y{});
}

}  // namespace moesaic
