// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <xsimd/xsimd.hpp>

#include <moesaic/backend/cpu/broadcast.hpp>
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
    map_into(out, f, std::index_sequence_for<Ins...>{}, in...);
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

    Stream(const T* at, Index stride) : p(at), moves(stride != 0), still(*at) {}
    Batch load(Index i) const { return moves ? Batch::load_unaligned(p + i) : still; }
    Batch load_last(Index i, Index n) const { return moves ? load_tail(p + i, n) : still; }
  };

  /// `n < width` numbers, padded by repetition: no lane sees a number that is not there. The last elements so take the same
  /// instructions as the others, and where an element lies does not change its rounding.
  static Batch load_tail(const T* x, Index n) {
    alignas(alignment) T buffer[std::size_t(width)];
    for (Index k = 0; k < width; ++k) buffer[k] = x[std::min(k, n - 1)];
    return Batch::load_aligned(buffer);
  }
  static void store_tail(T* out, const Batch& batch, Index n) {
    alignas(alignment) T buffer[std::size_t(width)];
    batch.store_aligned(buffer);
    std::memcpy(out, buffer, std::size_t(n) * sizeof(T));
  }

  template <class F, std::size_t... k>
  static void run(T* out, Index begin, Index end, const F& f, const std::array<Stream, sizeof...(k)>& in, std::index_sequence<k...>) {
    Index i = begin;
    for (; i + width <= end; i += width) Batch(f(in[k].load(i)...)).store_unaligned(out + i);
    if (i < end) store_tail(out + i, Batch(f(in[k].load_last(i, end - i)...)), end - i);
  }

  template <class F, std::size_t... k, class... Ins>
  static void map_into(const Tensor<B>& out, const F& f, std::index_sequence<k...> seq, const Ins&... in) {
    if (out.size() == 0) return;
    constexpr std::size_t n = sizeof...(k);
    const std::array<const T*, n> data{in.data()...};
    if ((... && (in.shape() == out.shape()))) {
      run_flat(out, f, data, std::array<Index, n>{Index(k * 0 + 1)...}, seq);
      return;
    }
    const LoopNest<n> nest(out.shape(), {&in.shape()...});
    if (nest.flat()) {
      run_flat(out, f, data, nest.stride[0], seq);
      return;
    }
    T* o = out.data();
    nest.for_each_run([&](const std::array<Index, n>& offset) {
      run(o, 0, nest.inner(), f, std::array<Stream, n>{Stream(data[k] + offset[k], nest.stride[0][k])...}, seq);
      o += nest.inner();
    });
  }

  template <class F, std::size_t... k>
  static void run_flat(const Tensor<B>& out, const F& f, const std::array<const T*, sizeof...(k)>& data,
                       const std::array<Index, sizeof...(k)>& stride, std::index_sequence<k...> seq) {
    const std::array<Stream, sizeof...(k)> in{Stream(data[k], stride[k])...};
    const Index n = out.size();
    if (n < 2 * parallel_grain) {
      run(out.data(), 0, n, f, in, seq);
      return;
    }
    parallel_for((n + parallel_grain - 1) / parallel_grain, true, [&](Index chunk) {
      run(out.data(), chunk * parallel_grain, std::min(n, (chunk + 1) * parallel_grain), f, in, seq);
    });
  }
};

}  // namespace moesaic::cpu
