// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <moesaic/core/parallel.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::cpu {

/// A few vectors that form a square matrix. (xsimd's `zip_lo` means different things in its versions.)
template <class T>
struct SquareOfVectors {
#ifdef __AVX512F__
  static constexpr int bytes = 32;
#else
  static constexpr int bytes = 16;
#endif
  using Row [[gnu::vector_size(bytes)]] = T;
  static constexpr int side = bytes / int(sizeof(T));

  static void transpose(const T* x, Index x_row, T* y, Index y_row) {
    Row a[side], z[side];
    for (int i = 0; i < side; ++i) std::memcpy(&a[i], x + i * x_row, sizeof(Row));
    for (int stage = 1; stage < side; stage *= 2) {
      zip_halves(a, z, std::make_integer_sequence<int, side>{});
      std::copy_n(z, side, a);
    }
    for (int i = 0; i < side; ++i) std::memcpy(y + i * y_row, &a[i], sizeof(Row));
  }

 private:
  using Places [[gnu::vector_size(bytes)]] = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

  /// Rows k and k + side / 2, their numbers in turn, become rows 2k and 2k + 1.
  template <int... i>
  static void zip_halves(const Row* a, Row* z, std::integer_sequence<int, i...>) {
    for (int k = 0; k < side / 2; ++k) {
      const Row &x = a[k], &y = a[k + side / 2];
#ifdef __clang__
      z[2 * k] = __builtin_shufflevector(x, y, (i % 2 * side + i / 2)...);
      z[2 * k + 1] = __builtin_shufflevector(x, y, (i % 2 * side + i / 2 + side / 2)...);
#else  // nvcc hands g++ the other form with its parameter pack unexpanded
      z[2 * k] = __builtin_shuffle(x, y, Places{(i % 2 * side + i / 2)...});
      z[2 * k + 1] = __builtin_shuffle(x, y, Places{(i % 2 * side + i / 2 + side / 2)...});
#endif
    }
  }
};

/// Primitives that move numbers between places: `transpose`, `slice`, `put_slice`, `gather`, `scatter_add`.
template <class B, class T>
struct Rearrangements {
  /// Swaps the last two axes: `in [..., R, C] -> out [..., C, R]`.
  static void transpose(const Tensor<B>& out, const Tensor<B>& in) {
    const Index rows = in.shape().back(1), cols = in.shape().back(), each = rows * cols;
    constexpr Index side = SquareOfVectors<T>::side, block = 64, big = 1 << 16;
    const Index whole_rows = rows - rows % side, whole_cols = cols - cols % side;
    for (Index b = 0; b < (each ? in.size() / each : 0); ++b) {
      const T* x = in.data() + b * each;
      T* y = out.data() + b * each;
      parallel_for((whole_cols + block - 1) / block, each >= big, [&](Index chunk) {
        const Index c0 = chunk * block;
        for (Index r0 = 0; r0 < whole_rows; r0 += block)
          for (Index c = c0; c < std::min(whole_cols, c0 + block); c += side)
            for (Index r = r0; r < std::min(whole_rows, r0 + block); r += side)
              SquareOfVectors<T>::transpose(x + r * cols + c, cols, y + c * rows + r, rows);
      });
      for (Index c = 0; c < cols; ++c)
        for (Index r = c < whole_cols ? whole_rows : 0; r < rows; ++r) y[c * rows + r] = x[r * cols + c];
    }
  }

  /// Entries `begin .. begin + out.shape()[axis]` of an axis of `in`.
  static void slice(const Tensor<B>& out, const Tensor<B>& in, int axis, Index begin) {
    const Blocks k(in.shape(), out.shape(), axis);
    for (Index o = 0; o < k.outer; ++o)
      std::copy_n(in.data() + o * k.whole + begin * k.inner, k.part, out.data() + o * k.part);
  }

  /// Writes (or adds) `in` to the entries `begin ..` of an axis of `out`.
  static void put_slice(const Tensor<B>& out, const Tensor<B>& in, int axis, Index begin, bool accumulate) {
    const Blocks k(out.shape(), in.shape(), axis);
    for (Index o = 0; o < k.outer; ++o) {
      T* y = out.data() + o * k.whole + begin * k.inner;
      const T* x = in.data() + o * k.part;
      if (accumulate)
        for (Index i = 0; i < k.part; ++i) y[i] += x[i];
      else
        std::copy_n(x, k.part, y);
    }
  }

  /// `out[i] = in[row[i]]` along the first axis. Rows that lie one after the other, as in a window of a series, are one copy.
  static void gather(const Tensor<B>& out, const Tensor<B>& in, const std::int32_t* row) {
    const Index each = in.shape()[0] ? in.size() / in.shape()[0] : 0;
    for (Index i = 0, count = 1; i < out.shape()[0]; i += count, count = 1) {
      while (i + count < out.shape()[0] && row[i + count] == row[i] + count) ++count;
      std::copy_n(in.data() + row[i] * each, count * each, out.data() + i * each);
    }
  }

  /// `out[row[i]] += in[i]` along the first axis, in the order of i.
  static void scatter_add(const Tensor<B>& out, const Tensor<B>& in, const std::int32_t* row) {
    const Index each = in.shape()[0] ? in.size() / in.shape()[0] : 0;
    for (Index i = 0; i < in.shape()[0]; ++i)
      for (Index j = 0; j < each; ++j) out.data()[row[i] * each + j] += in.data()[i * each + j];
  }

 private:
  struct Blocks {
    Index outer = 1, inner = 1, whole, part;
    Blocks(const Shape& full, const Shape& piece, int axis) {
      for (int a = 0; a < axis; ++a) outer *= full[a];
      for (int a = axis + 1; a < full.rank(); ++a) inner *= full[a];
      whole = full[axis] * inner;
      part = piece[axis] * inner;
    }
  };
};

}  // namespace moesaic::cpu
