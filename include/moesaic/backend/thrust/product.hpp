// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <moesaic/backend/primitives.hpp>
#include <moesaic/backend/thrust/system.hpp>

namespace moesaic::device {

struct Same {
  template <class S>
  constexpr S operator()(const S& x) const { return x; }
};

/// Primitives `product` and `add_outer_products`, on the library of the system: cuBLAS, or Eigen.
template <class B, class T>
struct Products {
  static void product(const Tensor<B>& out, const Tensor<B>& x, const Tensor<B>& w, const Tensor<B>& bias) {
    if (out.size() == 0) return;
    if (bias) B::map(out, Same{}, bias);
    const bool batched = w.shape().rank() == 3;
    const Index in = w.shape().back(1), columns = w.shape().back(), batch = batched ? w.shape()[0] : 1;
    const Index rows = batched ? x.shape()[1] : x.shape().rows();
    if (in == 0 && !bias) return B::fill(out, T(0));
    if (in == 0) return;
    Gemm<T>{batch, rows, columns, in, x.data(), false, w.data(), bias ? T(1) : T(0), out.data()}();
  }

  static void add_outer_products(const Tensor<B>& out, const OuterProduct<B>* pairs, Index count) {
    if (out.size() == 0) return;
    const Index columns = out.shape().back();
    for (Index i = 0; i < count; ++i) {
      const auto& [x, g] = pairs[i];
      if (!x) {
        const Index batch = out.size() / columns;
        B::sum_to(out.reshape({batch, 1, columns}), g.reshape({batch, g.size() / out.size(), columns}), true);
        continue;
      }
      const Index in = out.shape().back(1), batch = out.size() / (in * columns), rows = x.size() / (in * batch);
      if (rows > 0) Gemm<T>{batch, in, columns, rows, x.data(), true, g.data(), T(1), out.data()}();
    }
  }
};

}  // namespace moesaic::device
