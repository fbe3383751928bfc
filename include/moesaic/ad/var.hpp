// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <type_traits>

#include <moesaic/core/tensor.hpp>

namespace moesaic {

template <class A>
struct Node;  // ad/tape.hpp

/// A value that is recorded on a tape, so that an adjoint can be swept back to it; without a node it is a constant.
///
/// `A` is a tensor or a `Dual` of one: `Var<Dual<...>>` gives exact Hessian-vector products.
template <class A>
struct Var {
  using Component = A;
  A value;
  Node<A>* node = nullptr;

  Var() = default;
  Var(const A& v) : value(v) {}
  Var(const A& v, Node<A>* n) : value(v), node(n) {}
  /// Whether an adjoint is wanted.
  bool active() const { return node && node->wanted; }
  template <class U>
    requires(!std::is_same_v<U, A> && std::is_convertible_v<U, A>)
  Var(const U& constant) : value(A(constant)) {}
};

}  // namespace moesaic
