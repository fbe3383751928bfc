// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>

#include <moesaic/core/shape.hpp>

namespace moesaic {

/// The loop nest of an elementwise operation over `full` with `N` operands that broadcast to it.
///
/// Neighbouring axes along which every operand either runs on contiguously or stands still are merged; the innermost stride of
/// an operand is then 1 (runs) or 0 (stands still).
template <std::size_t N>
struct LoopNest {
  std::array<Index, Shape::max_rank> extent{};
  std::array<std::array<Index, N>, Shape::max_rank> stride{};
  int rank = 0;  ///< at least 1; axis 0 is the innermost

  LoopNest(const Shape& full, const std::array<const Shape*, N>& operands) {
    std::array<Index, N> step{};
    step.fill(1);
    for (int k = 0; k < full.rank(); ++k) {
      const Index n = full.back(k);
      std::array<Index, N> s{};
      for (std::size_t j = 0; j < N; ++j) {
        const Index m = operands[j]->back(k);
        s[j] = m == 1 ? 0 : step[j];
        step[j] *= m;
      }
      if (n == 1) continue;
      bool merge = rank > 0;
      for (std::size_t j = 0; merge && j < N; ++j) {
        const auto at = std::size_t(rank - 1);
        merge = s[j] == stride[at][j] * extent[at];
      }
      if (merge) {
        extent[std::size_t(rank - 1)] *= n;
      } else {
        extent[std::size_t(rank)] = n;
        stride[std::size_t(rank++)] = s;
      }
    }
    if (rank == 0) {
      extent[0] = 1;
      rank = 1;
    }
  }

  Index inner() const { return extent[0]; }
  /// Whether one loop does it all.
  bool flat() const { return rank == 1; }

  /// Calls `f(offsets)` for the start of every innermost run, outermost axis slowest.
  template <class F>
  void for_each_run(const F& f) const {
    std::array<Index, N> offset{};
    std::array<Index, Shape::max_rank> at{};
    for (;;) {
      f(offset);
      int a = 1;
      for (; a < rank; ++a) {
        const auto u = std::size_t(a);
        for (std::size_t j = 0; j < N; ++j) offset[j] += stride[u][j];
        if (++at[u] < extent[u]) break;
        for (std::size_t j = 0; j < N; ++j) offset[j] -= stride[u][j] * extent[u];
        at[u] = 0;
      }
      if (a >= rank) return;
    }
  }
};

}  // namespace moesaic
