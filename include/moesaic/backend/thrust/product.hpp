// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>

#include <moesaic/backend/primitives.hpp>
#include <moesaic/backend/thrust/system.hpp>

namespace moesaic::device {

struct Same {
  template <class S>
  constexpr S operator()(const S& x) const { return x; }
};

/// One number of a product of few rows, with its bias, for which a library would take two kernels.
template <class T>
struct ThinProductKernel {
  using Position = std::uint32_t;  // a division of 64 bits takes as long as a good part of the sum
  static constexpr Index most_rows = 16, most_inner = 256, most_numbers = Index{1} << 31;
  T* out;
  const T *x, *w, *bias;
  Position rows, columns;
  Index inner, bias_batch, bias_row;  ///< the last two: from one batch's, one row's bias to the next
  MOESAIC_HD void operator()(Index i) const {
    const Position above = Position(i) / columns, c = Position(i) - above * columns, b = above / rows, r = above - b * rows;
    const T *const left = x + above * inner, *const right = w + b * inner * Index(columns) + c;
    T sum = bias ? bias[b * bias_batch + r * bias_row + c] : T(0);
    for (Index k = 0; k < inner; ++k) sum += left[k] * right[k * Index(columns)];
    out[i] = sum;
  }
};

/// One number of `out += sum_i x_i^T g_i`, or of the column sums of the g_i, for pairs of few rows, of which each would be a kernel.
template <class T>
struct OuterProductsKernel {
  static constexpr Index most_pairs = 128, few_rows = 32;  // a kernel's arguments have room for 4 kB
  T* out;
  Index inner, columns;
  int count;
  std::int32_t rows[most_pairs];
  const T *x[most_pairs], *g[most_pairs];
  MOESAIC_HD void operator()(Index e) const {
    const Index above = e / columns, c = e - above * columns, b = above / inner, i = above - b * inner;
    T sum = out[e];
    for (int p = 0; p < count; ++p)
      for (Index r = b * rows[p]; r < (b + 1) * rows[p]; ++r) sum += (x[p] ? x[p][r * inner + i] : T(1)) * g[p][r * columns + c];
    out[e] = sum;
  }
};

/// The sum of one column of one matrix of a batch, of many batches of the same number of matrices.
template <class T>
struct ColumnSumsKernel {
  static constexpr Index most_batches = 200;
  T* out;  ///< `[count, outputs]`
  Index outputs, columns;
  std::int32_t rows[most_batches];
  const T* in[most_batches];
  MOESAIC_HD void operator()(Index e) const {
    const Index p = e / outputs, o = e - p * outputs, b = o / columns;
    const T* const x = in[p] + b * rows[p] * columns + (o - b * columns);
    T sum = 0;
    for (Index r = 0; r < rows[p]; ++r) sum += x[r * columns];
    out[e] = sum;
  }
};

/// Primitives `product` and `add_outer_products`, on the library of the system: cuBLAS, or Eigen.
template <class B, class T>
struct Products {
  static void product(const Tensor<B>& out, const Tensor<B>& x, const Tensor<B>& w, const Tensor<B>& bias) {
    if (out.size() == 0) return;
    const bool batched = w.shape().rank() == 3;
    const Index in = w.shape().back(1), columns = w.shape().back(), batch = batched ? w.shape()[0] : 1;
    const Index rows = batched ? x.shape()[1] : x.shape().rows();
    if (batch > 1 && rows <= Thin::most_rows && in <= Thin::most_inner && out.size() <= Thin::most_numbers) {
      const auto [of_batch, of_row] = bias_steps(bias, columns);
      using Position = typename Thin::Position;
      return for_each_index(
          out.size(), Thin{out.data(), x.data(), w.data(), bias.data(), Position(rows), Position(columns), in, of_batch, of_row});
    }
    if (bias) B::map(out, Same{}, bias);
    if (in == 0 && !bias) return B::fill(out, T(0));
    if (in == 0) return;
    Gemm<T>{batch, rows, columns, in, x.data(), false, w.data(), bias ? T(1) : T(0), out.data()}();
  }

  static void add_outer_products(const Tensor<B>& out, const OuterProduct<B>* pairs, Index count) {
    if (out.size() == 0 || count == 0) return;
    const Index columns = out.shape().back(), in = pairs[0].x ? out.shape().back(1) : 1, batch = out.size() / (in * columns);
    const auto rows_of = [&](Index i) { return pairs[i].g.size() / (batch * columns); };
    Index rows = 0;
    for (Index i = 0; i < count; ++i) rows += rows_of(i);
    if (count > 1 && rows <= count * Outer::few_rows) return add_few_rows(out, pairs, count, batch, in, columns);
    if (count > 1 && !pairs[0].x && rows <= count * most_summed) return add_column_sums(out, pairs, count, batch, columns);
    for (Index i = 0; i < count; ++i) {
      const auto& [x, g] = pairs[i];
      if (!x)
        B::sum_to(out.reshape({batch, 1, columns}), g.reshape({batch, rows_of(i), columns}), true);
      else if (rows_of(i) > 0)
        Gemm<T>{batch, in, columns, rows_of(i), x.data(), true, g.data(), T(1), out.data()}();
    }
  }

 private:
  using Thin = ThinProductKernel<T>;
  using Outer = OuterProductsKernel<T>;
  static constexpr Index most_summed = 512;  ///< rows that one thread adds up

  /// Numbers from the bias of one batch, and of one row, to the next: 0 where it is the same.
  static std::pair<Index, Index> bias_steps(const Tensor<B>& bias, Index columns) {
    if (!bias || bias.shape().rank() < 2) return {0, 0};
    const Shape& s = bias.shape();
    const Index rows = s.back(1), batches = s.rank() == 3 ? s[0] : 1;
    return {batches == 1 ? 0 : rows * columns, rows == 1 ? 0 : columns};
  }
  static void add_column_sums(const Tensor<B>& out, const OuterProduct<B>* pairs, Index count, Index batch, Index columns) {
    using Kernel = ColumnSumsKernel<T>;
    const Scratch<typename B::Memory> scratch;
    const Index outputs = batch * columns;
    const auto sums = make_tensor<B>({count, outputs});
    for (Index first = 0; first < count; first += Kernel::most_batches) {
      const Index here = std::min(count - first, Kernel::most_batches);
      Kernel kernel{sums.data() + first * outputs, outputs, columns, {}, {}};
      for (Index p = 0; p < here; ++p) {
        const Tensor<B>& g = pairs[first + p].g;
        kernel.rows[p] = std::int32_t(g.size() / outputs), kernel.in[p] = g.data();
      }
      for_each_index(here * outputs, kernel);
    }
    B::sum_to(out.reshape({1, outputs}), sums, true);
  }
  static void add_few_rows(const Tensor<B>& out, const OuterProduct<B>* pairs, Index count, Index batch, Index in, Index columns) {
    for (Index first = 0; first < count; first += Outer::most_pairs) {
      Outer kernel{out.data(), in, columns, int(std::min(count - first, Outer::most_pairs)), {}, {}, {}};
      for (int p = 0; p < kernel.count; ++p) {
        const auto& [x, g] = pairs[first + p];
        kernel.rows[p] = std::int32_t(g.size() / (batch * columns)), kernel.x[p] = x.data(), kernel.g[p] = g.data();
      }
      for_each_index(out.size(), kernel);
    }
  }
};

}  // namespace moesaic::device
