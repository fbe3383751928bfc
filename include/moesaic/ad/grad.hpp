// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <utility>

#include <moesaic/ad/level.hpp>
#include <moesaic/ad/tape.hpp>

namespace moesaic {

namespace detail {
template <class B>
Tensor<B> scalar_one() {
  auto one = make_tensor<B>(Shape{});
  B::fill(one, typename B::Scalar(1));
  return one;
}
template <class X>
void require_scalar(const X& y, const char* what) {
  require(shape(y).size() == 1, what, ": the function returns shape ", shape(y), "; expected a scalar");
}
template <class B>
Tensor<B> seed_like(const Tensor<B>& y) {
  return scalar_one<B>().reshape(y.shape());
}
template <class A>
Dual<A> seed_like(const Dual<A>& y) {
  return {seed_like(y.value)};
}
/// An adjoint that nothing reached is zero.
template <class A>
A or_zeros(const A& adjoint, const A& like) {
  return present(adjoint) ? adjoint : zeros_like(like);
}
}  // namespace detail

/// Value and adjoint of a scalar function: `{f(x), df/dx}`.
///
/// `f` is a callable over any array type; `x` may be a tensor or array, or a `Dual` for the derivative of the gradient along its
/// tangent.
template <class F, class X, class A = Deepest<X>>
std::pair<A, A> value_and_grad(const F& f, const X& x) {
  static_assert(requires { detail::seed_like(x); },
                "Moesaic: grad() of an array that is on a tape; second derivatives are forward over reverse: hvp(), or grad() of a Dual "
                "[docs/differentiation.md]");
  Tape<A> tape;
  const Var<A> in = tape.leaf(x);
  const Var<A> y = f(in);
  detail::require_scalar(y, "grad");
  sweep(y, detail::seed_like(y.value));
  return {y.value, detail::or_zeros(in.node->adjoint, in.value)};
}

/// Gradient of a scalar function.
template <class F, class X>
Deepest<X> grad(const F& f, const X& x) {
  return value_and_grad(f, x).second;
}

/// Jacobian-vector product: `{f(x), J(x) v}` (forward mode).
template <class F, class B>
Dual<Tensor<B>> jvp(const F& f, const Tensor<B>& x, const Tensor<B>& v) {
  const Dual<Tensor<B>> y = f(Dual<Tensor<B>>(x, v));
  return {y.value, detail::or_zeros(y.tangent, y.value)};
}

/// Vector-Jacobian product: `{f(x), J(x)^T g}` (reverse mode).
template <class F, class B>
std::pair<Tensor<B>, Tensor<B>> vjp(const F& f, const Tensor<B>& x, const Tensor<B>& g) {
  Tape<Tensor<B>> tape;
  const Var<Tensor<B>> in = tape.leaf(x);
  const Var<Tensor<B>> y = f(in);
  require(shape(y) == g.shape(), "vjp: the function returns shape ", shape(y), ", the adjoint has shape ", g.shape());
  sweep(y, g);
  return {y.value, detail::or_zeros(in.node->adjoint, x)};
}

/// Hessian-vector product `H(x) v` of a scalar function (forward over reverse; Pearlmutter 1994).
template <class F, class B>
Tensor<B> hvp(const F& f, const Tensor<B>& x, const Tensor<B>& v) {
  const auto g = grad(f, Dual<Tensor<B>>(x, v));
  return detail::or_zeros(g.tangent, x);
}

}  // namespace moesaic
