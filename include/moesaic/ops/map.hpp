// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <tuple>
#include <utility>

#include <moesaic/core/jet.hpp>
#include <moesaic/ops/basic.hpp>

namespace moesaic {

template <class B, class... Xs>
Shape broadcast_shape(const Tensor<B>& x, const Xs&... xs) {
  Shape s = x.shape();
  ((s = broadcast(s, xs.shape())), ...);
  return s;
}

/// Sums `x` over the axes along which `shape` broadcasts to its shape.
template <ArrayLike X>
Deepest<X> sum_to(const X& x, const Shape& shape);
template <ArrayLike X>
Deepest<X> broadcast_to(const X& x, const Shape& shape);
template <ArrayLike X>
X sum_present(const X& a, const X& b);

/// Adds to a node's adjoint what its value's broadcast copies received: `g`, summed to the value's shape.
template <class A>
void accumulate_sum(Node<A>* node, const A& g) {
  const Shape s = shape(node->value);
  if (!present(g) || shape(g) == s) return accumulate(node, g);
  if constexpr (LevelOf<A>::depth == 0) {  // summed in place from the second time on
    const Shape& all = g.shape();
    if (s.rank() == 3 && all.rank() == 3 && s[0] == all[0] && s.size() == s[0])  // one number for each of a batch: all uses at once
      return node->tape->defer(*node, A{}, g.reshape({s[0], all[1] * all[2], 1}));
    if (node->owned) return add_in_place(node->adjoint, g);
    if (!present(node->adjoint)) {
      node->adjoint = sum_to(g, s);
      node->owned = true;
      return;
    }
  }
  accumulate(node, A(sum_to(g, s)));
}

/// A functor of one argument whose derivative follows from its value: `Slope{}(f(x), g) = g * df/dx`.
template <class F>
concept TellsSlope = requires { typename F::Slope; };

namespace rule {

template <class F, class B, class... Ts>
Tensor<B> map(const F& f, const Tensor<B>& x, const Ts&... xs) {
  auto out = make_tensor<B>(broadcast_shape(x, xs...));
  B::map(out, f, x, xs...);
  return out;
}

template <class F, class A, std::size_t... i>
Dual<A> map_dual(const F& f, std::index_sequence<i...>, const std::tuple<decltype((void)i, Dual<A>{})...>& x) {
  Dual<A> y(map(f, std::get<i>(x).value...));
  const auto term = [&](auto k) {
    const auto& t = std::get<k>(x).tangent;
    if (present(t)) y.tangent = sum_present(y.tangent, map(Partial<F, int(k)>{f}, std::get<i>(x).value..., t));
  };
  (term(std::integral_constant<std::size_t, i>{}), ...);
  return y;
}
template <class F, class A, class... Xs>
Dual<A> map(const F& f, const Dual<A>& x, const Xs&... xs) {
  return map_dual<F, A>(f, std::make_index_sequence<1 + sizeof...(Xs)>{}, std::tuple(x, xs...));
}

template <class F, class A, std::size_t... i>
void pull_map(const F& f, const A& g, std::index_sequence<i...>, const std::tuple<decltype((void)i, Var<A>{})...>& x) {
  const auto term = [&](auto k) {
    const auto& to = std::get<k>(x);
    if (to.active()) accumulate_sum(to.node, map(Partial<F, int(k)>{f}, std::get<i>(x).value..., g));
  };
  (term(std::integral_constant<std::size_t, i>{}), ...);
}
template <class F, class A, class... Xs>
Var<A> map(const F& f, const Var<A>& x, const Xs&... xs) {
  const A y = map(f, x.value, xs.value...);
  auto* tape = tape_of(x, xs...);
  if (!tape) return y;
  return tape->record(y, [f, inputs = std::tuple(x, xs...)](const A& g) {
    pull_map<F, A>(f, g, std::make_index_sequence<1 + sizeof...(Xs)>{}, inputs);
  });
}

/// The value is remembered in place of the input, and nothing is evaluated twice.
template <class F, class A>
  requires TellsSlope<F>
Var<A> map(const F& f, const Var<A>& x) {
  const A y = map(f, x.value);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x, y](const A& g) { accumulate(x.node, map(typename F::Slope{}, y, g)); });
}

}  // namespace rule

/// `y[i] = f(x0[i], x1[i], ...)` with NumPy broadcasting, differentiable to any order.
///
/// `f` is a functor over any scalar-like types (number, SIMD batch, jet; each argument of its own type); its derivatives are taken
/// by calling it with jets, and a backward pass through it is again one fused `map`.
template <class F, ArrayLike... Xs>
auto map(const F& f, const Xs&... xs) {
  using X = Deepest<Xs...>;
  return rule::map(f, lifted<X>(xs)...);
}

}  // namespace moesaic
