// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstring>
#include <utility>

#include <xsimd/xsimd.hpp>

#include <moesaic/core/host_memory.hpp>
#include <moesaic/core/shape.hpp>
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
  static constexpr int tile_vectors = wide ? 4 : 2;

 public:
  static constexpr int tile_rows = 6;
  static constexpr Index tile_columns = tile_vectors * width;

  Index m, n;
  T* c;
  Index c_row;
  const T* init;
  Index init_row;
  const Segment<T>* segments;
  Index segment_count;
  Index a_row, a_col, b_row;

  /// Whether C is narrow and A column-major, so that `run` makes C^T, whose rows are wide.
  bool is_narrow() const { return n < width && a_row == 1 && m >= width; }

  void run() const {
    if (is_narrow())
      run_transposed();
    else
      run_rows(0, m);
  }

  /// Rows `from .. to` of C. Where `from` is a multiple of `tile_rows`, every number is the same as in a run over all rows.
  void run_rows(Index from, Index to) const {
    if ((to - from) % tile_rows == 1) run_row(--to);
    if (from == to) return;
    Index j = 0;
    for (; j + tile_columns <= n; j += tile_columns) columns<tile_vectors>(j, from, to);
    if constexpr (tile_vectors > 2)
      for (; j + 2 * width <= n; j += 2 * width) columns<2>(j, from, to);
    for (; j + width <= n; j += width) columns<1>(j, from, to);
    if (j < n) last_columns(j, from, to);
  }

 private:
  // Inlined whatever the compiler thinks of a function's size: sums that a call could reach would live in memory, not in registers.
  template <std::size_t... i, class F>
  [[gnu::always_inline]] static void unroll_over(std::index_sequence<i...>, const F& f) {
    (f(std::integral_constant<std::size_t, i>{}), ...);
  }
  template <int count, class F>
  [[gnu::always_inline]] static void unroll(const F& f) {
    unroll_over(std::make_index_sequence<std::size_t(count)>{}, f);
  }

  template <int vectors>
  void columns(Index j, Index from, Index to) const {
    Index i = from;
    for (; i + tile_rows <= to; i += tile_rows) tile<tile_rows, vectors>(i, j);
    switch (to - i) {
      case 2: return tile<2, vectors>(i, j);
      case 3: return tile<3, vectors>(i, j);
      case 4: return tile<4, vectors>(i, j);
      case 5: return tile<5, vectors>(i, j);
      default: return;
    }
  }

  /// A row that is alone reads B once whatever the tile: in long stretches, which caches hand on faster than short ones.
  void run_row(Index i) const {
    Index j = 0;
    for (; j + 8 * width <= n; j += 8 * width) tile<1, 8>(i, j);
    for (; j + 4 * width <= n; j += 4 * width) tile<1, 4>(i, j);
    for (; j + 2 * width <= n; j += 2 * width) tile<1, 2>(i, j);
    for (; j + width <= n; j += width) tile<1, 1>(i, j);
    if (j < n) last_columns(j, i, i + 1);
  }

  template <int rows, int vectors>
  void tile(Index i, Index j) const {
    // Few independent sums cannot hide the latency of a fused multiply-add: split the inner dimension.
    constexpr int splits = rows * vectors < 4 ? 4 : rows * vectors < 8 ? 2 : 1;
    Batch sum[splits][rows][vectors];
    unroll<rows>([&](auto r) {
      unroll<vectors>([&](auto v) {
        sum[0][r][v] = init ? Batch::load_unaligned(init + (i + Index(r)) * init_row + j + Index(v) * width) : Batch(T(0));
        unroll<splits - 1>([&](auto s) { sum[1 + s][r][v] = Batch(T(0)); });
      });
    });
    for (Index s = 0; s < segment_count; ++s) {
      const T* a = segments[s].a + i * a_row;
      const T* b = segments[s].b + j;
      Index k = segments[s].k;
      const auto step = [&](auto split) {
        Batch right[vectors];
        unroll<vectors>([&](auto v) { right[v] = Batch::load_unaligned(b + Index(v) * width); });
        unroll<rows>([&](auto r) {
          const Batch left(a[Index(r) * a_row]);
          unroll<vectors>([&](auto v) { sum[split][r][v] = xsimd::fma(left, right[v], sum[split][r][v]); });
        });
        a += a_col;
        b += b_row;
      };
      for (; k >= splits; k -= splits) unroll<splits>(step);
      for (; splits > 1 && k; --k) step(std::integral_constant<std::size_t, 0>{});
    }
    unroll<rows>([&](auto r) {
      unroll<vectors>([&](auto v) {
        unroll<splits - 1>([&](auto s) { sum[0][r][v] += sum[1 + s][r][v]; });
        sum[0][r][v].store_unaligned(c + (i + Index(r)) * c_row + j + Index(v) * width);
      });
    });
  }

  /// Columns `j .. n`, fewer than a vector. B is read by whole vectors all the same: behind the end of a row lies the next one, and
  /// what it adds to columns beyond `n` is dropped. Only a segment's last rows, which may end the memory, are copied.
  void last_columns(Index j, Index from, Index to) const {
    const Scratch<HostMemory> scratch;
    auto& workspace = Workspace<HostMemory>::current();
    const Index tail = n - j, rows = to - from, at_end = (width - tail + b_row - 1) / b_row;
    Segment<T>* parts = workspace.template take<Segment<T>>(std::size_t(2 * segment_count));
    Index count = 0;
    for (Index s = 0; s < segment_count; ++s) {
      const Segment<T>& whole = segments[s];
      const T* const a = whole.a + from * a_row;
      const Index in_place = std::max<Index>(whole.k - at_end, 0), copied = whole.k - in_place;
      if (in_place) parts[count++] = {a, whole.b + j, in_place};
      if (!copied) continue;
      const Index there = (copied - 1) * b_row + tail;
      T* last = workspace.template take<T>(std::size_t(there - tail + width));
      std::fill_n(std::copy_n(whole.b + in_place * b_row + j, there, last), width - tail, T(0));
      parts[count++] = {a + in_place * a_col, last, copied};
    }
    T* sums = workspace.template take<T>(std::size_t(rows * width));
    Gemm{rows, width, sums, width, nullptr, 0, parts, count, a_row, a_col, b_row}.run_rows(0, rows);
    for (Index i = 0; i < rows; ++i)
      for (Index v = 0; v < tail; ++v) {
        const T start = init ? init[(from + i) * init_row + j + v] : T(0);
        c[(from + i) * c_row + j + v] = sums[i * width + v] + start;
      }
  }

  /// C^T = sum B^T A^T.
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
