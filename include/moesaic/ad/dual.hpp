// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <type_traits>

#include <moesaic/core/tensor.hpp>

namespace moesaic {

/// A value and its directional derivative, `value + tangent * epsilon`; an absent tangent is a structural zero.
///
/// `A` is a tensor or again a `Dual` or `Var`: `Dual<Var<...>>` trains through a Taylor expansion.
template <class A>
struct Dual {
  using Component = A;
  A value, tangent;

  Dual() = default;
  Dual(const A& v) : value(v) {}
  Dual(const A& v, const A& t) : value(v), tangent(t) {}
  /// A constant of any inner level.
  template <class U>
    requires(!std::is_same_v<U, A> && std::is_convertible_v<U, A>)
  Dual(const U& constant) : value(A(constant)) {}
};

}  // namespace moesaic
