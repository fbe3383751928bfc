// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include <moesaic/backend/loop_nest.hpp>
#include <moesaic/backend/thrust/system.hpp>
#include <moesaic/core/jet.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::device {

/// Element `i` of an elementwise operation: axis 0 is the innermost, and the last one takes what is left of `i`.
template <class F, class T, int n>
struct MapKernel {
  using Position = std::uint32_t;  // divided by at every axis: 64 bits take several times as long
  T* out;
  F f;
  int rank;
  Position extent[Shape::max_rank];
  const T* in[n];
  Position stride[n][Shape::max_rank];

  MOESAIC_HD void operator()(Index i) const { write(i, std::make_index_sequence<std::size_t(n)>{}); }

 private:
  template <std::size_t... k>
  MOESAIC_HD void write(Index i, std::index_sequence<k...>) const {
    Position at[n] = {}, rest = Position(i);
    for (int axis = 0; axis + 1 < rank; ++axis) {
      const Position above = rest / extent[axis], here = rest - above * extent[axis];
      for (int j = 0; j < n; ++j) at[j] += here * stride[j][axis];
      rest = above;
    }
    out[i] = T(f(in[k][at[k] + rest * stride[k][rank - 1]]...));
  }
};

template <class T>
struct CombineKernel {
  static constexpr int most_terms = 16;
  T* out;
  int count;
  const T* in[most_terms];
  T coefficient[most_terms];

  MOESAIC_HD void operator()(Index i) const {
    T sum = coefficient[0] * in[0][i];
    for (int j = 1; j < count; ++j) sum += coefficient[j] * in[j][i];
    out[i] = sum;
  }
};

/// Primitives `map`, `combine`.
template <class B, class T>
struct Map {
  template <class F, class... Ins>
  static void map(const Tensor<B>& out, const F& f, const Ins&... ins) {
    constexpr int n = int(sizeof...(Ins));
    require(out.size() <= Index(std::numeric_limits<std::uint32_t>::max()), "Thrust backend: map of ", out.shape(),
            ", more than 2^32 elements");
    const Tensor<B>* const in[] = {&ins...};
    const LoopNest<std::size_t(n)> nest(out.shape(), {&ins.shape()...});
    MapKernel<F, T, n> kernel{out.data(), f, nest.rank, {}, {}, {}};
    for (int axis = 0; axis < nest.rank; ++axis) kernel.extent[axis] = std::uint32_t(nest.extent[std::size_t(axis)]);
    for (int k = 0; k < n; ++k) {
      kernel.in[k] = in[k]->data();
      for (int axis = 0; axis < nest.rank; ++axis)
        kernel.stride[k][axis] = std::uint32_t(nest.stride[std::size_t(axis)][std::size_t(k)]);
    }
    for_each_index(out.size(), kernel);
  }

  static void combine(const Tensor<B>& out, int count, const double* coefficient, const Tensor<B>* in) {
    CombineKernel<T> kernel{out.data(), count, {}, {}};
    require(count <= CombineKernel<T>::most_terms, "Thrust backend: combine of ", count, " terms; expected at most ",
            CombineKernel<T>::most_terms);
    for (int j = 0; j < count; ++j) kernel.in[j] = in[j].data(), kernel.coefficient[j] = T(coefficient[j]);
    for_each_index(out.size(), kernel);
  }
};

}  // namespace moesaic::device
