// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/host_device.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic {

namespace detail {

template <class T>
struct LargestKernel {
  const T* x;
  Index columns;
  T* number;
  MOESAIC_HD void operator()(Index row) const {
    const T* const in = x + row * columns;
    Index largest = 0;
    for (Index j = 1; j < columns; ++j)
      if (in[largest] < in[j]) largest = j;
    number[row] = T(largest);
  }
};
template <class T>
struct OneHotKernel {
  const T* number;
  Index columns;
  T* marks;
  MOESAIC_HD void operator()(Index row) const {
    for (Index j = 0; j < columns; ++j) marks[row * columns + j] = number[row] == T(j) ? T(1) : T(0);
  }
};

}  // namespace detail

/// Which number of every row of `x [N, K]`, K >= 1, is the largest, the first of those that are equal (as `std::max_element` finds it):
/// `[N]`.
template <class B>
Tensor<B> number_of_largest(const Tensor<B>& x) {
  const Index rows = x.shape()[0], columns = x.shape()[1];
  const auto out = make_tensor<B>({rows});
  B::for_each(rows, detail::LargestKernel<typename B::Scalar>{x.data(), columns, out.data()}, columns);
  return out;
}
/// 1 in the column that is a row's number `[N]`, 0 elsewhere: `[N, columns]`.
template <class B>
Tensor<B> one_hot(const Tensor<B>& number, Index columns) {
  const auto out = make_tensor<B>({number.size(), columns});
  B::for_each(number.size(), detail::OneHotKernel<typename B::Scalar>{number.data(), columns, out.data()}, columns);
  return out;
}
/// 1 at the largest number of every row, 0 elsewhere.
template <class B>
Tensor<B> one_hot_of_largest(const Tensor<B>& x) {
  return one_hot(number_of_largest(x), x.shape()[1]);
}

}  // namespace moesaic
