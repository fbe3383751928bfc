// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <moesaic/core/tensor.hpp>

namespace moesaic::cpu {

/// Primitives that move numbers: `fill`, `copy`, `from_host`, `to_host`.
template <class B, class T>
struct Moves {
  static void fill(const Tensor<B>& out, T value) { std::fill_n(out.data(), out.size(), value); }
  static void copy(const Tensor<B>& out, const Tensor<B>& in) { std::copy_n(in.data(), in.size(), out.data()); }
  static void from_host(const Tensor<B>& out, const T* host) { std::copy_n(host, out.size(), out.data()); }
  static void to_host(T* host, const Tensor<B>& in) { std::copy_n(in.data(), in.size(), host); }
};

}  // namespace moesaic::cpu
