// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/backend/loop_nest.hpp>
#include <moesaic/backend/thrust/system.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::device {

/// Axes of a tensor, the innermost first, by which an element is found from its number.
struct Axes {
  int rank = 0;
  Index extent[Shape::max_rank] = {}, stride[Shape::max_rank] = {};

  void push_back(Index n, Index step) {
    extent[rank] = n;
    stride[rank++] = step;
  }
  Index size() const {
    Index n = 1;
    for (int a = 0; a < rank; ++a) n *= extent[a];
    return n;
  }
  MOESAIC_HD Index offset(Index i) const {
    Index at = 0;
    for (int a = 0; a < rank; ++a) {
      const Index above = i / extent[a];
      at += (i - above * extent[a]) * stride[a];
      i = above;
    }
    return at;
  }
};

/// Sum `c` of `chunks` of the terms of output `o`, for number `c * outputs + o`: its terms are c, c + chunks, c + 2 chunks, ...
template <class T>
struct SumKernel {
  T* out;
  const T* in;
  Axes kept, summed;
  Index outputs, terms, chunks;
  bool accumulate;

  MOESAIC_HD void operator()(Index i) const {
    const Index chunk = i / outputs;
    const T* const from = in + kept.offset(i - chunk * outputs);
    T sum = accumulate ? out[i] : T(0);
    for (Index r = chunk; r < terms; r += chunks) sum += from[summed.offset(r)];
    out[i] = sum;
  }
};

template <class T>
struct RowMaxKernel {
  T* out;
  const T* in;
  Index columns;
  MOESAIC_HD void operator()(Index row) const {
    const T* const x = in + row * columns;
    T most = x[0];
    for (Index j = 1; j < columns; ++j) most = x[j] > most ? x[j] : most;
    out[row] = most;
  }
};

/// Primitives `sum_to` and `row_max`: reductions in an order that follows from the shapes alone.
template <class B, class T>
struct Reductions {
  static void sum_to(const Tensor<B>& out, const Tensor<B>& in, bool accumulate = false) {
    Axes kept, summed;
    const LoopNest<2> nest(in.shape(), {&out.shape(), &in.shape()});
    if (in.size() == 0) {
      if (!accumulate) B::fill(out, T(0));
      return;
    }
    for (std::size_t a = 0; a < std::size_t(nest.rank); ++a)
      (nest.stride[a][0] ? kept : summed).push_back(nest.extent[a], nest.stride[a][1]);
    const Scratch<typename B::Memory> scratch;
    sum(out.data(), in.data(), kept, summed, accumulate);
  }

  static void row_max(const Tensor<B>& out, const Tensor<B>& in) {
    for_each_index(out.size(), RowMaxKernel<T>{out.data(), in.data(), in.shape().back()});
  }

 private:
  static constexpr Index enough_outputs = 1 << 15;  ///< to keep a GPU busy with a thread for each
  static constexpr Index terms_of_chunk = 64;

  /// Many terms of few outputs are added up in chunks, and these then in the same way.
  static void sum(T* out, const T* in, const Axes& kept, const Axes& summed, bool accumulate) {
    const Index outputs = kept.size(), terms = summed.size();
    if (outputs >= enough_outputs || terms <= terms_of_chunk)
      return for_each_index(outputs, SumKernel<T>{out, in, kept, summed, outputs, terms, 1, accumulate});
    const Index chunks = (terms + terms_of_chunk - 1) / terms_of_chunk;
    T* const partial = Workspace<typename B::Memory>::current().template take<T>(std::size_t(chunks * outputs));
    for_each_index(chunks * outputs, SumKernel<T>{partial, in, kept, summed, outputs, terms, chunks, false});
    Axes flat, by_chunk;
    flat.push_back(outputs, 1);
    by_chunk.push_back(chunks, outputs);
    sum(out, partial, flat, by_chunk, accumulate);
  }
};

}  // namespace moesaic::device
