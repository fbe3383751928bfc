// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <numbers>

#include <moesaic/core/host_device.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic {

namespace detail {

/// `cos(2 pi i / n)` and `-sin(2 pi i / n)`, over `sqrt(n)`.
template <class T>
struct CircleKernel {
  Index n;
  T* out;
  MOESAIC_HD void operator()(Index i) const {
    const double angle = 2 * std::numbers::pi * double(i) / double(n), size = 1 / std::sqrt(double(n));
    out[i] = T(size * std::cos(angle));
    out[n + i] = T(-size * std::sin(angle));
  }
};

/// One time of one plane, from the circle.
template <class T>
struct FourierRowKernel {
  const T* circle;
  Index n, first, bins;
  T* out;
  MOESAIC_HD void operator()(Index i) const {
    const Index part = i / n, t = i - part * n;
    T* const row = out + i * bins;
    Index at = t * first % n;  // on the circle; a division for every number would take longer than the product that follows
    for (Index k = 0; k < bins; ++k) {
      row[k] = circle[part * n + at];
      at += at + t < n ? t : t - n;
    }
  }
};

}  // namespace detail

/// Cosines and sines `[2, n, bins]` with which a product gives frequencies `first .. first + bins` of NumPy's `rfft` of series of
/// length n under `norm="ortho"`: real parts from plane 0, imaginary parts from plane 1.
///
/// For few frequencies this beats a transform, and needs no extension of a backend. Made anew by every call: n cosines and sines.
template <class B>
Tensor<B> fourier_basis(Index n, Index first, Index bins) {
  using T = typename B::Scalar;
  require(n >= 1 && first >= 0 && bins >= 0 && first + bins <= n / 2 + 1, "fourier_basis: ", bins, " frequencies from ", first,
          " on of series of length ", n, "; expected some of 0 .. ", n / 2);
  const auto out = make_tensor<B>({2, n, bins});
  const Scratch<typename B::Memory> scratch;
  const auto circle = make_tensor<B>({2, n});
  B::for_each(n, detail::CircleKernel<T>{n, circle.data()}, 16);
  B::for_each(2 * n, detail::FourierRowKernel<T>{circle.data(), n, first, bins, out.data()}, bins);
  return out;
}

}  // namespace moesaic
