// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <moesaic/backend/cpu/blocked_gemm.hpp>
#include <moesaic/backend/primitives.hpp>
#include <moesaic/core/parallel.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::cpu {

/// Primitives `product` and `add_outer_products`.
template <class B, class T>
struct Products {
  using Batch = xsimd::batch<T>;
  static constexpr Index width = Index(Batch::size);

  /// `out[b] = x[b] w[b] + bias[b]`: `x [b, N, I]`, `w [b, I, O]`, `out [b, N, O]`; `b` may be missing on `x`, `w` and `out` alike,
  /// or on `w` alone. `bias` is absent, `[O]`, `[N, O]`, `[b, 1, O]` or `[b, N, O]`.
  static void product(const Tensor<B>& out, const Tensor<B>& x, const Tensor<B>& w, const Tensor<B>& bias) {
    const Index in = w.shape().back(1), cols = w.shape().back();
    const bool batched = w.shape().rank() == 3;
    const Index batch = batched ? w.shape()[0] : 1, rows = batched ? x.shape()[1] : x.shape().rows();
    Index bias_row = 0, bias_batch = 0;
    if (bias && bias.shape().rank() > 1) {
      const Index bias_rows = bias.size() / std::max<Index>(cols, 1);
      if (bias_rows == rows * batch)
        bias_row = cols, bias_batch = rows * cols;
      else if (bias.shape().rank() == 3)
        bias_batch = bias.shape()[0] == 1 ? 0 : bias.shape()[1] * cols, bias_row = bias.shape()[1] == 1 ? 0 : cols;
      else if (bias_rows != 1)
        bias_row = cols;
    }
    parallel_for(batch, 2 * batch * rows * in * cols > big_work, [&](Index b) {
      const Segment<T> one{x.data() + b * rows * in, w.data() + b * in * cols, in};
      multiply({rows, cols, out.data() + b * rows * cols, cols, bias ? bias.data() + b * bias_batch : nullptr, bias_row, &one, 1, in, 1, cols},
               in, in * cols);
    });
  }

  /// `out += sum_i x_i^T g_i`: `x_i [N_i, I]`, `g_i [N_i, O]`, `out [I, O]`, all with a leading batch axis if `out` has one; where
  /// `x_i` is absent, `out += column sums of g_i` with `out [O]` or `[b, 1, O]`.
  static void add_outer_products(const Tensor<B>& out, const OuterProduct<B>* pairs, Index count) {
    if (count == 0) return;
    const Index cols = out.shape().back();
    if (!pairs[0].x) {
      if (cols == 1)
        for (Index i = 0; i < count; ++i) add_numbers(out, pairs[i].g);
      else
        add_column_sums(out, pairs, count, cols);
      return;
    }
    const Index in = out.shape().back(1), each = in * cols, batch = each ? out.size() / each : 0;
    Index depth = 0;
    for (Index i = 0; i < count; ++i) depth += pairs[i].x.size() / std::max<Index>(in * batch, 1);
    const Scratch<HostMemory> scratch;
    auto* segments = Workspace<HostMemory>::current().template take<Segment<T>>(std::size_t(count * batch));
    for (Index b = 0; b < batch; ++b)
      for (Index i = 0; i < count; ++i) {
        const Index rows = pairs[i].x.size() / (in * batch);
        segments[b * count + i] = {pairs[i].x.data() + b * rows * in, pairs[i].g.data() + b * rows * cols, rows};
      }
    parallel_for(batch, 2 * batch * depth * each > big_work, [&](Index b) {
      T* const c = out.data() + b * each;
      multiply({in, cols, c, cols, c, cols, segments + b * count, count, 1, in, cols}, depth, depth * (in + cols));
    });
  }

 private:
  static constexpr Index big_work = Index{1} << 20;      ///< floating-point operations worth several threads
  static constexpr Index worth_a_copy = Index{1} << 22;  ///< those worth packing
  static constexpr Index near_bytes = Index{1} << 20;    ///< what is met again and again stays in the second-level cache

  /// A single column lies as a row, and is summed as one.
  static void add_numbers(const Tensor<B>& out, const Tensor<B>& g) {
    const Index batch = out.size();
    if (batch > 0) B::sum_to(out.reshape({batch, 1}), g.reshape({batch, g.size() / batch}), true);
  }
  static void add_column_sums(const Tensor<B>& out, const OuterProduct<B>* pairs, Index count, Index cols) {
    const Index batch = out.size() / std::max<Index>(cols, 1);
    for (Index b = 0; b < batch; ++b) {
      T* const o = out.data() + b * cols;
      Index j = 0;
      for (; j + 4 * width <= cols; j += 4 * width) add_column_sums<4>(o, pairs, count, out.size(), b, cols, j);
      for (; j + width <= cols; j += width) add_column_sums<1>(o, pairs, count, out.size(), b, cols, j);
      for (; j < cols; ++j)
        for (Index i = 0; i < count; ++i) {
          const Index rows = pairs[i].g.size() / out.size();
          for (Index r = 0; r < rows; ++r) o[j] += pairs[i].g.data()[(b * rows + r) * cols + j];
        }
    }
  }
  /// Columns `j .. j + vectors * width`; even and odd rows apart, so that additions do not wait for each other.
  template <std::size_t vectors>
  static void add_column_sums(T* o, const OuterProduct<B>* pairs, Index count, Index out_size, Index b, Index cols, Index j) {
    Batch sum[2][vectors];
    for (std::size_t v = 0; v < vectors; ++v) sum[0][v] = Batch::load_unaligned(o + j + Index(v) * width), sum[1][v] = Batch(T(0));
    for (Index i = 0; i < count; ++i) {
      const Index rows = pairs[i].g.size() / out_size;
      const T* g = pairs[i].g.data() + b * rows * cols + j;
      for (Index r = 0; r + 2 <= rows; r += 2, g += 2 * cols)
        for (std::size_t v = 0; v < vectors; ++v) {
          sum[0][v] += Batch::load_unaligned(g + Index(v) * width);
          sum[1][v] += Batch::load_unaligned(g + cols + Index(v) * width);
        }
      if (rows % 2)
        for (std::size_t v = 0; v < vectors; ++v) sum[0][v] += Batch::load_unaligned(g + Index(v) * width);
    }
    for (std::size_t v = 0; v < vectors; ++v) Batch(sum[0][v] + sum[1][v]).store_unaligned(o + j + Index(v) * width);
  }

  /// `met_again`: how many numbers are read once for each of C's row tiles.
  static void multiply(const Gemm<T>& product, Index inner, Index met_again) {
    constexpr Index block = 8 * Gemm<T>::tile_rows;
    const Index work = 2 * product.m * product.n * inner;
    if (work > worth_a_copy && met_again * Index(sizeof(T)) > near_bytes)
      BlockedGemm<T>(product).run();
    else if (work <= big_work || product.is_narrow())
      product.run();
    else
      parallel_for((product.m + block - 1) / block, true,
                   [&](Index chunk) { product.run_rows(chunk * block, std::min((chunk + 1) * block, product.m)); });
  }
};

}  // namespace moesaic::cpu
