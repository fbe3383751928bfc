// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ad/tape.hpp>
#include <moesaic/backend/primitives.hpp>

namespace moesaic {

template <class B>
Tensor<B> zeros_like(const Tensor<B>& x) {
  auto out = make_tensor<B>(x.shape());
  B::fill(out, typename B::Scalar(0));
  return out;
}
template <class A>
Dual<A> zeros_like(const Dual<A>& x) {
  return {zeros_like(x.value), zeros_like(x.value)};
}

/// The same numbers under another shape of equal size.
template <class B>
Tensor<B> reshape(const Tensor<B>& x, const Shape& shape) { return x ? x.reshape(shape) : x; }
template <class A>
Dual<A> reshape(const Dual<A>& x, const Shape& shape) { return {reshape(x.value, shape), reshape(x.tangent, shape)}; }
/// A part of `x` or its numbers under another shape, where those have no derivative: a constant of the same tape, if x is one.
template <class A>
Var<A> as_constant(const Var<A>& x, const A& y) {
  return x.node ? x.node->tape->constant(y) : Var<A>(y);
}
template <class A>
Var<A> reshape(const Var<A>& x, const Shape& s) {
  if (shape(x) == s) return x;
  const A y = reshape(x.value, s);
  if (!x.active()) return as_constant(x, y);
  return x.node->tape->record(y, [x](const A& g) { accumulate(x.node, reshape(g, shape(x))); });
}

/// Numbers `offset .. offset + shape.size()` of a flat array, as an array of that shape, without a copy: a named parameter.
///
/// On a tape the view's adjoint *is* the slice of the flat array's adjoint.
template <class B>
Tensor<B> view(const Tensor<B>& flat, Index offset, const Shape& shape) {
  if (!flat) return flat;
  require(offset >= 0 && offset + shape.size() <= flat.size(), "view: ", shape, " at ", offset, " lies outside of ", flat.size(), " numbers");
  return {flat.data() + offset, shape};
}
template <class A>
Dual<A> view(const Dual<A>& flat, Index offset, const Shape& shape) {
  return {view(flat.value, offset, shape), view(flat.tangent, offset, shape)};
}
template <class A>
Var<A> view(const Var<A>& flat, Index offset, const Shape& shape) {
  const A y = view(flat.value, offset, shape);
  if (!flat.active()) return as_constant(flat, y);
  own_adjoint(*flat.node);
  Var<A> out = flat.node->tape->leaf(y);
  out.node->adjoint = view(flat.node->adjoint, offset, shape);
  out.node->owned = true;
  return out;
}

/// The value without its derivatives.
template <class X>
auto detach(const X& x) {
  return primal(x);
}

/// Adds `g` to an adjoint in place.
template <class B>
void add_in_place(const Tensor<B>& to, const Tensor<B>& g) {
  if (g) B::sum_to(to, g, true);
}
template <class A>
void add_in_place(const Dual<A>& to, const Dual<A>& g) {
  add_in_place(to.value, g.value);
  add_in_place(to.tangent, g.tangent);
}

/// Makes the adjoint memory of the node's own, starting from what has arrived.
template <class A>
void own_adjoint(Node<A>& node) {
  if (node.owned) return;
  const A before = node.adjoint;
  node.adjoint = zeros_like(node.value);
  if (present(before)) add_in_place(node.adjoint, before);
  node.owned = true;
}

/// First contribution assigns, later ones add; a structural zero costs nothing.
template <class A>
void accumulate(Node<A>* node, const A& g) {
  if (!present(g)) return;
  if (node->owned)
    add_in_place(node->adjoint, g);
  else
    node->adjoint = present(node->adjoint) ? add(node->adjoint, g) : g;
}

namespace detail {

template <class A>
struct Pair {
  A x, g;
};

/// `to += sum x_i^T g_i` at any level; `x` absent in all pairs: column sums.
template <class B>
void add_pairs(const Tensor<B>& to, const Pair<Tensor<B>>* pairs, Index count) {
  const Scratch<HostMemory> scratch;
  auto* list = Workspace<HostMemory>::current().template take<OuterProduct<B>>(std::size_t(count));
  for (Index i = 0; i < count; ++i) list[i] = {pairs[i].x, pairs[i].g};
  B::add_outer_products(to, list, count);
}
template <class A>
void add_pairs(const Dual<A>& to, const Pair<Dual<A>>* pairs, Index count) {
  const Scratch<HostMemory> scratch;
  auto* list = Workspace<HostMemory>::current().template take<Pair<A>>(std::size_t(2 * count));
  const bool sums = count > 0 && !present(pairs[0].x);
  Index n = 0;
  for (Index i = 0; i < count; ++i)
    if (present(pairs[i].g.value)) list[n++] = {pairs[i].x.value, pairs[i].g.value};
  add_pairs(to.value, list, n);
  n = 0;
  for (Index i = 0; i < count; ++i) {
    if (present(pairs[i].g.tangent)) list[n++] = {pairs[i].x.value, pairs[i].g.tangent};
    if (!sums && present(pairs[i].x.tangent) && present(pairs[i].g.value)) list[n++] = {pairs[i].x.tangent, pairs[i].g.value};
  }
  add_pairs(to.tangent, list, n);
}

template <class A>
void settle_deferred(Node<A>& node) {
  own_adjoint(node);
  const Scratch<HostMemory> scratch;
  auto* pairs = Workspace<HostMemory>::current().template take<Pair<A>>(std::size_t(node.deferred_count));
  for (const bool products : {true, false}) {  // one node may be a weight here and a bias there
    Index n = 0;
    for (auto* d = node.deferred; d; d = d->next)
      if (present(d->x) == products) pairs[n++] = {d->x, d->g};
    if (n > 0) add_pairs(node.adjoint, pairs, n);
  }
  node.deferred = nullptr;
  node.deferred_count = 0;
}

}  // namespace detail

/// Sweeps the adjoint `seed` of `y` back to every node created since `until` (all by default).
template <class A>
void sweep(const Var<A>& y, const A& seed, const Node<A>* until = nullptr) {
  if (!y.active()) return;
  accumulate(y.node, seed);
  for (Node<A>* node = y.node->tape->last(); node != until; node = node->previous) {
    if (node->deferred) detail::settle_deferred(*node);
    if (node->pull && present(node->adjoint)) node->pull(*node);
  }
}

/// Makes `tape` that of an operand, if it is active. Errors: it is another one already.
template <class A>
void join_tape(Tape<A>*& tape, const Var<A>& x) {
  if (!x.active()) return;
  require(!tape || tape == x.node->tape, "arrays of two tapes meet: a function that is differentiated captures an array of a derivative "
          "around it [docs/differentiation.md]");
  tape = x.node->tape;
}

/// The tape of the active operands; null where none is. Errors: they have several.
template <class... As>
auto* tape_of(const Var<As>&... x) {
  std::common_type_t<Tape<As>*...> tape = nullptr;
  (join_tape(tape, x), ...);
  return tape;
}

}  // namespace moesaic
