// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstring>
#include <utility>

#include <xsimd/xsimd.hpp>

#include <moesaic/backend/cpu/memory.hpp>
#include <moesaic/core/workspace.hpp>

namespace moesaic::cpu {

/// A slice of the inner dimension of a product: `k` columns of A and `k` rows of B.
template <class T>
struct Segment {
  const T* a;
  const T* b;
  Index k;
};

/// `C = init + sum over segments of A_s B_s`: register-tiled, without packing.
///
/// The products of these models are small (tens of rows, tens of columns, the weights in the first- or second-level cache) and
/// one weight meets many inputs. There packing, which pays in a large product, costs a third of the time; and a gradient is a
/// sum of many thin products, which a list of segments keeps in registers.
///
/// B and C have unit column stride; `A(m, k) = a[m * a_row + k * a_col]`. `init(m, n) = init[m * init_row + n]`, null for zero.
template <class T>
class Gemm {
  using Batch = xsimd::batch<T>;
  static constexpr Index width = Index(Batch::size);
  static constexpr bool wide = sizeof(Batch) == 64;  // 32 registers with AVX-512, 16 otherwise
  static constexpr int tile_rows = wide ? 6 : 4, tile_vectors = wide ? 4 : 2;

 public:
  Index m, n;
  T* c;
  Index c_row;
  const T* init;
  Index init_row;
  const Segment<T>* segments;
  Index segment_count;
  Index a_row, a_col, b_row;

  void run() const {
    if (n < width && a_row == 1 && m >= width) {
      run_transposed();
      return;
    }
    Index j = 0;
    for (; j + tile_vectors * width <= n; j += tile_vectors * width) columns<tile_vectors>(j);
    for (; j + width <= n; j += width) columns<1>(j);
    if (j < n) last_columns(j);
  }

 private:
  template <std::size_t... i, class F>
  static void unroll_over(std::index_sequence<i...>, const F& f) {
    (f(std::integral_constant<std::size_t, i>{}), ...);
  }
  template <int count, class F>
  static void unroll(const F& f) {
    unroll_over(std::make_index_sequence<std::size_t(count)>{}, f);
  }

  template <int vectors>
  void columns(Index j) const {
    Index i = 0;
    for (; i + tile_rows <= m; i += tile_rows) tile<tile_rows, vectors>(i, j);
    switch (m - i) {
      case 1: return tile<1, vectors>(i, j);
      case 2: return tile<2, vectors>(i, j);
      case 3: return tile<3, vectors>(i, j);
      case 4: return tile<4, vectors>(i, j);
      case 5:
        if constexpr (tile_rows > 4) tile<5, vectors>(i, j);
        return;
      default: return;
    }
  }

  template <int rows, int vectors>
  void tile(Index i, Index j) const {
    // Few independent sums cannot hide the latency of a fused multiply-add: split the inner dimension in two.
    constexpr int halves = rows * vectors < 8 ? 2 : 1;
    Batch sum[halves][rows][vectors];
    unroll<rows>([&](auto r) {
      unroll<vectors>([&](auto v) {
        sum[0][r][v] = init ? Batch::load_unaligned(init + (i + Index(r)) * init_row + j + Index(v) * width) : Batch(T(0));
        if constexpr (halves == 2) sum[1][r][v] = Batch(T(0));
      });
    });
    for (Index s = 0; s < segment_count; ++s) {
      const T* a = segments[s].a + i * a_row;
      const T* b = segments[s].b + j;
      Index k = segments[s].k;
      const auto step = [&](auto half) {
        Batch right[vectors];
        unroll<vectors>([&](auto v) { right[v] = Batch::load_unaligned(b + Index(v) * width); });
        unroll<rows>([&](auto r) {
          const Batch left(a[Index(r) * a_row]);
          unroll<vectors>([&](auto v) { sum[half][r][v] = xsimd::fma(left, right[v], sum[half][r][v]); });
        });
        a += a_col;
        b += b_row;
      };
      for (; k >= halves; k -= halves) unroll<halves>(step);
      if (halves == 2 && k) step(std::integral_constant<std::size_t, 0>{});
    }
    unroll<rows>([&](auto r) {
      unroll<vectors>([&](auto v) {
        if constexpr (halves == 2) sum[0][r][v] += sum[1][r][v];
        sum[0][r][v].store_unaligned(c + (i + Index(r)) * c_row + j + Index(v) * width);
      });
    });
  }

  /// Columns `j .. n`, fewer than a vector: B and init are padded with zeros, C is written in part.
  void last_columns(Index j) const {
    const Scratch<HostMemory> scratch;
    auto& workspace = Workspace<HostMemory>::current();
    const Index tail = n - j;
    Segment<T>* padded = workspace.template take<Segment<T>>(std::size_t(segment_count));
    for (Index s = 0; s < segment_count; ++s)
      padded[s] = {segments[s].a, padded_copy(segments[s].b + j, b_row, segments[s].k, tail), segments[s].k};
    T* c_tail = workspace.template take<T>(std::size_t(m * width));
    const T* init_tail = init ? padded_copy(init + j, init_row, m, tail) : nullptr;
    Gemm{m, width, c_tail, width, init_tail, width, padded, segment_count, a_row, a_col, width}.run();
    for (Index i = 0; i < m; ++i) std::memcpy(c + i * c_row + j, c_tail + i * width, std::size_t(tail) * sizeof(T));
  }

  static T* padded_copy(const T* from, Index row, Index rows, Index cols) {
    T* to = Workspace<HostMemory>::current().template take<T>(std::size_t(rows * width));
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < width; ++j) to[i * width + j] = j < cols ? from[i * row + j] : T(0);
    return to;
  }

  /// Narrow C and column-major A: C^T = sum B^T A^T has wide rows.
  void run_transposed() const {
    const Scratch<HostMemory> scratch;
    auto& workspace = Workspace<HostMemory>::current();
    Segment<T>* swapped = workspace.template take<Segment<T>>(std::size_t(segment_count));
    for (Index s = 0; s < segment_count; ++s) swapped[s] = {segments[s].b, segments[s].a, segments[s].k};
    T* ct = workspace.template take<T>(std::size_t(m * n));
    Gemm{n, m, ct, m, nullptr, 0, swapped, segment_count, 1, b_row, a_col}.run();
    for (Index i = 0; i < m; ++i)
      for (Index j = 0; j < n; ++j) c[i * c_row + j] = ct[j * m + i] + (init ? init[i * init_row + j] : T(0));
  }
};

}  // namespace moesaic::cpu
