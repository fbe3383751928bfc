// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/backend/thrust.hpp>
#include <moesaic/core/random.hpp>

/// The same numbers on the CPU backend, which judges, and on the Thrust backend.
namespace thrust_test {

using namespace moesaic;

template <class B>
Array<B> numbers(const Shape& shape, std::uint64_t stream, double size = 1) {
  Random random(23, stream);
  std::vector<typename B::Scalar> v(std::size_t(shape.size()));
  for (auto& x : v) x = typename B::Scalar(size * random.next_normal());
  return Array<B>(shape, v);
}

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

template <class T>
inline constexpr double rounding = sizeof(T) == 4 ? 1e-5 : 1e-13;

}  // namespace thrust_test
