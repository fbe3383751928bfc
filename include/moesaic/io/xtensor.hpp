// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <vector>
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xtensor.hpp>

#include <moesaic/backend/cpu.hpp>

/// The way between Moesaic's arrays and xtensor's, without copies. Opt-in: nothing else of Moesaic needs xtensor.
namespace moesaic {

/// The numbers of an xtensor container or view, which has to outlive the tensor.
///
/// Errors: it is not contiguous in row-major order (`xt::eval` makes a copy that is), or its rank is too large.
template <class E>
Tensor<Cpu<typename E::value_type>> from_xtensor(xt::xexpression<E>& expression) {
  static_assert(xt::has_data_interface<E>::value,
                "from_xtensor: the expression holds no numbers yet; evaluate it with xt::eval first");
  E& e = expression.derived_cast();
  require(e.dimension() <= std::size_t{Shape::max_rank}, "from_xtensor: expected a rank of at most ", Shape::max_rank,
          ", actual ", e.dimension());
  Shape shape;
  for (auto extent : e.shape()) shape.push_back(Index(extent));
  Index stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0 && shape.size() > 0; --axis) {
    const auto actual = Index(e.strides()[std::size_t(axis)]);
    require(shape[axis] == 1 || actual == stride, "from_xtensor: expected contiguous numbers in row-major order, axis ", axis,
            " of shape ", shape, " has stride ", actual, " instead of ", stride,
            "; evaluate it into a row-major xt::xarray first");
    stride *= shape[axis];
  }
  return {e.data() + e.data_offset(), shape};
}

/// A tensor as an xtensor expression of run-time rank that refers to the same numbers.
template <class T>
auto to_xtensor(const Tensor<Cpu<T>>& t) {
  std::vector<std::size_t> shape;
  for (int a = 0; a < t.shape().rank(); ++a) shape.push_back(std::size_t(t.shape()[a]));
  return xt::adapt(t.data(), std::size_t(t.size()), xt::no_ownership(), shape);
}
/// The same with the rank known at compile time, which xtensor indexes faster. Errors: the rank differs.
template <std::size_t Rank, class T>
auto to_xtensor(const Tensor<Cpu<T>>& t) {
  require(t.shape().rank() == int(Rank), "to_xtensor: expected rank ", Rank, ", actual shape ", t.shape());
  std::array<std::size_t, Rank> shape{};
  for (std::size_t a = 0; a < Rank; ++a) shape[a] = std::size_t(t.shape()[int(a)]);
  return xt::adapt(t.data(), std::size_t(t.size()), xt::no_ownership(), shape);
}
/// The same where the tensor's type knows the rank.
template <class T, Index... extents>
  requires(sizeof...(extents) > 0)
auto to_xtensor(const Tensor<Cpu<T>, extents...>& t) {
  return to_xtensor<sizeof...(extents)>(static_cast<const Tensor<Cpu<T>>&>(t));
}

/// An array has to outlive the expression, so a temporary one is refused.
template <class T>
auto to_xtensor(const Array<Cpu<T>>& a) {
  return to_xtensor(a.tensor());
}
template <std::size_t Rank, class T>
auto to_xtensor(const Array<Cpu<T>>& a) {
  return to_xtensor<Rank>(a.tensor());
}
template <class T>
void to_xtensor(Array<Cpu<T>>&&) = delete;
template <std::size_t Rank, class T>
void to_xtensor(Array<Cpu<T>>&&) = delete;

}  // namespace moesaic
