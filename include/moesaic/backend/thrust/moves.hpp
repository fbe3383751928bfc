// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/backend/thrust/system.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::device {

template <class T>
struct FillKernel {
  T* out;
  T value;
  MOESAIC_HD void operator()(Index i) const { out[i] = value; }
};

/// Primitives that move numbers: `fill`, `copy`, `from_host`, `to_host`.
template <class B, class T>
struct Moves {
  static void fill(const Tensor<B>& out, T value) { for_each_index(out.size(), FillKernel<T>{out.data(), value}); }
  static void copy(const Tensor<B>& out, const Tensor<B>& in) { copy_on_device(out.data(), in.data(), std::size_t(in.size()) * sizeof(T)); }
  static void from_host(const Tensor<B>& out, const T* host) { copy_to_device(out.data(), host, std::size_t(out.size()) * sizeof(T)); }
  static void to_host(T* host, const Tensor<B>& in) { copy_to_host(host, in.data(), std::size_t(in.size()) * sizeof(T)); }
};

}  // namespace moesaic::device
