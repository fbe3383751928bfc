// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <bit>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <xsimd/xsimd.hpp>

#include <moesaic/cluster/device.hpp>

namespace moesaic::cluster {

/// How far a sample `x [D]` lies from a centroid `c [D]`: `L1` is mean_d |x_d - c_d|, `SquaredEuclidean` is sum_d (x_d - c_d)^2.
enum class Metric { L1, SquaredEuclidean };

namespace detail {

/// sum_d |x_d - c_d| or sum_d (x_d - c_d)^2.
template <class T>
MOESAIC_HD T sum_of_gaps(Metric metric, const T* x, const T* c, Index size) {
  T sum = 0;
  if (metric == Metric::L1)
    for (Index d = 0; d < size; ++d) sum += x[d] < c[d] ? c[d] - x[d] : x[d] - c[d];
  else
    for (Index d = 0; d < size; ++d) sum += (x[d] - c[d]) * (x[d] - c[d]);
  return sum;
}

/// `distance`, for kernels.
template <class T>
MOESAIC_HD double device_distance(Metric metric, const T* x, const T* c, Index size) {
  const auto sum = double(sum_of_gaps(metric, x, c, size));
  return metric == Metric::L1 ? sum / double(size) : sum;
}

}  // namespace detail

/// Distance of two rows of `size` numbers under `metric`.
template <class T>
double distance(Metric metric, const T* x, const T* c, Index size) {
  using Batch = xsimd::batch<T>;
  constexpr auto lanes = Index(Batch::size);
  Batch sums(T(0));
  Index d = 0;
  if (metric == Metric::L1) {
    for (; d + lanes <= size; d += lanes) sums += xsimd::abs(Batch::load_unaligned(x + d) - Batch::load_unaligned(c + d));
    return double(detail::sum_of_gaps(metric, x + d, c + d, size - d) + xsimd::hadd(sums)) / double(size);
  }
  for (; d + lanes <= size; d += lanes) {
    const Batch gap = Batch::load_unaligned(x + d) - Batch::load_unaligned(c + d);
    sums = xsimd::fma(gap, gap, sums);
  }
  return double(detail::sum_of_gaps(metric, x + d, c + d, size - d) + xsimd::hadd(sums));
}

namespace detail {

/// 1 for a number that is NaN or infinite, 0 for any other. It looks at bits: unlike `std::isfinite` it holds under -ffinite-math-only too.
template <class T>
struct NotFinite {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static constexpr Bits test(T x) {
    constexpr Bits exponent = sizeof(T) == 4 ? Bits(0x7f800000u) : Bits(0x7ff0000000000000u);
    return Bits((std::bit_cast<Bits>(x) & exponent) == exponent);
  }
  constexpr T operator()(T x) const { return T(test(x)); }
};

template <class B>
bool all_finite(const Tensor<B>& rows) {
  using T = typename B::Scalar;
  if constexpr (on_host<B>) {
    const T* const x = rows.data();
    const Index size = rows.size();
    typename NotFinite<T>::Bits bad = 0;  // branch free, so that the compiler vectorises it
    for (Index i = 0; i < size; ++i) bad |= NotFinite<T>::test(x[i]);
    return bad == 0;
  } else {
    const Scratch<typename B::Memory> scratch;
    const auto bad = make_tensor<B>(rows.shape()), count = make_tensor<B>(Shape{});
    B::map(bad, NotFinite<T>{}, rows);
    B::sum_to(count, bad);
    return to_host(count)[0] == 0;
  }
}

}  // namespace detail

/// Whether a number is neither infinite nor NaN.
constexpr bool finite(double x) { return !detail::NotFinite<double>::test(x); }

/// Raises an error that names the first entry of `rows [N, D]` that is NaN or infinite.
template <class B>
void require_finite(std::string_view name, const Tensor<B>& rows) {
  if (detail::all_finite(rows)) return;
  const auto x = to_host(rows);
  const Index columns = rows.shape().back();
  for (Index i = 0; i < rows.size(); ++i)
    if (!finite(double(x[std::size_t(i)])))
      fail(name, ": row ", i / columns, ", column ", i % columns, " is ", x[std::size_t(i)], ", expected a finite number");
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
