// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>

#include <moesaic/backend/cpu/gemm.hpp>
#include <moesaic/cluster/chunks.hpp>

namespace moesaic::cluster::detail {

/// The system `G W = B` of normal equations in double, kept as one matrix `[G | B]` of n rows.
///
/// `solve` eliminates it without pivots (Cholesky's factor G = R^T R comes out row by row) and leaves R^{-T} in the place of G,
/// so that the condition of G is known rather than guessed and further right-hand sides cost one product.
class NormalEquations {
  using Gemm = cpu::Gemm<double>;

 public:
  static constexpr Index lanes = Index(xsimd::batch<double>::size);

  /// Zero-filled; the memory comes from the current workspace.
  NormalEquations(Index unknowns, Index sides)
      : n(unknowns), k(sides), stride((n + k + lanes - 1) / lanes * lanes), data(take(n * stride)), diagonal_(take(n)) {
    std::fill_n(data, n * stride, 0.0);
  }
  static double* take(Index count) { return Workspace<HostMemory>::current().take<double>(std::size_t(count)); }

  double& at(Index i, Index j) const { return data[i * stride + j]; }
  double* right() const { return data + n; }

  /// `[G | B] += rows^T rows` on and right of the diagonal, of `count` rows that each hold `[a | y]` in `stride` numbers.
  void add(const double* rows, Index count) const {
    constexpr Index strip = 12;  // a multiple of the product's register tile, narrow enough to skip most of the lower triangle
    for (Index i = 0; i < n; i += strip) {
      const Index j = i / lanes * lanes;
      const cpu::Segment<double> segment{rows + i, rows + j, count};
      double* const c = data + i * stride + j;
      Gemm{std::min(strip, n - i), stride - j, c, stride, c, stride, &segment, 1, 1, stride, stride}.run();
    }
  }

  /// Eliminates; false if G is not positive definite to working precision. Afterwards `inverse_factor`, `condition` and
  /// `scaled_condition` hold and the right side is R^{-T} B.
  bool eliminate() {
    double trace = 0, inverse = 0, scaled = 0;
    for (Index j = 0; j < n; ++j) trace += diagonal_[j] = at(j, j);
    for (Index j = 0; j < n; ++j) {
      double* const pivot_row = data + j * stride;
      const double pivot = pivot_row[j];
      if (!(pivot > 0)) return false;
      const double scale = 1 / std::sqrt(pivot);
      for (Index c = 0; c < stride; ++c) pivot_row[c] *= scale;
      pivot_row[j] = scale;
      for (Index i = j + 1; i < n; ++i) {
        double* const row = data + i * stride;
        const double factor = pivot_row[i];
        for (Index c = 0; c < stride; ++c) row[c] -= factor * pivot_row[c];
        row[j] = -factor * scale;
      }
    }
    for (Index j = 0; j < n; ++j) {
      for (Index c = 0; c <= j; ++c) {
        const double square = at(j, c) * at(j, c);
        inverse += square;
        scaled += diagonal_[c] * square;
      }
      std::fill(data + j * stride + j + 1, data + j * stride + n, 0.0);
    }
    condition = std::sqrt(trace * inverse);
    scaled_condition = std::sqrt(double(n) * scaled);
    return true;
  }

  /// `w [n, k] = R^{-1} t` for `t [n, k]` with row stride `t_row`.
  void back(const double* t, Index t_row, double* w, const double* init = nullptr) const {
    const cpu::Segment<double> segment{data, t, n};
    Gemm{n, k, w, k, init, k, &segment, 1, 1, stride, t_row}.run();
  }
  /// `t [n, k] = R^{-T} b` for `b [n, k]`.
  void forward(const double* b, double* t) const {
    const cpu::Segment<double> segment{data, b, n};
    Gemm{n, k, t, k, nullptr, 0, &segment, 1, stride, 1, k}.run();
  }

  Index n, k, stride;
  double* data;
  double condition = 0;         ///< |R|_F |R^{-1}|_F: at least the ratio of A's extreme singular values, at most n times it
  double scaled_condition = 0;  ///< the same after scaling A's columns to length 1, which elimination is indifferent to

 private:
  double* diagonal_;
};

}  // namespace moesaic::cluster::detail
