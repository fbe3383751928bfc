// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/host_device.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic {

namespace detail {

template <class T>
struct OneHotKernel {
  const T* x;
  Index columns;
  T* out;
  MOESAIC_HD void operator()(Index row) const {
    const T* const in = x + row * columns;
    T* const marks = out + row * columns;
    Index largest = 0;
    for (Index j = 0; j < columns; ++j) {
      marks[j] = 0;
      if (in[largest] < in[j]) largest = j;
    }
    marks[largest] = 1;
  }
};

}  // namespace detail

/// 1 at the largest number of every row of `x [N, K]`, K >= 1, at the first of those that are equal (as `std::max_element` finds it),
/// and 0 elsewhere.
template <class B>
Tensor<B> one_hot_of_largest(const Tensor<B>& x) {
  const auto out = make_tensor<B>(x.shape());
  const Index columns = x.shape()[1];
  B::for_each(x.shape()[0], detail::OneHotKernel<typename B::Scalar>{x.data(), columns, out.data()}, columns);
  return out;
}

}  // namespace moesaic
