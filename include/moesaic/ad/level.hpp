// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ad/dual.hpp>
#include <moesaic/ad/var.hpp>

namespace moesaic {

/// What an array type is made of: a model is written over `X`, and `X` decides whether it predicts, trains or differentiates.
template <class X>
struct LevelOf;
template <class B, Index... extents>
struct LevelOf<Tensor<B, extents...>> {
  using Backend = B;
  static constexpr int depth = 0;
};
template <class A>
struct LevelOf<Dual<A>> {
  using Backend = typename LevelOf<A>::Backend;
  static constexpr int depth = LevelOf<A>::depth + 1;
};
template <class A>
struct LevelOf<Var<A>> {
  using Backend = typename LevelOf<A>::Backend;
  static constexpr int depth = LevelOf<A>::depth + 1;
};
template <class B>
struct LevelOf<Array<B>> : LevelOf<Tensor<B>> {};

template <class X>
using BackendOf = typename LevelOf<std::remove_cvref_t<X>>::Backend;
template <class X>
using TensorOf = Tensor<BackendOf<X>>;
template <class X>
using ScalarOf = typename BackendOf<X>::Scalar;

template <class X>
concept ArrayLike = requires { LevelOf<std::remove_cvref_t<X>>::depth; };

/// The deepest of several levels: constants of shallower levels are lifted to it.
template <class X, class... Rest>
struct DeepestOf {
  using type = X;
};
template <class X, class Y, class... Rest>
struct DeepestOf<X, Y, Rest...> : DeepestOf<std::conditional_t<(LevelOf<Y>::depth > LevelOf<X>::depth), Y, X>, Rest...> {};
template <class B>
Tensor<B> as_level(const Array<B>&);
template <class B, Index... extents>
Tensor<B> as_level(const Tensor<B, extents...>&);
template <class X>
X as_level(const X&);
template <class... Xs>
using Deepest = typename DeepestOf<decltype(as_level(std::declval<const Xs&>()))...>::type;

/// `x` at the level `Y`; no copy where it is there already.
template <class Y, class X>
decltype(auto) lifted(const X& x) {
  if constexpr (std::is_same_v<X, Y>)
    return (x);
  else
    return Y(x);
}

/// The numbers behind any level.
template <class B>
const Tensor<B>& primal(const Tensor<B>& x) { return x; }
template <class B>
Tensor<B> primal(const Array<B>& x) { return x; }
template <class A>
const auto& primal(const Dual<A>& x) { return primal(x.value); }
template <class A>
const auto& primal(const Var<A>& x) { return primal(x.value); }

template <class X>
Shape shape(const X& x) { return primal(x).shape(); }
/// False for a structural zero.
template <class X>
bool present(const X& x) { return bool(primal(x)); }

}  // namespace moesaic
