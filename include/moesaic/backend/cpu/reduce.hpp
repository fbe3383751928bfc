// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <xsimd/xsimd.hpp>

#include <moesaic/backend/loop_nest.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::cpu {

/// Primitives `sum_to` and `row_max`: reductions in a fixed order of summation.
template <class B, class T>
struct Reductions {
  using Batch = xsimd::batch<T>;
  static constexpr Index width = Index(Batch::size);

  /// `out = sum of in` over the axes along which `out`'s shape broadcasts to `in`'s; with `accumulate`, added to what is there.
  static void sum_to(const Tensor<B>& out, const Tensor<B>& in, bool accumulate = false) {
    if (!accumulate) std::fill_n(out.data(), out.size(), T(0));
    if (in.size() == 0) return;
    const LoopNest<2> nest(in.shape(), {&out.shape(), &in.shape()});
    const Index n = nest.inner();
    nest.for_each_run([&](const std::array<Index, 2>& offset) {
      T* o = out.data() + offset[0];
      const T* x = in.data() + offset[1];
      if (nest.stride[0][0] == 0)
        *o += sum(x, n);
      else
        add(o, x, n);
    });
  }

  /// Largest entry of every row (last axis): `in [..., C] -> out [..., 1]`.
  static void row_max(const Tensor<B>& out, const Tensor<B>& in) {
    const Index c = in.shape().back(), rows = in.size() / std::max<Index>(c, 1);
    for (Index r = 0; r < rows; ++r) out.data()[r] = *std::max_element(in.data() + r * c, in.data() + (r + 1) * c);
  }

 private:
  static T sum(const T* x, Index n) {
    Batch s0(T(0)), s1(T(0));
    Index i = 0;
    for (; i + 2 * width <= n; i += 2 * width) {
      s0 += Batch::load_unaligned(x + i);
      s1 += Batch::load_unaligned(x + i + width);
    }
    T total = horizontal_sum(s0 + s1);
    for (; i < n; ++i) total += x[i];
    return total;
  }
  static T horizontal_sum(const Batch& b) {
    if constexpr (requires { hadd(b); })  // its name before xsimd 10
      return hadd(b);
    else
      return reduce_add(b);
  }
  static void add(T* o, const T* x, Index n) {
    Index i = 0;
    for (; i + width <= n; i += width) (Batch::load_unaligned(o + i) + Batch::load_unaligned(x + i)).store_unaligned(o + i);
    for (; i < n; ++i) o[i] += x[i];
  }
};

}  // namespace moesaic::cpu
