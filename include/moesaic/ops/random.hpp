// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <moesaic/backend/primitives.hpp>
#include <moesaic/core/errors.hpp>
#include <moesaic/core/random.hpp>

namespace moesaic {

namespace detail {
template <class T>
struct NormalKernel {
  Random random;
  T* out;
  MOESAIC_HD void operator()(Index i) const { out[i] = T(random.normal(std::uint64_t(i))); }
};
}  // namespace detail

/// Standard normal numbers, the i-th of which is `random.normal(i)`: the same on every backend, but for the last digits of a device's
/// logarithm and cosine. Errors: `CannotRecord`, since a record would draw the same ones again.
template <class B>
Tensor<B> normal_numbers(const Shape& shape, const Random& random) {
  if (recording<B>()) throw CannotRecord("a step that draws random numbers cannot be recorded");
  const auto out = make_tensor<B>(shape);
  constexpr Index work = 16;  // a logarithm, a cosine and ten rounds of multiplications
  B::for_each(out.size(), detail::NormalKernel<typename B::Scalar>{random, out.data()}, work);
  return out;
}

}  // namespace moesaic
