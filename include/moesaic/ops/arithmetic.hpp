// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <span>

#include <moesaic/ops/reduce.hpp>

namespace moesaic {

namespace functor {
struct Plus {
  template <class S, class R>
  constexpr auto operator()(const S& a, const R& b) const { return a + b; }
};
struct Minus {
  template <class S, class R>
  constexpr auto operator()(const S& a, const R& b) const { return a - b; }
};
struct Times {
  template <class S, class R>
  constexpr auto operator()(const S& a, const R& b) const { return a * b; }
};
struct Divide {
  template <class S, class R>
  constexpr auto operator()(const S& a, const R& b) const { return a / b; }
};
/// `factor * x + shift`.
struct Affine {
  double factor = 1, shift = 0;
  template <class S>
  constexpr S operator()(const S& x) const { return x * constant<S>(factor) + constant<S>(shift); }
};
struct Scale {
  double factor = 1;
  template <class S>
  constexpr S operator()(const S& x) const { return x * constant<S>(factor); }
};
/// `number / x`.
struct Over {
  double number = 1;
  template <class S>
  constexpr S operator()(const S& x) const { return constant<S>(number) / x; }
};
struct Square {
  template <class S>
  constexpr S operator()(const S& x) const { return x * x; }
};
struct SquaredDifference {
  template <class S, class R>
  constexpr auto operator()(const S& a, const R& b) const {
    const auto d = a - b;
    return d * d;
  }
};
}  // namespace functor

/// `factor * x`; linear, so its rules are itself.
template <class B>
Tensor<B> scale(const Tensor<B>& x, double factor) {
  return x ? rule::map(functor::Scale{factor}, x) : x;
}
template <class A>
Dual<A> scale(const Dual<A>& x, double factor) { return {scale(x.value, factor), scale(x.tangent, factor)}; }

/// Adds `factor * g` to an adjoint, in one pass where something is there already.
template <class A>
void accumulate_scaled(Node<A>* node, const A& g, double factor) {
  if (!present(g)) return;
  if (factor == 1) return accumulate(node, g);
  if constexpr (LevelOf<A>::depth == 0)
    if (present(node->adjoint)) {
      using B = BackendOf<A>;
      const double coefficient[] = {1, factor};
      const A terms[] = {node->adjoint, g};
      if (!node->owned) node->adjoint = make_tensor<B>(g.shape()), node->owned = true;
      return B::combine(node->adjoint, 2, coefficient, terms);
    }
  accumulate(node, scale(g, factor));
}

template <class A>
Var<A> scale(const Var<A>& x, double factor) {
  const A y = scale(x.value, factor);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x, factor](const A& g) { accumulate_scaled(x.node, g, factor); });
}

/// `a + b`, or `a - b` with `minus`.
template <ArrayLike X>
X add_signed(const X& a, const X& b, bool minus);

namespace rule {

template <class B>
Tensor<B> add(const Tensor<B>& a, const Tensor<B>& b, bool minus) {
  return minus ? map(functor::Minus{}, a, b) : map(functor::Plus{}, a, b);
}
template <class A>
Dual<A> add(const Dual<A>& a, const Dual<A>& b, bool minus) {
  const A y = add_signed(a.value, b.value, minus);
  if (!present(a.tangent)) return {y, broadcast_to(minus ? scale(b.tangent, -1) : b.tangent, shape(y))};
  if (!present(b.tangent)) return {y, broadcast_to(a.tangent, shape(y))};
  return {y, add_signed(a.tangent, b.tangent, minus)};
}
template <class A>
Var<A> add(const Var<A>& a, const Var<A>& b, bool minus) {
  const A y = add_signed(a.value, b.value, minus);
  auto* tape = tape_of(a, b);
  if (!tape) return y;
  return tape->record(y, [a, b, minus](const A& g) {
    if (a.active()) accumulate_sum(a.node, g);
    if (b.active()) minus ? accumulate_scaled(b.node, A(sum_to(g, shape(b))), -1) : accumulate_sum(b.node, g);
  });
}

}  // namespace rule

template <ArrayLike X>
X add_signed(const X& a, const X& b, bool minus) {
  return rule::add(a, b, minus);
}
/// `a + b` with broadcasting.
template <ArrayLike X, ArrayLike Y>
auto add(const X& a, const Y& b) {
  using Z = Deepest<X, Y>;
  return rule::add(lifted<Z>(a), lifted<Z>(b), false);
}
/// `a + b` where either may be a structural zero.
template <ArrayLike X>
X sum_present(const X& a, const X& b) {
  if (!present(a)) return b;
  if (!present(b)) return a;
  return add(a, b);
}

template <ArrayLike X, ArrayLike Y>
auto operator+(const X& a, const Y& b) { return add(a, b); }
template <ArrayLike X, ArrayLike Y>
auto operator-(const X& a, const Y& b) {
  using Z = Deepest<X, Y>;
  return rule::add(lifted<Z>(a), lifted<Z>(b), true);
}
template <ArrayLike X, ArrayLike Y>
auto operator*(const X& a, const Y& b) { return map(functor::Times{}, a, b); }
template <ArrayLike X, ArrayLike Y>
auto operator/(const X& a, const Y& b) { return map(functor::Divide{}, a, b); }
template <ArrayLike X>
auto operator*(double factor, const X& x) { return scale(Deepest<X>(x), factor); }
template <ArrayLike X>
auto operator*(const X& x, double factor) { return scale(Deepest<X>(x), factor); }
template <ArrayLike X>
auto operator-(const X& x) { return scale(Deepest<X>(x), -1.0); }
template <ArrayLike X>
auto operator+(const X& x, double shift) { return map(functor::Affine{1, shift}, x); }
template <ArrayLike X>
auto operator-(const X& x, double shift) { return map(functor::Affine{1, -shift}, x); }
template <ArrayLike X>
auto operator+(double shift, const X& x) { return map(functor::Affine{1, shift}, x); }
template <ArrayLike X>
auto operator-(double shift, const X& x) { return map(functor::Affine{-1, shift}, x); }
template <ArrayLike X>
auto operator/(const X& x, double divisor) { return scale(Deepest<X>(x), 1 / divisor); }
template <ArrayLike X>
auto operator/(double number, const X& x) { return map(functor::Over{number}, x); }

namespace detail {
inline constexpr std::size_t most_terms = 16;
inline void require_terms(std::size_t coefficients, std::size_t arrays) {
  require(arrays >= 1 && arrays <= most_terms && coefficients == arrays, "combine: ", coefficients, " coefficients and ", arrays,
          " arrays; expected as many of each, 1 to ", most_terms);
}
}  // namespace detail

/// `sum_j coefficient[j] * x[j]`, all of one shape: a Runge-Kutta stage in one pass. Errors: not 1 to 16 terms, other numbers of
/// coefficients and arrays, shapes that differ.
template <class B>
Tensor<B> combine(std::span<const double> coefficient, std::span<const Tensor<B>> x) {
  detail::require_terms(coefficient.size(), x.size());
  for (const auto& each : x)
    require(each.shape() == x[0].shape(), "combine: arrays of shapes ", x[0].shape(), " and ", each.shape());
  auto out = make_tensor<B>(x[0].shape());
  B::combine(out, int(x.size()), coefficient.data(), x.data());
  return out;
}

namespace detail {
template <class X>
struct Terms {
  std::array<X, most_terms> x;
  std::array<double, most_terms> coefficient;
  std::size_t count = 0;
  void push(double c, const X& value) {
    x[count] = value;
    coefficient[count++] = c;
  }
  X sum() const { return combine(std::span(coefficient.data(), count), std::span<const X>(x.data(), count)); }
};
}  // namespace detail

template <class A>
Dual<A> combine(std::span<const double> coefficient, std::span<const Dual<A>> x) {
  detail::require_terms(coefficient.size(), x.size());
  detail::Terms<A> values, tangents;
  for (std::size_t j = 0; j < x.size(); ++j) {
    values.push(coefficient[j], x[j].value);
    if (present(x[j].tangent)) tangents.push(coefficient[j], x[j].tangent);
  }
  return {values.sum(), tangents.count ? tangents.sum() : A{}};
}
template <class A>
Var<A> combine(std::span<const double> coefficient, std::span<const Var<A>> x) {
  detail::require_terms(coefficient.size(), x.size());
  detail::Terms<A> values;
  Tape<A>* tape = nullptr;
  int active = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    values.push(coefficient[j], x[j].value);
    join_tape(tape, x[j]);
    active += x[j].active();
  }
  const A y = values.sum();
  if (!active) return y;
  auto* to = static_cast<std::pair<Node<A>*, double>*>(tape->allocate(std::size_t(active) * sizeof(std::pair<Node<A>*, double>)));
  int n = 0;
  for (std::size_t j = 0; j < x.size(); ++j)
    if (x[j].active()) to[n++] = {x[j].node, coefficient[j]};
  return tape->record(y, [to, n](const A& g) {
    for (int j = 0; j < n; ++j) accumulate_scaled(to[j].first, g, to[j].second);
  });
}

template <ArrayLike X>
auto square(const X& x) { return map(functor::Square{}, x); }
/// Mean of all entries, a scalar.
template <ArrayLike X>
Deepest<X> mean(const X& x) { return scale(sum(x), 1.0 / double(shape(x).size())); }

}  // namespace moesaic
