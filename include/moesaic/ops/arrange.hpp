// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <initializer_list>
#include <span>

#include <moesaic/ops/arithmetic.hpp>

namespace moesaic {

/// Entries `begin .. begin + count` of an axis.
template <class B>
Tensor<B> slice(const Tensor<B>& x, int axis, Index begin, Index count) {
  if (!x) return x;
  Shape s = x.shape();
  require(axis >= 0 && axis < s.rank() && begin >= 0 && count >= 0 && begin + count <= s[axis], "slice: ", begin, " .. ",
          begin + count, " of axis ", axis, " of a tensor of shape ", s);
  if (axis == 0) return x.rows(begin, count);
  s[axis] = count;
  auto out = make_tensor<B>(s);
  B::slice(out, x, axis, begin);
  return out;
}
/// The adjoint of `slice`: zero but for the entries `begin ..` of an axis of extent `extent`.
template <class B>
Tensor<B> pad(const Tensor<B>& x, int axis, Index begin, Index extent) {
  if (!x) return x;
  Shape s = x.shape();
  require(axis >= 0 && axis < s.rank() && begin >= 0 && begin + s[axis] <= extent, "pad: ", s, " from ", begin, " on, in ", extent,
          " entries of axis ", axis);
  s[axis] = extent;
  auto out = make_tensor<B>(s);
  B::fill(out, typename B::Scalar(0));
  B::put_slice(out, x, axis, begin, false);
  return out;
}
template <class A>
Dual<A> slice(const Dual<A>& x, int axis, Index begin, Index count) {
  return {slice(x.value, axis, begin, count), slice(x.tangent, axis, begin, count)};
}
template <class A>
Dual<A> pad(const Dual<A>& x, int axis, Index begin, Index extent) {
  return {pad(x.value, axis, begin, extent), pad(x.tangent, axis, begin, extent)};
}
template <class A>
Var<A> pad(const Var<A>& x, int axis, Index begin, Index extent);
template <class A>
Var<A> slice(const Var<A>& x, int axis, Index begin, Index count) {
  const A y = slice(x.value, axis, begin, count);
  if (!x.active()) return as_constant(x, y);
  return x.node->tape->record(y, [x, axis, begin](const A& g) {
    own_adjoint(*x.node);
    add_slice(x.node->adjoint, g, axis, begin);
  });
}
template <class A>
Var<A> pad(const Var<A>& x, int axis, Index begin, Index extent) {
  const A y = pad(x.value, axis, begin, extent);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x, axis, begin](const A& g) { accumulate(x.node, slice(g, axis, begin, shape(x)[axis])); });
}

/// Adds `g` in place to the entries `begin ..` of an axis.
template <class B>
void add_slice(const Tensor<B>& to, const Tensor<B>& g, int axis, Index begin) {
  if (g) B::put_slice(to, g, axis, begin, true);
}
template <class A>
void add_slice(const Dual<A>& to, const Dual<A>& g, int axis, Index begin) {
  add_slice(to.value, g.value, axis, begin);
  add_slice(to.tangent, g.tangent, axis, begin);
}

/// Joins arrays along an existing axis.
template <class B>
Tensor<B> concat(std::span<const Tensor<B>> parts, int axis) {
  require(!parts.empty(), "concat: nothing to join");
  Shape s = parts[0].shape();
  require(axis >= 0 && axis < s.rank(), "concat: axis ", axis, " of a tensor of shape ", s);
  Index extent = 0;
  for (const auto& p : parts) {
    Shape other = p.shape();
    require(other.rank() == s.rank(), "concat: shapes ", s, " and ", other, " differ in rank");
    extent += other[axis];
    other[axis] = s[axis];
    require(other == s, "concat along axis ", axis, ": shapes ", s, " and ", p.shape(), " differ elsewhere");
  }
  s[axis] = extent;
  auto out = make_tensor<B>(s);
  Index at = 0;
  for (const auto& p : parts) {
    B::put_slice(out, p, axis, at, false);
    at += p.shape()[axis];
  }
  return out;
}
template <class A>
Dual<A> concat(std::span<const Dual<A>> parts, int axis) {
  auto& workspace = Workspace<HostMemory>::current();
  A* component = workspace.template take<A>(parts.size());
  bool moves = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    component[i] = parts[i].value;
    moves = moves || present(parts[i].tangent);
  }
  Dual<A> y(concat(std::span<const A>(component, parts.size()), axis));
  if (!moves) return y;
  for (std::size_t i = 0; i < parts.size(); ++i)
    component[i] = present(parts[i].tangent) ? parts[i].tangent : A(zeros_like(primal(parts[i])));
  y.tangent = concat(std::span<const A>(component, parts.size()), axis);
  return y;
}
template <class A>
Var<A> concat(std::span<const Var<A>> parts, int axis) {
  A* values = Workspace<HostMemory>::current().template take<A>(parts.size());
  Tape<A>* tape = nullptr;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    values[i] = parts[i].value;
    join_tape(tape, parts[i]);
  }
  const A y = concat(std::span<const A>(values, parts.size()), axis);
  if (!tape) return y;
  auto* kept = static_cast<Var<A>*>(tape->allocate(parts.size() * sizeof(Var<A>)));
  std::copy(parts.begin(), parts.end(), kept);
  return tape->record(y, [kept, count = parts.size(), axis](const A& g) {
    Index at = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Index n = shape(kept[i])[axis];
      if (kept[i].active()) accumulate(kept[i].node, slice(g, axis, at, n));
      at += n;
    }
  });
}
template <ArrayLike X, ArrayLike Y>
auto concat(const X& a, const Y& b, int axis) {
  using Z = Deepest<X, Y>;
  const Z both[] = {Z(a), Z(b)};
  return concat(std::span<const Z>(both), axis);
}

/// Joins arrays of one shape along a new first axis.
template <ArrayLike X>
X stack(std::span<const X> parts) {
  require(!parts.empty(), "stack: nothing to join");
  Shape one{1};
  const Shape s = shape(parts[0]);
  for (int a = 0; a < s.rank(); ++a) one.push_back(s[a]);
  X* lifted = Workspace<HostMemory>::current().template take<X>(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) lifted[i] = reshape(parts[i], one);
  return concat(std::span<const X>(lifted, parts.size()), 0);
}

/// `y[i] = x[row[i]]` along the first axis. The rows are referred to, not copied: they outlive the tape.
template <class B>
Tensor<B> gather(const Tensor<B>& x, std::span<const std::int32_t> row) {
  if (!x) return x;
  Shape s = x.shape();
  for (auto r : row) require(r >= 0 && r < s[0], "gather: row ", r, " of a tensor of shape ", s);
  s[0] = Index(row.size());
  auto out = make_tensor<B>(s);
  B::gather(out, x, row.data());
  return out;
}
/// The adjoint of `gather`: `y[row[i]] += x[i]`, `rows` rows.
template <class B>
Tensor<B> scatter_add(const Tensor<B>& x, std::span<const std::int32_t> row, Index rows) {
  if (!x) return x;
  Shape s = x.shape();
  require(s[0] == Index(row.size()), "scatter_add: ", row.size(), " rows for a tensor of shape ", s);
  s[0] = rows;
  for (auto r : row) require(r >= 0 && r < rows, "scatter_add: row ", r, " of ", rows);
  auto out = make_tensor<B>(s);
  B::fill(out, typename B::Scalar(0));
  B::scatter_add(out, x, row.data());
  return out;
}
template <class A>
Dual<A> gather(const Dual<A>& x, std::span<const std::int32_t> row) { return {gather(x.value, row), gather(x.tangent, row)}; }
template <class A>
Dual<A> scatter_add(const Dual<A>& x, std::span<const std::int32_t> row, Index rows) {
  return {scatter_add(x.value, row, rows), scatter_add(x.tangent, row, rows)};
}
template <class A>
Var<A> gather(const Var<A>& x, std::span<const std::int32_t> row) {
  const A y = gather(x.value, row);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x, row](const A& g) { accumulate(x.node, scatter_add(g, row, shape(x)[0])); });
}
template <class A>
Var<A> scatter_add(const Var<A>& x, std::span<const std::int32_t> row, Index rows) {
  const A y = scatter_add(x.value, row, rows);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x, row](const A& g) { accumulate(x.node, gather(g, row)); });
}

}  // namespace moesaic
