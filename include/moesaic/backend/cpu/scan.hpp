// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <xsimd/xsimd.hpp>

#include <moesaic/core/parallel.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::cpu {

/// Primitive `linear_scan`.
template <class B, class T>
struct Scans {
  /// `out_t = a_t out_{t-1} + b_t` along the second last axis of `[..., T, C]`; with `reverse`,
  /// `out_t = a_{t+1} out_{t+1} + b_t`.
  static void linear_scan(const Tensor<B>& out, const Tensor<B>& a, const Tensor<B>& b, bool reverse) {
    const Index cols = out.shape().back(), steps = out.shape().back(1), each = cols * steps;
    if (out.size() == 0) return;
    const Index blocks = (cols + block - 1) / block;
    parallel_for(out.size() / each * blocks, out.size() > big_work, [&](Index chunk) {
      const Index from = chunk % blocks * block, n = std::min(block, cols - from), at = chunk / blocks * each + from;
      T *previous = out.data() + at, *h = previous;
      const T *x = a.data() + at, *y = b.data() + at;
      const Index last = (steps - 1) * cols, step = reverse ? -cols : cols;
      if (reverse) previous += last, h = previous, x += last, y += last;
      if (h != y) std::copy_n(y, n, h);
      for (Index t = 1; t < steps; ++t, previous = h) {
        const T* const factor = reverse ? x : x + cols;
        h += step, x += step, y += step;
        row(h, factor, previous, y, n);
      }
    });
  }

 private:
  using Batch = xsimd::batch<T>;
  static constexpr Index width = Index(Batch::size);
  static constexpr Index block = 512;  ///< columns of a chunk: two rows stay in the first-level cache
  static constexpr Index big_work = Index{1} << 16;

  static void row(T* h, const T* a, const T* previous, const T* b, Index n) {
    Index i = 0;
    const auto at = [&i](const T* p) { return Batch::load_unaligned(p + i); };
    for (; i + width <= n; i += width) xsimd::fma(at(a), at(previous), at(b)).store_unaligned(h + i);
    for (; i < n; ++i) h[i] = xsimd::fma(a[i], previous[i], b[i]);
  }
};

}  // namespace moesaic::cpu
