// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include <moesaic/cluster/device.hpp>

namespace moesaic::cluster::detail {

/// Rows `[a | y]`: `n` columns of A, then right-hand sides, then padding, `stride` numbers in all.
struct AugmentedRows {
  double* data;
  Index n, stride;

  double* row(Index i) const { return data + i * stride; }
};

/// Replaces `[R | C]` (n rows, R upper triangular) by the triangle of the QR factorisation of R stacked on `count` more rows,
/// which are destroyed. Block by block this reduces a tall matrix while everything stays in the cache. Householder reflections;
/// Demmel et al.: Communication-optimal parallel and sequential QR and LU factorizations, SIAM J. Sci. Comput. 34 (2012).
inline void absorb_rows(const AugmentedRows& triangle, const AugmentedRows& rows, Index count, double* product) {
  const Index stride = triangle.stride;
  for (Index j = 0; j < triangle.n; ++j) {
    double* const top = triangle.row(j);
    double below = 0;
    for (Index i = 0; i < count; ++i) below += rows.row(i)[j] * rows.row(i)[j];
    if (below == 0) continue;
    const double pivot = -std::copysign(std::sqrt(top[j] * top[j] + below), top[j]);
    const double tau = (pivot - top[j]) / pivot, scale = 1 / (top[j] - pivot);
    std::copy(top + j + 1, top + stride, product + j + 1);
    for (Index i = 0; i < count; ++i) {
      double* const row = rows.row(i);
      row[j] *= scale;
      for (Index c = j + 1; c < stride; ++c) product[c] += row[j] * row[c];
    }
    top[j] = pivot;
    for (Index c = j + 1; c < stride; ++c) product[c] *= tau;
    for (Index c = j + 1; c < stride; ++c) top[c] -= product[c];
    for (Index i = 0; i < count; ++i) {
      double* const row = rows.row(i);
      const double factor = row[j];
      for (Index c = j + 1; c < stride; ++c) row[c] -= factor * product[c];
    }
  }
}

/// `sum_c x_c y_c` along eight strands, which the compiler turns into vectors.
MOESAIC_HD inline double dot(const double* x, const double* y, Index size) {
  double sums[8] = {};
  Index c = 0;
  for (; c + 8 <= size; c += 8)
    for (Index s = 0; s < 8; ++s) sums[s] += x[c + s] * y[c + s];
  for (; c < size; ++c) sums[0] += x[c] * y[c];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

inline constexpr int most_sweeps = 60;  ///< convergence is quadratic: about ten suffice

/// Rotates rows x and y of `stride` numbers, of squared lengths `xx` and `yy` in their first `n`, so that those are orthogonal.
/// False where they were.
MOESAIC_HD inline bool make_orthogonal(double* x, double* y, Index n, Index stride, double& xx, double& yy) {
  constexpr double epsilon = std::numeric_limits<double>::epsilon();
  const double old_xx = xx, old_yy = yy, xy = dot(x, y, n);
  if (!(std::abs(xy) > epsilon * std::sqrt(old_xx) * std::sqrt(old_yy))) return false;
  const double zeta = (old_yy - old_xx) / (2 * xy);
  const double tangent = std::copysign(1 / (std::abs(zeta) + std::sqrt(1 + zeta * zeta)), zeta);
  const double cosine = 1 / std::sqrt(1 + tangent * tangent), sine = cosine * tangent;
  for (Index c = 0; c < stride; ++c) {
    const double old = x[c];
    x[c] = cosine * old - sine * y[c];
    y[c] = sine * old + cosine * y[c];
  }
  xx = old_xx - tangent * xy;
  yy = old_yy + tangent * xy;
  return true;
}

/// `w [n, k] = M^+ Y` for `count` rows `[M | Y]`, which are destroyed; singular values up to `rcond` times the largest count as
/// 0. Plane rotations from the left make the rows of M orthogonal; their lengths are then the singular values. One-sided Jacobi:
/// Demmel, Veselic: Jacobi's method is more accurate than QR, SIAM J. Matrix Anal. Appl. 13 (1992).
/// `squares` holds `count` numbers: the rows' squared lengths.
inline void pseudo_inverse_solve(const AugmentedRows& rows, Index count, Index k, double rcond, double* squares, double* w) {
  const auto measure = [&] {
    for (Index i = 0; i < count; ++i) squares[i] = dot(rows.row(i), rows.row(i), rows.n);
  };
  bool rotated = true;
  for (int sweep = 0; sweep < most_sweeps && rotated; ++sweep) {
    rotated = false;
    measure();  // updates below lose digits; a sweep without rotations, which ends the loop, tested exact lengths
    for (Index i = 0; i < count; ++i)
      for (Index j = i + 1; j < count; ++j)
        rotated |= make_orthogonal(rows.row(i), rows.row(j), rows.n, rows.stride, squares[i], squares[j]);
  }
  measure();
  const double largest = std::sqrt(*std::max_element(squares, squares + count));
  std::fill_n(w, rows.n * k, 0.0);
  for (Index i = 0; i < count; ++i) {
    if (!(std::sqrt(squares[i]) > rcond * largest)) continue;
    const double* const row = rows.row(i);
    for (Index j = 0; j < rows.n; ++j)
      for (Index c = 0; c < k; ++c) w[j * k + c] += row[j] / squares[i] * row[rows.n + c];
  }
}

}  // namespace moesaic::cluster::detail
