// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <complex>
#include <cstdint>
#include <limits>

#ifdef MOESAIC_WITH_FFTW
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <type_traits>

#include <fftw3.h>
#else
#include <unsupported/Eigen/FFT>
#endif

#include <moesaic/backend/cpu.hpp>

namespace moesaic::cpu {

#ifdef MOESAIC_WITH_FFTW

template <class T>
struct Fftw;
template <>
struct Fftw<double> {
  using Plan = fftw_plan;
  static constexpr auto plan_forward = fftw_plan_many_dft_r2c;
  static constexpr auto plan_backward = fftw_plan_many_dft_c2r;
  static constexpr auto forward = fftw_execute_dft_r2c;
  static constexpr auto backward = fftw_execute_dft_c2r;
  static constexpr auto destroy = fftw_destroy_plan;
};
template <>
struct Fftw<float> {
  using Plan = fftwf_plan;
  static constexpr auto plan_forward = fftwf_plan_many_dft_r2c;
  static constexpr auto plan_backward = fftwf_plan_many_dft_c2r;
  static constexpr auto forward = fftwf_execute_dft_r2c;
  static constexpr auto backward = fftwf_execute_dft_c2r;
  static constexpr auto destroy = fftwf_destroy_plan;
};

/// Transforms of `count` series of `n` numbers by FFTW (Frigo, Johnson: The design and implementation of FFTW3, Proc. IEEE 93,
/// 2005).
///
/// Plans are made once for each `(n, count)` and kept. They are FFTW's estimates: a measured plan follows the clock, and with it
/// the last bits of a result would change from run to run.
template <class T>
class SeriesTransform {
  using Api = Fftw<T>;
  using Plan = typename Api::Plan;
  using Pair = T[2];  // FFTW's complex number

 public:
  /// `in [count, n] -> out [count, n/2+1]`, `out` aligned.
  static void forward(int n, int count, const T* in, std::complex<T>* out) {
    const Scratch<HostMemory> scratch;
    auto* const z = reinterpret_cast<Pair*>(out);
    T* from = const_cast<T*>(in);  // out of place, a real transform leaves its input as it is
    const auto total = std::size_t(n) * std::size_t(count);
    if (!aligned(in)) from = std::copy_n(in, total, Workspace<HostMemory>::current().template take<T>(total)) - total;
    Api::forward(plan(n, count, true, from, z), from, z);
  }
  /// `in [count, n/2+1] -> out [count, n]`, not divided by n; `in` aligned and not kept.
  static void backward(int n, int count, std::complex<T>* in, T* out) {
    const Scratch<HostMemory> scratch;
    auto* const z = reinterpret_cast<Pair*>(in);
    const auto total = std::size_t(n) * std::size_t(count);
    T* const to = aligned(out) ? out : Workspace<HostMemory>::current().template take<T>(total);
    Api::backward(plan(n, count, false, to, z), z, to);
    if (to != out) std::copy_n(to, total, out);
  }

 private:
  struct Destroy {
    void operator()(std::remove_pointer_t<Plan>* p) const { Api::destroy(p); }
  };

  static bool aligned(const T* p) { return reinterpret_cast<std::uintptr_t>(p) % alignment == 0; }

  /// A plan for arrays aligned as these are. FFTW's planner is one for the whole process and serves one thread at a time; plans
  /// serve any number of them.
  static Plan plan(int n, int count, bool forward, T* real, Pair* complex) {
    static std::mutex mutex;
    static std::map<std::tuple<int, int, bool>, std::unique_ptr<std::remove_pointer_t<Plan>, Destroy>> plans;
    const std::lock_guard lock(mutex);
    auto& kept = plans[{n, count, forward}];
    if (!kept)
      kept.reset(forward ? Api::plan_forward(1, &n, count, real, nullptr, 1, n, complex, nullptr, 1, n / 2 + 1, FFTW_ESTIMATE)
                         : Api::plan_backward(1, &n, count, complex, nullptr, 1, n / 2 + 1, real, nullptr, 1, n, FFTW_ESTIMATE));
    require(kept != nullptr, "FFTW has no plan for ", count, " series of length ", n);
    return kept.get();
  }
};

#else

/// Transforms of `count` series of `n` numbers by Eigen's own FFT (Borgerding's Kiss FFT), with the plans of each thread kept.
template <class T>
class SeriesTransform {
 public:
  /// `in [count, n] -> out [count, n/2+1]`.
  static void forward(int n, int count, const T* in, std::complex<T>* out) {
    if (n == 1)  // which Eigen's transforms answer by writing beyond their memory
      std::copy_n(in, count, out);
    else
      for (int i = 0; i < count; ++i) transform().fwd(out + Index(i) * (n / 2 + 1), in + Index(i) * n, n);
  }
  /// `in [count, n/2+1] -> out [count, n]`, not divided by n.
  static void backward(int n, int count, std::complex<T>* in, T* out) {
    if (n == 1)
      std::transform(in, in + count, out, [](const std::complex<T>& z) { return z.real(); });
    else
      for (int i = 0; i < count; ++i) transform().inv(out + Index(i) * n, in + Index(i) * (n / 2 + 1), n);
  }

 private:
  using Transform = Eigen::FFT<T>;
  static Transform& transform() {
    thread_local Transform own = [] {
      Transform t;
      t.SetFlag(Transform::HalfSpectrum);
      t.SetFlag(Transform::Unscaled);
      return t;
    }();
    return own;
  }
};

#endif

}  // namespace moesaic::cpu

namespace moesaic {

/// Transforms on the CPU: by FFTW where `MOESAIC_WITH_FFTW` is defined, the same for all of a program; by Eigen otherwise.
///
/// A program that itself makes FFTW plans while others run calls `fftw_make_planner_thread_safe` first.
template <class T>
struct Fourier<Cpu<T>> {
  using B = Cpu<T>;

  static void rfft(const Tensor<B>& out, const Tensor<B>& in, const FourierWeights& w) {
    const Series s(in.shape());
    const T ends = T(w.ends), middle = T(w.middle);
    s.for_each_chunk([&](Index first, Index count, std::complex<T>* z) {
      cpu::SeriesTransform<T>::forward(int(s.n), int(count), in.data() + first * s.n, z);
      T *re = out.data() + first * s.m, *im = re + s.count * s.m;
      for (Index i = 0; i < count; ++i, z += s.m, re += s.m, im += s.m) {
        for (Index k = 1; k < s.m; ++k) re[k] = middle * z[k].real(), im[k] = middle * z[k].imag();
        re[0] = ends * z[0].real(), im[0] = 0;
        if (s.n % 2 == 0) re[s.m - 1] = ends * z[s.m - 1].real(), im[s.m - 1] = 0;
      }
    });
  }

  static void irfft(const Tensor<B>& out, const Tensor<B>& in, const FourierWeights& w) {
    const Series s(out.shape());
    const T ends = T(w.ends), half = T(w.middle / 2);  // the transform counts frequencies between the ends twice
    s.for_each_chunk([&](Index first, Index count, std::complex<T>* z) {
      const T *re = in.data() + first * s.m, *im = re + s.count * s.m;
      for (Index i = 0; i < count; ++i, re += s.m, im += s.m) {
        std::complex<T>* const row = z + i * s.m;
        for (Index k = 1; k < s.m; ++k) row[k] = {half * re[k], half * im[k]};
        row[0] = ends * re[0];
        if (s.n % 2 == 0) row[s.m - 1] = ends * re[s.m - 1];
      }
      cpu::SeriesTransform<T>::backward(int(s.n), int(count), z, out.data() + first * s.n);
    });
  }

 private:
  struct Series {
    Index n, m, count;

    explicit Series(const Shape& shape) : n(shape.back()), m(n / 2 + 1), count(shape.rows()) {
      constexpr Index most = std::numeric_limits<int>::max() / 2;
      require(n >= 1 && n <= most, "Fourier transform: series of length ", n, "; expected 1 .. ", most);
    }
    /// Chunks that stay in the second-level cache and begin, where they can, at an aligned series.
    template <class F>
    void for_each_chunk(const F& f) const {
      constexpr Index numbers = 1 << 14, aligned = Index(alignment / sizeof(T));
      Index each = std::max<Index>(numbers / n, 1);
      if (each > aligned) each -= each % aligned;
      parallel_for((count + each - 1) / each, count * n > 4 * numbers, [&](Index chunk) {
        const Scratch<HostMemory> scratch;
        const Index first = chunk * each, here = std::min(each, count - first);
        f(first, here, Workspace<HostMemory>::current().template take<std::complex<T>>(std::size_t(here * m)));
      });
    }
  };
};

}  // namespace moesaic
