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

/// The `n` operands of an elementwise operation and how they broadcast. Axis 0 is the innermost.
template <class T, int n>
struct MapOperands {
  using Position = std::uint32_t;  // divided by at every axis: 64 bits take several times as long
  T* out;
  int rank;
  Position extent[Shape::max_rank];
  const T* in[n];
  Position stride[n][Shape::max_rank];

  /// The same for all functions of `n` operands, and compiled once for them.
  template <class B>
  MapOperands(const Tensor<B>& full, const std::array<const Tensor<B>*, std::size_t(n)>& tensors) : out(full.data()) {
    require(full.size() <= Index(std::numeric_limits<Position>::max()), "Thrust backend: map of ", full.shape(),
            ", more than 2^32 elements");
    std::array<const Shape*, std::size_t(n)> shapes;
    for (std::size_t k = 0; k < shapes.size(); ++k) shapes[k] = &tensors[k]->shape();
    const LoopNest<std::size_t(n)> nest(full.shape(), shapes);
    rank = nest.rank;
    for (int axis = 0; axis < rank; ++axis) extent[axis] = Position(nest.extent[std::size_t(axis)]);
    for (int k = 0; k < n; ++k) {
      in[k] = tensors[std::size_t(k)]->data();
      for (int axis = 0; axis < rank; ++axis) stride[k][axis] = Position(nest.stride[std::size_t(axis)][std::size_t(k)]);
    }
  }
};

/// Element `i` of an elementwise operation: the last axis takes what is left of `i`.
template <class F, class T, int n>
struct MapKernel {
  F f;
  MapOperands<T, n> operands;

  MOESAIC_HD void operator()(Index i) const { write(i, std::make_index_sequence<std::size_t(n)>{}); }

 private:
  template <std::size_t... k>
  MOESAIC_HD void write(Index i, std::index_sequence<k...>) const {
    using Position = typename MapOperands<T, n>::Position;
    const auto& [out, rank, extent, in, stride] = operands;
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
    for_each_index(out.size(), MapKernel<F, T, n>{f, MapOperands<T, n>(out, std::array<const Tensor<B>*, sizeof...(Ins)>{&ins...})});
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
