// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
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

inline cufftHandle make_fourier_plan(cufftType type, Index n, Index count) {
  constexpr Index most = std::numeric_limits<int>::max();
  require(n <= most && count <= most, "Fourier transform: ", count, " series of length ", n, ", too large for cuFFT");
  int length = int(n), reals = int(n), numbers = int(n / 2 + 1);
  const bool forward = type == CUFFT_R2C || type == CUFFT_D2Z;
  cufftHandle plan = 0;
  check(cufftPlanMany(&plan, 1, &length, forward ? &reals : &numbers, 1, forward ? reals : numbers, forward ? &numbers : &reals, 1,
                      forward ? numbers : reals, type, int(count)),
        "plan");
  return plan;
}

/// Calls `execute(plan)` with the plan for `count` series of `n` numbers, made once and kept: one thread at a time, since a plan must
/// not be executed by two.
template <class F>
void with_fourier_plan(cufftType type, Index n, Index count, const F& execute) {
  static std::mutex mutex;
  static auto* const plans = new std::map<std::tuple<cufftType, Index, Index>, cufftHandle>;  // never destroyed, as the GPU's state
  const std::lock_guard lock(mutex);
  auto at = plans->find({type, n, count});
  if (at == plans->end()) at = plans->emplace(std::tuple{type, n, count}, make_fourier_plan(type, n, count)).first;
  ++Traffic::own().calls;
  check(cufftSetStream(at->second, Gpu::queue().stream), "stream");
  check(execute(at->second), "execution");
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
    Tensor<B> series = in;
    if (!aligned(in.data())) {
      series = make_tensor<B>(in.shape());
      B::copy(series, in);
    }
    device::with_fourier_plan(single ? CUFFT_R2C : CUFFT_D2Z, n, count, [&](cufftHandle plan) {
      if constexpr (single) return cufftExecR2C(plan, series.data(), reinterpret_cast<cufftComplex*>(z));
      else
        return cufftExecD2Z(plan, series.data(), reinterpret_cast<cufftDoubleComplex*>(z));
    });
    device::for_each_index(count * m, device::SpectrumKernel<T>{z, out.data(), count * m, m, n % 2 == 0, true, T(w.ends), T(w.middle)});
  }

  static void irfft(const Tensor<B>& out, const Tensor<B>& in, const FourierWeights& w) {
    const Index n = out.shape().back(), m = n / 2 + 1, count = out.shape().rows();
    if (count == 0) return;
    const Scratch<device::Memory> scratch;
    T* const z = pairs(count * m);  // the transform counts frequencies between the ends twice
    device::for_each_index(count * m,
                           device::SpectrumKernel<T>{z, in.data(), count * m, m, n % 2 == 0, false, T(w.ends), T(w.middle / 2)});
    const Tensor<B> series = aligned(out.data()) ? out : make_tensor<B>(out.shape());
    device::with_fourier_plan(single ? CUFFT_C2R : CUFFT_Z2D, n, count, [&](cufftHandle plan) {
      if constexpr (single) return cufftExecC2R(plan, reinterpret_cast<cufftComplex*>(z), series.data());
      else
        return cufftExecZ2D(plan, reinterpret_cast<cufftDoubleComplex*>(z), series.data());
    });
    if (series.data() != out.data()) B::copy(out, series);
  }

 private:
  static constexpr bool single = std::is_same_v<T, float>;
  /// Whether cuFFT takes reals from there: it wants them where a complex number could be.
  static bool aligned(const T* x) { return reinterpret_cast<std::uintptr_t>(x) % (2 * sizeof(T)) == 0; }
  static T* pairs(Index count) { return Workspace<device::Memory>::current().template take<T>(std::size_t(2 * count)); }
};

}  // namespace moesaic
