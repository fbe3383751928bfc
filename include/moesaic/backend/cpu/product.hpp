// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <Eigen/Core>

#include <moesaic/backend/cpu/gemm.hpp>
#include <moesaic/backend/primitives.hpp>
#include <moesaic/core/parallel.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::cpu {

/// Primitives `product` and `add_outer_products`.
template <class B, class T>
struct Products {
  /// `out[b] = x[b] w[b] + bias[b]`: `x [b, N, I]`, `w [b, I, O]`, `out [b, N, O]`; `b` may be missing on `x`, `w` and `out` alike,
  /// or on `w` alone. `bias` is absent, `[O]`, `[N, O]`, `[b, 1, O]` or `[b, N, O]`.
  static void product(const Tensor<B>& out, const Tensor<B>& x, const Tensor<B>& w, const Tensor<B>& bias) {
    const Index in = w.shape().back(1), cols = w.shape().back();
    const bool batched = w.shape().rank() == 3;
    const Index batch = batched ? w.shape()[0] : 1;
    const Index rows = in && batch ? x.size() / (in * batch) : out.size() / std::max<Index>(cols * batch, 1);
    Index bias_row = 0, bias_batch = 0;
    if (bias) {
      const Index bias_rows = bias.size() / std::max<Index>(cols, 1);
      if (bias_rows == rows * batch)
        bias_row = cols, bias_batch = rows * cols;
      else if (bias.shape().rank() == 3)
        bias_batch = bias.shape()[0] == 1 ? 0 : bias.shape()[1] * cols, bias_row = bias.shape()[1] == 1 ? 0 : cols;
      else if (bias_rows != 1)
        bias_row = cols;
    }
    const bool big = !batched && 2 * rows * in * cols > (Index{1} << 22);
    const Index block = big ? 48 : rows;  // rows of a chunk: a multiple of the register tile, the same at any thread count
    const Index chunks = block ? (rows + block - 1) / block : 0;
    if (big && in * cols * Index(sizeof(T)) > eigen_bytes) {
      eigen(out, x, w, bias, bias_row, rows, in, cols);
      return;
    }
    parallel_for(batch * chunks, big, [&](Index chunk) {
      const Index b = chunk / chunks, first = chunk % chunks * block, count = std::min(block, rows - first);
      const Segment<T> one{x.data() + (b * rows + first) * in, w.data() + b * in * cols, in};
      const T* init = bias ? bias.data() + b * bias_batch + first * bias_row : nullptr;
      Gemm<T>{count, cols, out.data() + (b * rows + first) * cols, cols, init, bias_row, &one, 1, in, 1, cols}.run();
    });
  }

  /// `out += sum_i x_i^T g_i`: `x_i [N_i, I]`, `g_i [N_i, O]`, `out [I, O]`, all with a leading batch axis if `out` has one; where
  /// `x_i` is absent, `out += column sums of g_i` with `out [O]` or `[b, 1, O]`.
  static void add_outer_products(const Tensor<B>& out, const OuterProduct<B>* pairs, Index count) {
    if (count == 0) return;
    const Index cols = out.shape().back();
    if (!pairs[0].x) {
      const Index batch = out.size() / std::max<Index>(cols, 1);
      for (Index i = 0; i < count; ++i) {
        const Index rows = pairs[i].g.size() / std::max<Index>(out.size(), 1);
        for (Index b = 0; b < batch; ++b)
          for (Index r = 0; r < rows; ++r) {
            const T* g = pairs[i].g.data() + (b * rows + r) * cols;
            T* o = out.data() + b * cols;
            for (Index j = 0; j < cols; ++j) o[j] += g[j];
          }
      }
      return;
    }
    const Index in = out.shape().back(1), each = in * cols, batch = each ? out.size() / each : 0;
    Index depth = 0;
    for (Index i = 0; i < count; ++i) depth += pairs[i].x.size() / std::max<Index>(in * batch, 1);
    const bool big = 2 * depth * each > (Index{1} << 22);
    const Index block = big ? 48 : in, chunks = block ? (in + block - 1) / block : 0;
    const Scratch<HostMemory> scratch;
    auto* segments = Workspace<HostMemory>::current().template take<Segment<T>>(std::size_t(count * batch));
    for (Index b = 0; b < batch; ++b)
      for (Index i = 0; i < count; ++i) {
        const Index rows = pairs[i].x.size() / (in * batch);
        segments[b * count + i] = {pairs[i].x.data() + b * rows * in, pairs[i].g.data() + b * rows * cols, rows};
      }
    parallel_for(batch * chunks, big, [&](Index chunk) {
      const Index b = chunk / chunks, first = chunk % chunks * block, part = std::min(block, in - first);
      const Scratch<HostMemory> local;
      auto* mine = Workspace<HostMemory>::current().template take<Segment<T>>(std::size_t(count));
      for (Index i = 0; i < count; ++i) {
        mine[i] = segments[b * count + i];
        mine[i].a += first;
      }
      T* c = out.data() + b * each + first * cols;
      Gemm<T>{part, cols, c, cols, c, cols, mine, count, 1, in, cols}.run();
    });
  }

 private:
  /// Above this size of the right factor (it no longer stays in the second-level cache) Eigen's packing pays.
  static constexpr Index eigen_bytes = Index{1} << 21;

  static void eigen(const Tensor<B>& out, const Tensor<B>& x, const Tensor<B>& w, const Tensor<B>& bias, Index bias_row, Index rows,
                    Index in, Index cols) {
    using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Map<const Matrix> right(w.data(), in, cols);
    const Index block = (rows + 7) / 8;
    parallel_for((rows + block - 1) / block, true, [&](Index chunk) {
      const Index first = chunk * block, count = std::min(block, rows - first);
      const Eigen::Map<const Matrix> left(x.data() + first * in, count, in);
      Eigen::Map<Matrix> result(out.data() + first * cols, count, cols);
      result.noalias() = left * right;
      if (bias)
        for (Index r = 0; r < count; ++r)
          result.row(r) += Eigen::Map<const Matrix>(bias.data() + (first + r) * bias_row, 1, cols);
    });
  }
};

}  // namespace moesaic::cpu
