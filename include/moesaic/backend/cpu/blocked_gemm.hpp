// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/backend/cpu/gemm.hpp>
#include <moesaic/core/parallel.hpp>

namespace moesaic::cpu {

/// The same product for factors that do not stay in the first-level cache, on all threads.
///
/// A chunk of C and a stretch of the inner dimension at a time, both factors' parts are copied close together (Goto, van de Geijn:
/// Anatomy of high-performance matrix multiplication, ACM TOMS 34, 2008) and left to `Gemm`, which finds them in the caches and
/// without rows that fight for the same cache sets.
template <class T>
class BlockedGemm {
  static constexpr Index panel = Gemm<T>::tile_columns;
  static constexpr Index most_depth = 256;
  static constexpr Index most_rows = 264, most_cols = 256;

 public:
  explicit BlockedGemm(const Gemm<T>& product) : all_(product) {
    for (Index s = 0; s < all_.segment_count; ++s) inner_ += all_.segments[s].k;
    const Index stretches = std::max<Index>(1, (inner_ + most_depth - 1) / most_depth);
    depth_ = (inner_ + stretches - 1) / stretches;
    // Cut at the edges of register tiles, so that the number of chunks, which follows the number of threads, changes no bit.
    cols_ = std::min(all_.n, most_cols);
    const Index wanted = (thread_count() * cols_ + all_.n - 1) / all_.n, tile = Gemm<T>::tile_rows;
    rows_ = std::min(((all_.m + wanted - 1) / wanted + tile - 1) / tile * tile, most_rows);
  }

  void run() const {
    const Index row_chunks = (all_.m + rows_ - 1) / rows_, col_chunks = (all_.n + cols_ - 1) / cols_;
    parallel_for(row_chunks * col_chunks, true, [&](Index chunk) {
      const Index i = chunk / col_chunks * rows_, j = chunk % col_chunks * cols_;
      run_chunk(i, j, std::min(rows_, all_.m - i), std::min(cols_, all_.n - j));
    });
  }

 private:
  void run_chunk(Index i, Index j, Index m, Index n) const {
    const Scratch<HostMemory> scratch;
    auto& workspace = Workspace<HostMemory>::current();
    const Index panels = (n + panel - 1) / panel;
    T* const left = workspace.template take<T>(std::size_t(m * depth_));
    T* const right = workspace.template take<T>(std::size_t(panels * panel * depth_));
    const bool by_rows = all_.a_col == 1;
    T* const c = all_.c + i * all_.c_row + j;
    const T* init = all_.init ? all_.init + i * all_.init_row + j : nullptr;
    Index init_row = all_.init_row, segment = 0, begin = 0;
    for (Index done = 0; done < inner_; init = c, init_row = all_.c_row) {
      const Index k = std::min(depth_, inner_ - done);
      for (Index filled = 0; filled < k;) {
        const Segment<T>& from = all_.segments[segment];
        const Index part = std::min(k - filled, from.k - begin);
        const T* a = from.a + i * all_.a_row + begin * all_.a_col;
        if (by_rows)
          for (Index r = 0; r < m; ++r) std::copy_n(a + r * all_.a_row, part, left + r * depth_ + filled);
        else
          for (Index r = 0; r < part; ++r) std::copy_n(a + r * all_.a_col, m, left + (filled + r) * m);
        for (Index p = 0; p < panels; ++p)
          copy_panel(from.b + begin * all_.b_row + j + p * panel, part, std::min(panel, n - p * panel),
                     right + (p * depth_ + filled) * panel);
        filled += part;
        begin += part;
        if (begin == from.k) ++segment, begin = 0;
      }
      for (Index p = 0; p < panels; ++p) {
        const Segment<T> one{left, right + p * depth_ * panel, k};
        const Index at = p * panel;
        Gemm<T>{m, std::min(panel, n - at), c + at, all_.c_row, init ? init + at : nullptr, init_row, &one, 1, by_rows ? depth_ : 1,
                by_rows ? 1 : m, panel}.run_rows(0, m);
      }
      done += k;
    }
  }

  void copy_panel(const T* b, Index k, Index n, T* to) const {
    if (n == panel)  // of known size: no call a row
      for (Index r = 0; r < k; ++r) std::memcpy(to + r * panel, b + r * all_.b_row, std::size_t(panel) * sizeof(T));
    else
      for (Index r = 0; r < k; ++r) std::fill_n(std::copy_n(b + r * all_.b_row, n, to + r * panel), panel - n, T(0));
  }

  Gemm<T> all_;
  Index inner_ = 0, depth_, rows_, cols_;
};

}  // namespace moesaic::cpu
