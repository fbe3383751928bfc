// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <span>
#include <utility>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/ops/arrange.hpp>

namespace moesaic {

/// Whether values of type `X` may stand on a tape, at any level.
template <class X>
inline constexpr bool is_recorded = false;
template <class A>
inline constexpr bool is_recorded<Dual<A>> = is_recorded<A>;
template <class A>
inline constexpr bool is_recorded<Var<A>> = true;

namespace detail {

/// An array type as `Dual`s (none or several) over one `Var`: its variables, and itself without the tape.
template <class X>
struct Recording {
  using Bare = X;
  static constexpr bool single = false;  ///< whether there is exactly one tape
};
template <class A>
struct Recording<Var<A>> {
  using Bare = A;
  using Component = A;
  static constexpr bool single = !is_recorded<A>;
  static constexpr std::size_t count = 1;
  static Bare bare(const Var<A>& x) { return x.value; }
  static void split(const Var<A>& x, Var<A>* to) { *to = x; }
  static void split(const A& x, A* to) { *to = x; }
  static Var<A> join(const Var<A>* from) { return *from; }
};
template <class Y>
struct Recording<Dual<Y>> {
  using Inner = Recording<Y>;
  using Bare = Dual<typename Inner::Bare>;
  static constexpr bool single = Inner::single;
};
template <class Y>
  requires(Recording<Y>::single)
struct Recording<Dual<Y>> {
  using Inner = Recording<Y>;
  using Bare = Dual<typename Inner::Bare>;
  using Component = typename Inner::Component;
  static constexpr bool single = true;
  static constexpr std::size_t count = 2 * Inner::count;
  static Bare bare(const Dual<Y>& x) { return {Inner::bare(x.value), Inner::bare(x.tangent)}; }
  template <class Z, class To>
  static void split(const Dual<Z>& x, To* to) {
    Inner::split(x.value, to);
    Inner::split(x.tangent, to + Inner::count);
  }
  static Dual<Y> join(const Var<Component>* from) { return {Inner::join(from), Inner::join(from + Inner::count)}; }
};
template <class X>
using Bare = typename Recording<X>::Bare;

/// The present ones of several arrays of one size, as the rows of one array; what `like` has and `parts` lacks is zero.
template <class Z, class A>
Z pack(const Z* parts, const A* like, std::size_t count) {
  std::array<Z, 8> rows;
  std::size_t n = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (present(like[i])) {
      const Z row = present(parts[i]) ? parts[i] : Z(zeros_like(primal(like[i])));
      rows[n++] = reshape(row, {1, shape(row).size()});
    }
  return concat(std::span<const Z>(rows.data(), n), 0);
}

template <class X, std::size_t n>
auto* tape_of_any(const std::array<X, n>& inputs) {
  using R = Recording<X>;
  std::array<Var<typename R::Component>, n * R::count> all;
  for (std::size_t i = 0; i < n; ++i) R::split(inputs[i], &all[i * R::count]);
  Tape<typename R::Component>* tape = nullptr;
  for (const auto& x : all) join_tape(tape, x);
  return tape;
}

/// Puts `y`, which is `f(inputs...)` computed without a tape, on the tape; a sweep records `f` again and sweeps that at once.
template <class F, class X, std::size_t n>
X record_checkpoint(const F& f, Tape<typename Recording<X>::Component>& tape, const Bare<X>& y, const std::array<X, n>& inputs) {
  using R = Recording<X>;
  using A = typename R::Component;
  static_assert(R::count <= 8, "checkpoint: more than three Duals over a Var are not supported");
  static_assert(std::is_trivially_copyable_v<F> && std::is_trivially_destructible_v<F>,
                "checkpoint: the callable is kept on the tape, so it must be trivially copyable: capture tensors and numbers");
  std::array<A, R::count> part;
  R::split(y, part.data());
  const A packed = R::count == 1 ? part[0] : pack(part.data(), part.data(), R::count);

  const Var<A> recorded = tape.record(packed, [f, part, inputs, &tape](const A& g) {
    std::array<Var<A>, n * R::count> outer, fresh;
    for (std::size_t i = 0; i < n; ++i) R::split(inputs[i], &outer[i * R::count]);
    for (auto& x : outer)
      if (x.active()) own_adjoint(*x.node);  // below the mark, so that it outlives the second recording
    const auto mark = tape.mark();
    const Scratch<typename BackendOf<A>::Memory> scratch;
    for (std::size_t i = 0; i < outer.size(); ++i) {
      const auto& x = outer[i];
      fresh[i] = x.active() ? tape.leaf(x.value) : x.node ? tape.constant(x.value) : x;
    }
    const X again = [&]<std::size_t... i>(std::index_sequence<i...>) {
      return X(f(R::join(&fresh[i * R::count])...));
    }(std::make_index_sequence<n>{});
    std::array<Var<A>, R::count> output;
    R::split(again, output.data());
    const Var<A> whole = R::count == 1 ? output[0] : pack(output.data(), part.data(), R::count);
    sweep(whole, g, mark.last);
    for (std::size_t i = 0; i < outer.size(); ++i)
      if (outer[i].active()) accumulate(outer[i].node, fresh[i].node->adjoint);
    tape.rewind(mark);
  });
  if constexpr (R::count == 1) {
    return recorded;
  } else {
    std::array<Var<A>, R::count> output;
    Index row = 0;
    for (std::size_t i = 0; i < R::count; ++i)
      if (present(part[i])) output[i] = reshape(slice(recorded, 0, row++, 1), shape(part[i]));
    return R::join(output.data());
  }
}

/// The same numbers as constants of the level `X`.
template <class X>
X as_constant(const Bare<X>& x) {
  using R = Recording<X>;
  std::array<typename R::Component, R::count> part;
  R::split(x, part.data());
  std::array<Var<typename R::Component>, R::count> all;
  for (std::size_t i = 0; i < R::count; ++i) all[i] = part[i];
  return R::join(all.data());
}

template <class B>
Tensor<B> copy_of(const Tensor<B>& x) {
  if (!x) return x;
  auto out = make_tensor<B>(x.shape());
  B::copy(out, x);
  return out;
}
template <class A>
Dual<A> copy_of(const Dual<A>& x) {
  return {copy_of(x.value), copy_of(x.tangent)};
}

/// `f()`, with nothing left in the workspace but its result.
template <class F>
auto without_intermediates(const F& f) {
  using Y = decltype(f());
  using Arena = Workspace<typename BackendOf<Y>::Memory>;
  thread_local Arena aside;
  auto& workspace = Arena::current();
  const auto mark = workspace.mark();
  const Y y = f();
  const Y kept = [&] {
    const typename Arena::Scope scope(aside);
    aside.reset();
    return copy_of(y);
  }();
  workspace.rewind(mark);
  return copy_of(kept);
}

template <class F, class X, std::size_t n>
X checkpoint_all(const F& f, const std::array<X, n>& inputs) {
  const auto call = [&f](const auto& x) { return std::apply([&f](const auto&... xs) { return f(xs...); }, x); };
  if constexpr (!Recording<X>::single) {
    return call(inputs);
  } else {
    std::array<Bare<X>, n> bare;
    for (std::size_t i = 0; i < n; ++i) bare[i] = Recording<X>::bare(inputs[i]);
    static_assert(std::is_convertible_v<decltype(call(bare)), Bare<X>>,
                  "checkpoint: the callable captures an array that is on a tape: pass it as an input");
    const Bare<X> y = without_intermediates([&]() -> Bare<X> { return call(bare); });
    auto* tape = tape_of_any(inputs);
    return tape ? record_checkpoint(f, *tape, y, inputs) : as_constant<X>(y);
  }
}

}  // namespace detail

/// `f(inputs...)`, remembered by its inputs and its result alone: the way back computes it a second time.
///
/// `f` is a trivially copyable callable over any array type. It is kept on the tape and called again in the sweep, so what it
/// refers to must live until then; arrays on the tape are passed as inputs, never captured (that does not compile). Gradients are
/// those of `f(inputs...)`.
/// Griewank, Walther: Algorithm 799 (ACM Trans. Math. Softw. 26, 2000); Chen et al.: Training deep nets with sublinear memory
/// cost (2016).
template <class F, ArrayLike... Xs>
auto checkpoint(const F& f, const Xs&... inputs) {
  using X = Deepest<Xs...>;
  return detail::checkpoint_all(f, std::array<X, sizeof...(Xs)>{X(inputs)...});
}

}  // namespace moesaic
