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
    device::Graph::perform(Transform<false>{out, in, w});
  }
  static void irfft(const Tensor<B>& out, const Tensor<B>& in, const FourierWeights& w) {
    device::Graph::perform(Transform<true>{out, in, w});
  }

 private:
  template <bool inverse>
  struct Transform {
    Tensor<B> out, in;
    FourierWeights w;
    void operator()() const {
      using Host = Tensor<Cpu<T>>;
      const device::Access access;
      if constexpr (inverse)
        Fourier<Cpu<T>>::irfft(Host{out.data(), out.shape()}, Host{in.data(), in.shape()}, w);
      else
        Fourier<Cpu<T>>::rfft(Host{out.data(), out.shape()}, Host{in.data(), in.shape()}, w);
    }
  };
};

}  // namespace moesaic

#endif
