// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <concepts>
#include <type_traits>

#include <xsimd/xsimd.hpp>

#ifdef __FAST_MATH__
#error "Moesaic: -ffast-math (also part of -Ofast) changes results of exp, sin and cos and hides NaN; use -O3 -fno-math-errno -fno-trapping-math"
#endif

namespace moesaic {

/// A number as a scalar of type `S`: a plain number, a SIMD batch or a jet.
template <class S>
constexpr S constant(double number) {
  if constexpr (std::is_arithmetic_v<S>)
    return static_cast<S>(number);
  else if constexpr (requires { typename S::value_type; })
    return S(static_cast<typename S::value_type>(number));
  else
    return S(number);
}

/// `value + slope * epsilon` with epsilon^2 = 0: a scalar (or a SIMD batch, or another jet) and its derivative.
///
/// A functor written over any scalar-like type is differentiated by calling it with jets.
template <class S>
struct Jet {
  S value, slope;

  Jet() = default;
  constexpr Jet(S v, S d) : value(v), slope(d) {}
  constexpr Jet(S v) : value(v), slope(constant<S>(0)) {}
  template <class U>
    requires(std::is_arithmetic_v<U> && !std::same_as<U, S>)
  constexpr Jet(U v) : value(constant<S>(double(v))), slope(constant<S>(0)) {}
};

template <class T>
inline constexpr bool is_jet = false;
template <class S>
inline constexpr bool is_jet<Jet<S>> = true;

namespace detail {
/// Whether `U` may stand beside a `Jet<S>` as a constant.
template <class U, class S>
inline constexpr bool constant_beside = std::is_arithmetic_v<U> || std::is_same_v<U, S>;
template <class U, class S>
inline constexpr bool constant_beside<U, Jet<S>> = std::is_arithmetic_v<U> || std::is_same_v<U, Jet<S>> || constant_beside<U, S>;
}  // namespace detail

template <class U, class S>
concept ConstantBeside = detail::constant_beside<U, S>;

namespace detail {
/// A constant beside a `Jet<S>`, as the jet's value knows it: a plain number is converted where the values are plain too.
template <class S, class U>
constexpr decltype(auto) beside(const U& u) {
  if constexpr (std::is_arithmetic_v<U> && !is_jet<S>)
    return constant<S>(double(u));
  else
    return (u);
}
}  // namespace detail

template <class S>
constexpr Jet<S> operator-(const Jet<S>& a) { return {-a.value, -a.slope}; }
template <class S>
constexpr Jet<S> operator+(const Jet<S>& a, const Jet<S>& b) { return {a.value + b.value, a.slope + b.slope}; }
template <class S, ConstantBeside<S> U>
constexpr Jet<S> operator+(const Jet<S>& a, const U& b) { return {a.value + detail::beside<S>(b), a.slope}; }
template <class S, ConstantBeside<S> U>
constexpr Jet<S> operator+(const U& a, const Jet<S>& b) { return {detail::beside<S>(a) + b.value, b.slope}; }
template <class S>
constexpr Jet<S> operator-(const Jet<S>& a, const Jet<S>& b) { return {a.value - b.value, a.slope - b.slope}; }
template <class S, ConstantBeside<S> U>
constexpr Jet<S> operator-(const Jet<S>& a, const U& b) { return {a.value - detail::beside<S>(b), a.slope}; }
template <class S, ConstantBeside<S> U>
constexpr Jet<S> operator-(const U& a, const Jet<S>& b) { return {detail::beside<S>(a) - b.value, -b.slope}; }
template <class S>
constexpr Jet<S> operator*(const Jet<S>& a, const Jet<S>& b) { return {a.value * b.value, a.slope * b.value + a.value * b.slope}; }
template <class S, ConstantBeside<S> U>
constexpr Jet<S> operator*(const Jet<S>& a, const U& b) { return {a.value * detail::beside<S>(b), a.slope * detail::beside<S>(b)}; }
template <class S, ConstantBeside<S> U>
constexpr Jet<S> operator*(const U& a, const Jet<S>& b) { return {detail::beside<S>(a) * b.value, detail::beside<S>(a) * b.slope}; }
template <class S>
constexpr Jet<S> operator/(const Jet<S>& a, const Jet<S>& b) {
  const S q = a.value / b.value;
  return {q, (a.slope - q * b.slope) / b.value};
}
template <class S, ConstantBeside<S> U>
constexpr Jet<S> operator/(const Jet<S>& a, const U& b) { return {a.value / detail::beside<S>(b), a.slope / detail::beside<S>(b)}; }
template <class S, ConstantBeside<S> U>
constexpr Jet<S> operator/(const U& a, const Jet<S>& b) {
  const S q = detail::beside<S>(a) / b.value;
  return {q, -(q * b.slope) / b.value};
}

/// The innermost value of a jet of jets; any other scalar is its own.
template <class S>
constexpr auto primal_scalar(const S& x) {
  if constexpr (is_jet<S>)
    return primal_scalar(x.value);
  else
    return x;
}

// Comparisons look at values only: a branch has no derivative.
template <class S, class U>
  requires(ConstantBeside<U, S> || std::same_as<U, Jet<S>>)
constexpr auto operator>(const Jet<S>& a, const U& b) { return primal_scalar(a) > primal_scalar(b); }
template <class S, class U>
  requires(ConstantBeside<U, S> || std::same_as<U, Jet<S>>)
constexpr auto operator<(const Jet<S>& a, const U& b) { return primal_scalar(a) < primal_scalar(b); }
template <class S, class U>
  requires(ConstantBeside<U, S> || std::same_as<U, Jet<S>>)
constexpr auto operator<=(const Jet<S>& a, const U& b) { return primal_scalar(a) <= primal_scalar(b); }

template <std::floating_point T>
constexpr T select(bool condition, T a, T b) { return condition ? a : b; }
template <class Condition, class S>
constexpr Jet<S> select(const Condition& condition, const Jet<S>& a, const Jet<S>& b) {
  return {select(condition, a.value, b.value), select(condition, a.slope, b.slope)};
}

template <class S>
constexpr Jet<S> exp(const Jet<S>& x) {
  using std::exp;
  const S e = exp(x.value);
  return {e, e * x.slope};
}
template <class S>
constexpr Jet<S> log(const Jet<S>& x) {
  using std::log;
  return {log(x.value), x.slope / x.value};
}
template <class S>
constexpr Jet<S> sqrt(const Jet<S>& x) {
  using std::sqrt;
  const S r = sqrt(x.value);
  return {r, x.slope / (r + r)};
}
template <class S>
constexpr Jet<S> tanh(const Jet<S>& x) {
  using std::tanh;
  const S t = tanh(x.value);
  return {t, (1 - t * t) * x.slope};
}
template <class S>
constexpr Jet<S> sin(const Jet<S>& x) {
  using std::cos;
  using std::sin;
  return {sin(x.value), cos(x.value) * x.slope};
}
template <class S>
constexpr Jet<S> cos(const Jet<S>& x) {
  using std::cos;
  using std::sin;
  return {cos(x.value), -(sin(x.value) * x.slope)};
}
/// |x|, with slope 0 at x = 0.
template <class S>
constexpr Jet<S> abs(const Jet<S>& x) {
  using std::abs;
  const auto p = primal_scalar(x);
  const S zero(0), d = select(p > decltype(p)(0), x.slope, S(-x.slope));
  return {abs(x.value), select(p > decltype(p)(0), d, select(p < decltype(p)(0), d, zero))};
}

/// f's derivative with respect to its argument `i`, times one more argument: `(x..., g) -> g * df(x...)/dx_i`.
///
/// The same functor is a Jacobian-vector product term (g a tangent) and a vector-Jacobian product (g an adjoint), and it can be
/// differentiated again.
template <class F, int i>
struct Partial {
  F f;

  template <class... S>
  constexpr auto operator()(const S&... s) const {
    return call(std::index_sequence_for<S...>{}, s...);
  }

 private:
  template <std::size_t... k, class... S>
  constexpr auto call(std::index_sequence<k...>, const S&... s) const {
    using C = decltype((s + ...));  // one type for all, so that the new infinitesimal is never confused with an outer one
    constexpr int last = int(sizeof...(S)) - 1;
    C g(0);
    ((int(k) == last ? void(g = C(s)) : void()), ...);
    return apply<C>(g, std::make_index_sequence<sizeof...(S) - 1>{}, C(s)...);
  }
  template <class C, std::size_t... k, class... S>
  constexpr auto apply(const C& g, std::index_sequence<k...>, const S&... s) const {
    const C x[] = {s...};
    const auto y = f(seed<int(k) == i>(x[k])...);
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(y)>, Jet<C>>)
      return C(y.slope * g);
    else
      return C(0);
  }
  template <bool seeded, class C>
  constexpr static auto seed(const C& x) {
    if constexpr (seeded)
      return Jet<C>(x, C(1));
    else
      return x;
  }
};

}  // namespace moesaic
