// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <limits>
#include <type_traits>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/ode/unattended.hpp>
#include <moesaic/ops/arithmetic.hpp>

namespace moesaic::ode::detail {

/// Square of an error over what is tolerated; not a number where the state after the step is not finite.
struct SquaredRatio {
  double relative, absolute;
  template <class S>
  constexpr S operator()(const S& error, const S& before, const S& after) const {
    using std::abs;
    const S a = abs(before), b = abs(after);
    const S r = error / (constant<S>(absolute) + constant<S>(relative) * select(a > b, a, b));
    return r * r + (after - after);
  }
};
/// 0 for a finite number, not a number for any other.
struct FiniteAsZero {
  template <class S>
  constexpr S operator()(const S& x) const { return x - x; }
};

template <class B>
double number(const Tensor<B>& scalar) {
  typename B::Scalar host;
  B::to_host(&host, scalar);
  return double(host);
}

/// Whether a look at a state costs nothing. On another device it waits for all that was started there, and one at the end must do:
/// what is not finite once stays so.
template <class X>
inline constexpr bool on_host = std::is_same_v<typename BackendOf<X>::Memory, HostMemory>;

template <class B>
bool all_finite(const Tensor<B>& x) {
  const Scratch<typename B::Memory> scratch;
  return number(sum(rule::map(FiniteAsZero{}, x))) == 0;
}

/// The same, but that nobody looks where it would be waited for, nor while a step is recorded.
template <class B>
bool looks_finite(const Tensor<B>& x) {
  return (Unattended::now() && !std::is_same_v<typename B::Memory, HostMemory>) || recording<B>() || all_finite(x);
}

/// Largest root mean square of `error / (absolute + relative * max(|before|, |after|))` over the rows; infinity if anything is
/// not finite.
template <class B>
double error_norm(const Tensor<B>& error, const Tensor<B>& before, const Tensor<B>& after, double relative, double absolute) {
  const Index rows = error.shape().rows(), columns = error.shape().back();
  if (error.size() == 0) return 0;
  const Scratch<typename B::Memory> scratch;
  const auto sums = sum_last(rule::map(SquaredRatio{relative, absolute}, error, before, after).reshape({rows, columns}));
  auto largest = make_tensor<B>({1, 1});
  B::row_max(largest, sums.reshape({1, rows}));
  // a maximum may pass over what is not a number, a sum does not
  const double worst = std::isfinite(number(sum(sums))) ? number(largest) : std::numeric_limits<double>::infinity();
  return std::sqrt(worst / double(columns));
}

}  // namespace moesaic::ode::detail
