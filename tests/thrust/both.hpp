// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/backend/thrust.hpp>
#include <moesaic/core/random.hpp>

#include "support/numbers.hpp"

/// The same numbers on the CPU backend, which judges, and on the Thrust backend.
namespace thrust_test {

using namespace moesaic;
using test_support::numbers;

/// Largest difference of two tensors, relative to the largest number of the first; infinite where it is not a number.
template <class A, class B>
double difference(const Tensor<A>& a, const Tensor<B>& b) {
  REQUIRE(a.shape() == b.shape());
  const auto x = to_host(a);
  const auto y = to_host(b);
  double worst = 0, size = 1e-30;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = std::abs(double(x[i]) - double(y[i]));
    worst = d <= worst ? worst : d;
    if (std::isnan(d)) worst = INFINITY;
    size = std::max(size, std::abs(double(x[i])));
  }
  return worst / size;
}

/// The same of two lists, in which the same infinities are no difference.
inline double relative(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0, size = 1e-30;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isinf(a[i]) && a[i] == b[i]) continue;
    const double d = std::abs(a[i] - b[i]);
    if (!std::isfinite(d)) return INFINITY;
    worst = std::max(worst, d);
    size = std::max(size, std::abs(a[i]));
  }
  return worst / size;
}

/// The message of the error that `f` raises.
template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

template <class T>
inline constexpr double rounding = sizeof(T) == 4 ? 1e-5 : 1e-13;

}  // namespace thrust_test
