// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <xsimd/xsimd.hpp>

#include <moesaic/backend/loop_nest.hpp>
#include <moesaic/core/parallel.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::cpu {

inline constexpr Index parallel_grain = 1 << 15;  ///< elements of an elementwise chunk worth a thread

/// Primitive `map`: `out[i] = f(in0[i], in1[i], ...)` with broadcasting, called with SIMD batches.
template <class B, class T>
struct Map {
  using Batch = xsimd::batch<T>;
  static constexpr Index width = Index(Batch::size);

  template <class F, class... Ins>
  static void map(const Tensor<B>& out, const F& f, const Ins&... in) {
    run<sizeof...(Ins)>(out, {&in...}, Kernel{loop_of<F>(std::index_sequence_for<Ins...>{}), &f});
  }

  /// Primitive `combine`: `out = sum_j coefficient[j] * in[j]`, all of one shape.
  static void combine(const Tensor<B>& out, int count, const double* coefficient, const Tensor<B>* in) {
    const auto sum = [&](const auto& load) {
      Batch s = Batch(T(coefficient[0])) * load(in[0].data());
      for (int j = 1; j < count; ++j) s = xsimd::fma(Batch(T(coefficient[j])), load(in[j].data()), s);
      return s;
    };
    const Index n = out.size(), whole = n - n % width;
    for (Index i = 0; i < whole; i += width)
      sum([i](const T* x) { return Batch::load_unaligned(x + i); }).store_unaligned(out.data() + i);
    if (whole < n) store_tail(out.data() + whole, sum([&](const T* x) { return load_tail(x + whole, n - whole); }), n - whole);
  }

 private:
  /// One operand along the innermost axis.
  struct Stream {
    const T* p;
    bool moves;
    Batch still;

    Stream() = default;
    Stream(const T* at, Index stride) : p(at), moves(stride != 0), still(*at) {}
    Batch load(Index i) const { return moves ? Batch::load_unaligned(p + i) : still; }
  };
  /// All that is compiled for every functor: the loop over whole batches. What surrounds it is shared, for the compiler's sake.
  struct Kernel {
    void (*loop)(T* out, const Stream* in, Index begin, Index end, const void* f);
    const void* f;
    void operator()(T* out, const Stream* in, Index begin, Index end) const { loop(out, in, begin, end, f); }
  };

  template <class F, std::size_t... k>
  static auto loop_of(std::index_sequence<k...>) {
    return [](T* out, const Stream* streams, Index begin, Index end, const void* at) {
      const F f = *static_cast<const F*>(at);  // copies: what is stored to `out` cannot change them
      const Stream in[]{streams[k]...};
      for (Index i = begin; i < end; i += width) Batch(f(in[k].load(i)...)).store_unaligned(out + i);
    };
  }

  /// `n < width` numbers, padded by repetition: no lane sees a number that is not there. The last elements so take the same
  /// instructions as the others, and where an element lies does not change its rounding.
  static void pad(T* buffer, const T* x, Index n) {
    for (Index k = 0; k < width; ++k) buffer[k] = x[std::min(k, n - 1)];
  }
  static Batch load_tail(const T* x, Index n) {
    alignas(alignment) T buffer[std::size_t(width)];
    pad(buffer, x, n);
    return Batch::load_aligned(buffer);
  }
  static void store_tail(T* out, const Batch& batch, Index n) {
    alignas(alignment) T buffer[std::size_t(width)];
    batch.store_aligned(buffer);
    std::memcpy(out, buffer, std::size_t(n) * sizeof(T));
  }

  template <std::size_t n>
  static void run_stretch(T* out, const std::array<Stream, n>& in, Index begin, Index end, const Kernel& kernel) {
    const Index rest = (end - begin) % width, whole = end - rest;
    if (begin < whole) kernel(out, in.data(), begin, whole);
    if (rest == 0) return;
    alignas(alignment) T padded[n + 1][std::size_t(width)];
    std::array<Stream, n> last = in;
    for (std::size_t k = 0; k < n; ++k) {
      if (!in[k].moves) continue;
      pad(padded[k], in[k].p + whole, rest);
      last[k].p = padded[k];
    }
    kernel(padded[n], last.data(), 0, width);
    std::memcpy(out + whole, padded[n], std::size_t(rest) * sizeof(T));
  }

  template <std::size_t n>
  static std::array<Stream, n> streams(const std::array<const Tensor<B>*, n>& in, const std::array<Index, n>& offset,
                                       const std::array<Index, n>& stride) {
    std::array<Stream, n> out;
    for (std::size_t k = 0; k < n; ++k) out[k] = Stream(in[k]->data() + offset[k], stride[k]);
    return out;
  }

  template <std::size_t n>
  static void run(const Tensor<B>& out, const std::array<const Tensor<B>*, n>& in, const Kernel& kernel) {
    if (out.size() == 0) return;
    std::array<Index, n> start{}, stride;
    bool alike = true;
    for (const auto* x : in) alike = alike && x->shape() == out.shape();
    if (alike) {
      stride.fill(1);
      return run_flat(out, streams(in, start, stride), kernel);
    }
    std::array<const Shape*, n> shapes;
    for (std::size_t k = 0; k < n; ++k) shapes[k] = &in[k]->shape();
    const LoopNest<n> nest(out.shape(), shapes);
    if (nest.flat()) return run_flat(out, streams(in, start, nest.stride[0]), kernel);
    T* o = out.data();
    nest.for_each_run([&](const std::array<Index, n>& offset) {
      run_stretch(o, streams(in, offset, nest.stride[0]), 0, nest.inner(), kernel);
      o += nest.inner();
    });
  }

  template <std::size_t n>
  static void run_flat(const Tensor<B>& out, const std::array<Stream, n>& in, const Kernel& kernel) {
    const Index size = out.size();
    if (size < 2 * parallel_grain) return run_stretch(out.data(), in, 0, size, kernel);
    parallel_for((size + parallel_grain - 1) / parallel_grain, true, [&](Index chunk) {
      run_stretch(out.data(), in, chunk * parallel_grain, std::min(size, (chunk + 1) * parallel_grain), kernel);
    });
  }
};

}  // namespace moesaic::cpu
