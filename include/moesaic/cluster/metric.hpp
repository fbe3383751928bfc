// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <bit>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <xsimd/xsimd.hpp>

#include <moesaic/core/tensor.hpp>

namespace moesaic::cluster {

/// How far a sample `x [D]` lies from a centroid `c [D]`: `L1` is mean_d |x_d - c_d|, `SquaredEuclidean` is sum_d (x_d - c_d)^2.
enum class Metric { L1, SquaredEuclidean };

/// Distance of two rows of `size` numbers under `metric`.
template <class T>
double distance(Metric metric, const T* x, const T* c, Index size) {
  using Batch = xsimd::batch<T>;
  constexpr auto lanes = Index(Batch::size);
  Batch sums(T(0));
  T sum = 0;
  Index d = 0;
  if (metric == Metric::L1) {
    for (; d + lanes <= size; d += lanes) sums += xsimd::abs(Batch::load_unaligned(x + d) - Batch::load_unaligned(c + d));
    for (; d < size; ++d) sum += x[d] < c[d] ? c[d] - x[d] : x[d] - c[d];
    return double(sum + xsimd::hadd(sums)) / double(size);
  }
  for (; d + lanes <= size; d += lanes) {
    const Batch gap = Batch::load_unaligned(x + d) - Batch::load_unaligned(c + d);
    sums = xsimd::fma(gap, gap, sums);
  }
  for (; d < size; ++d) sum += (x[d] - c[d]) * (x[d] - c[d]);
  return double(sum + xsimd::hadd(sums));
}

/// Whether a number is neither infinite nor NaN; unlike `std::isfinite` it holds under -ffast-math too.
inline bool finite(double x) {
  constexpr std::uint64_t exponent = 0x7ff0000000000000u;
  return (std::bit_cast<std::uint64_t>(x) & exponent) != exponent;
}

/// Raises an error that names the first entry of `rows [N, D]` that is NaN or infinite.
template <class B>
void require_finite(std::string_view name, const Tensor<B>& rows) {
  using Bits = std::conditional_t<sizeof(typename B::Scalar) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits exponent = sizeof(Bits) == 4 ? Bits(0x7f800000u) : Bits(0x7ff0000000000000u);
  const auto* const x = rows.data();
  const Index size = rows.size();
  Bits bad = 0;  // branch free, so that the compiler vectorises it
  for (Index i = 0; i < size; ++i) bad |= Bits((std::bit_cast<Bits>(x[i]) & exponent) == exponent);
  if (bad == 0) return;
  for (Index i = 0; i < size; ++i)
    if (!finite(double(x[i])))
      fail(name, ": row ", i / rows.shape().back(), ", column ", i % rows.shape().back(), " is ", x[i],
           ", expected a finite number");
}

/// Raises an error unless `rows` is a non-empty matrix of finite numbers.
template <class B>
void require_rows(std::string_view name, const Tensor<B>& rows) {
  require(bool(rows) && rows.shape().rank() == 2, name, ": expected a matrix [rows, columns], met shape ", rows.shape());
  require(rows.shape()[0] > 0 && rows.shape()[1] > 0, name, ": expected at least one row and one column, met shape ",
          rows.shape());
  require_finite(name, rows);
}

}  // namespace moesaic::cluster
