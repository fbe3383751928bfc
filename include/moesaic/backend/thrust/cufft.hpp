// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <limits>
#include <map>
#include <mutex>
#include <type_traits>
#include <utility>

#include <cufft.h>

#include <moesaic/backend/thrust.hpp>

namespace moesaic {
namespace device {

inline void check(cufftResult status, const char* what) {
  if (status != CUFFT_SUCCESS) fail("cuFFT: ", what, ": error ", int(status));
}

/// The plan for `count` series of `n` numbers, made once and kept.
inline cufftHandle fourier_plan(cufftType type, Index n, Index count) {
  static std::mutex mutex;
  static auto* const plans = new std::map<std::tuple<cufftType, Index, Index>, cufftHandle>;  // never destroyed, as the GPU's state
  const std::lock_guard lock(mutex);
  auto [at, made] = plans->try_emplace({type, n, count});
  if (!made) return at->second;
  constexpr Index most = std::numeric_limits<int>::max();
  require(n <= most && count <= most, "Fourier transform: ", count, " series of length ", n, ", too large for cuFFT");
  int length = int(n), reals = int(n), numbers = int(n / 2 + 1);
  const bool forward = type == CUFFT_R2C || type == CUFFT_D2Z;
  check(cufftPlanMany(&at->second, 1, &length, forward ? &reals : &numbers, 1, forward ? reals : numbers,
                      forward ? &numbers : &reals, 1, forward ? numbers : reals, type, int(count)),
        "plan");
  check(cufftSetStream(at->second, Gpu::instance().stream()), "stream");
  return at->second;
}

/// Between cuFFT's pairs `z [count, m]` and the planes `[2, count, m]` of real and imaginary parts.
template <class T>
struct SpectrumKernel {
  T *z, *planes;
  Index total, m;
  bool even, to_planes;
  T ends, middle;

  MOESAIC_HD void operator()(Index i) const {
    const Index k = i - i / m * m;
    const bool end = k == 0 || (even && k == m - 1);
    const T w = end ? ends : middle;
    if (to_planes) {
      planes[i] = w * z[2 * i];
      planes[total + i] = end ? T(0) : w * z[2 * i + 1];
    } else {
      z[2 * i] = w * planes[i];
      z[2 * i + 1] = end ? T(0) : w * planes[total + i];
    }
  }
};

}  // namespace device

/// Transforms on a GPU, by cuFFT.
template <class T>
struct Fourier<Thrust<T>> {
  using B = Thrust<T>;

  static void rfft(const Tensor<B>& out, const Tensor<B>& in, const FourierWeights& w) {
    const Index n = in.shape().back(), m = n / 2 + 1, count = in.shape().rows();
    if (count == 0) return;
    const Scratch<device::Memory> scratch;
    T* const z = pairs(count * m);
    if constexpr (single)
      device::check(cufftExecR2C(device::fourier_plan(CUFFT_R2C, n, count), in.data(), reinterpret_cast<cufftComplex*>(z)), "R2C");
    else
      device::check(cufftExecD2Z(device::fourier_plan(CUFFT_D2Z, n, count), in.data(), reinterpret_cast<cufftDoubleComplex*>(z)), "D2Z");
    device::for_each_index(count * m, device::SpectrumKernel<T>{z, out.data(), count * m, m, n % 2 == 0, true, T(w.ends), T(w.middle)});
  }

  static void irfft(const Tensor<B>& out, const Tensor<B>& in, const FourierWeights& w) {
    const Index n = out.shape().back(), m = n / 2 + 1, count = out.shape().rows();
    if (count == 0) return;
    const Scratch<device::Memory> scratch;
    T* const z = pairs(count * m);  // the transform counts frequencies between the ends twice
    device::for_each_index(count * m,
                           device::SpectrumKernel<T>{z, in.data(), count * m, m, n % 2 == 0, false, T(w.ends), T(w.middle / 2)});
    if constexpr (single)
      device::check(cufftExecC2R(device::fourier_plan(CUFFT_C2R, n, count), reinterpret_cast<cufftComplex*>(z), out.data()), "C2R");
    else
      device::check(cufftExecZ2D(device::fourier_plan(CUFFT_Z2D, n, count), reinterpret_cast<cufftDoubleComplex*>(z), out.data()), "Z2D");
  }

 private:
  static constexpr bool single = std::is_same_v<T, float>;
  static T* pairs(Index count) { return Workspace<device::Memory>::current().template take<T>(std::size_t(2 * count)); }
};

}  // namespace moesaic
