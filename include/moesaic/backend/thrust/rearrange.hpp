// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>

#include <moesaic/backend/thrust/system.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::device {

template <class T>
struct TransposeKernel {
  T* out;
  const T* in;
  Index rows, columns;
  MOESAIC_HD void operator()(Index i) const {
    const Index each = rows * columns, batch = i / each, rest = i - batch * each, c = rest / rows, r = rest - c * rows;
    out[i] = in[batch * each + r * columns + c];
  }
};

/// Element `i` of a part of an axis, on its way out of the whole tensor or into it.
template <class T>
struct SliceKernel {
  enum class Way { out, in, add };
  T *whole, *part;
  Index whole_step, part_step, begin;
  Way way;
  MOESAIC_HD void operator()(Index i) const {
    const Index outer = i / part_step;
    T& there = whole[outer * whole_step + begin + (i - outer * part_step)];
    if (way == Way::out)
      part[i] = there;
    else
      there = way == Way::add ? there + part[i] : part[i];
  }
};

/// Row numbers travel with the kernel, so that nothing has to be copied first, nor kept until the kernel has run.
template <class T>
struct GatherKernel {
  static constexpr Index most_rows = 896;  // a kernel's arguments have room for 4 kB
  T* out;
  const T* in;
  Index each;
  std::int32_t row[most_rows];
  MOESAIC_HD void operator()(Index i) const {
    const Index at = i / each;
    out[i] = in[row[at] * each + (i - at * each)];
  }
};

/// Adds, for every destination, its sources in their order.
template <class T>
struct ScatterAddKernel {
  static constexpr Index most_rows = 384;
  T* out;
  const T* in;
  Index each;
  std::int32_t destination[most_rows];
  std::uint16_t first[most_rows + 1], source[most_rows];
  MOESAIC_HD void operator()(Index i) const {
    const Index at = i / each, column = i - at * each;
    T& sum = out[destination[at] * each + column];
    for (int k = first[at]; k < first[at + 1]; ++k) sum += in[source[k] * each + column];
  }
};

/// Primitives that move numbers between places: `transpose`, `slice`, `put_slice`, `gather`, `scatter_add`.
template <class B, class T>
struct Rearrangements {
  static void transpose(const Tensor<B>& out, const Tensor<B>& in) {
    for_each_index(out.size(), TransposeKernel<T>{out.data(), in.data(), in.shape().back(1), in.shape().back()});
  }

  static void slice(const Tensor<B>& out, const Tensor<B>& in, int axis, Index begin) {
    run_slice(in, out, axis, begin, SliceKernel<T>::Way::out);
  }
  static void put_slice(const Tensor<B>& out, const Tensor<B>& in, int axis, Index begin, bool accumulate) {
    run_slice(out, in, axis, begin, accumulate ? SliceKernel<T>::Way::add : SliceKernel<T>::Way::in);
  }

  static void gather(const Tensor<B>& out, const Tensor<B>& in, const std::int32_t* row) {
    using Kernel = GatherKernel<T>;
    const Index rows = out.shape()[0], each = rows ? out.size() / rows : 0;
    for (Index first = 0; first < rows; first += Kernel::most_rows) {
      const Index here = std::min(rows - first, Kernel::most_rows);
      Kernel kernel{out.data() + first * each, in.data(), each, {}};
      std::copy_n(row + first, here, kernel.row);
      for_each_index(here * each, kernel);
    }
  }

  static void scatter_add(const Tensor<B>& out, const Tensor<B>& in, const std::int32_t* row) {
    using Kernel = ScatterAddKernel<T>;
    const Index rows = in.shape()[0], each = rows ? in.size() / rows : 0;
    for (Index begin = 0; begin < rows; begin += Kernel::most_rows) {
      const Index here = std::min(rows - begin, Kernel::most_rows);
      Kernel kernel{out.data(), in.data() + begin * each, each, {}, {}, {}};
      for (Index i = 0; i < here; ++i) kernel.source[i] = std::uint16_t(i);
      std::stable_sort(kernel.source, kernel.source + here, [&](auto a, auto b) { return row[begin + a] < row[begin + b]; });
      Index destinations = 0;
      for (Index i = 0; i < here; ++i) {
        const std::int32_t to = row[begin + kernel.source[i]];
        if (i > 0 && to == kernel.destination[destinations - 1]) continue;
        kernel.first[destinations] = std::uint16_t(i);
        kernel.destination[destinations++] = to;
      }
      kernel.first[destinations] = std::uint16_t(here);
      for_each_index(destinations * each, kernel);
    }
  }

 private:
  static void run_slice(const Tensor<B>& whole, const Tensor<B>& part, int axis, Index begin, typename SliceKernel<T>::Way way) {
    Index inner = 1;
    for (int a = axis + 1; a < whole.shape().rank(); ++a) inner *= whole.shape()[a];
    for_each_index(part.size(), SliceKernel<T>{whole.data(), part.data(), whole.shape()[axis] * inner, part.shape()[axis] * inner,
                                               begin * inner, way});
  }
};

}  // namespace moesaic::device
