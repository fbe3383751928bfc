// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/backend/cpu/fft.hpp>
#include <moesaic/backend/thrust.hpp>
#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
#include <moesaic/backend/thrust/cufft.hpp>
#else

namespace moesaic {

/// Transforms on the host systems: those of the CPU.
template <class T>
struct Fourier<Thrust<T>> {
  using B = Thrust<T>;
  static void rfft(const Tensor<B>& out, const Tensor<B>& in, const FourierWeights& w) {
    const device::Access access;
    Fourier<Cpu<T>>::rfft({out.data(), out.shape()}, {in.data(), in.shape()}, w);
  }
  static void irfft(const Tensor<B>& out, const Tensor<B>& in, const FourierWeights& w) {
    const device::Access access;
    Fourier<Cpu<T>>::irfft({out.data(), out.shape()}, {in.data(), in.shape()}, w);
  }
};

}  // namespace moesaic

#endif
