// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <numbers>

#include <moesaic/core/host_memory.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic {

/// Cosines and sines `[2, n, bins]` with which a product gives frequencies `first .. first + bins` of NumPy's `rfft` of series of
/// length n under `norm="ortho"`: real parts from plane 0, imaginary parts from plane 1.
///
/// For few frequencies this beats a transform, and needs no extension of a backend. Made anew by every call: n cosines, and one
/// copy to the backend.
template <class B>
Tensor<B> fourier_basis(Index n, Index first, Index bins) {
  using T = typename B::Scalar;
  require(n >= 1 && first >= 0 && bins >= 0 && first + bins <= n / 2 + 1, "fourier_basis: ", bins, " frequencies from ", first,
          " on of series of length ", n, "; expected some of 0 .. ", n / 2);
  const auto out = make_tensor<B>({2, n, bins});
  const Scratch<HostMemory> scratch;
  auto& workspace = Workspace<HostMemory>::current();
  T* const basis = workspace.take<T>(std::size_t(2 * n * bins));
  T* const circle = workspace.take<T>(std::size_t(2 * n));  // cos and -sin of 2 pi i / n, over sqrt(n)
  for (Index i = 0; i < n; ++i) {
    const double angle = 2 * std::numbers::pi * double(i) / double(n), size = 1 / std::sqrt(double(n));
    circle[i] = T(size * std::cos(angle));
    circle[n + i] = T(-size * std::sin(angle));
  }
  for (Index part = 0; part < 2; ++part)
    for (Index t = 0; t < n; ++t) {
      T* const row = basis + (part * n + t) * bins;
      Index at = t * first % n;  // on the circle; a division for every number would take longer than the product that follows
      for (Index k = 0; k < bins; ++k) {
        row[k] = circle[part * n + at];
        at += at + t < n ? t : t - n;
      }
    }
  B::from_host(out, basis);
  return out;
}

}  // namespace moesaic
