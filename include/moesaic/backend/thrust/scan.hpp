// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/backend/thrust/system.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::device {

/// One column of one sequence.
template <class T>
struct LinearScanKernel {
  T* out;
  const T *a, *b;
  Index steps, columns;
  bool reverse;

  MOESAIC_HD void operator()(Index i) const {
    const Index sequence = i / columns, first = sequence * steps * columns + (i - sequence * columns);
    const Index step = reverse ? -columns : columns, ahead = reverse ? 0 : columns;
    Index at = reverse ? first + (steps - 1) * columns : first;
    T h = b[at];
    out[at] = h;
    for (Index t = 1; t < steps; ++t) {
      h = a[at + ahead] * h + b[at + step];
      at += step;
      out[at] = h;
    }
  }
};

/// Primitive `linear_scan`.
template <class B, class T>
struct Scans {
  static void linear_scan(const Tensor<B>& out, const Tensor<B>& a, const Tensor<B>& b, bool reverse) {
    const Index columns = out.shape().back(), steps = out.shape().back(1);
    if (out.size() == 0) return;
    for_each_index(out.size() / steps, LinearScanKernel<T>{out.data(), a.data(), b.data(), steps, columns, reverse});
  }
};

}  // namespace moesaic::device
