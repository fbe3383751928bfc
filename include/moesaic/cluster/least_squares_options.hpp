// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <limits>

#include <moesaic/cluster/metric.hpp>

namespace moesaic::cluster {

/// `Fast` solves through normal equations in double, on a device through a triangle, where that is as accurate as a singular value
/// decomposition, else as `Svd`.
enum class LeastSquaresMethod { Fast, Svd };

struct LeastSquaresOptions {
  double rcond = -1;      ///< singular values up to rcond times the largest count as 0; below 0: epsilon * max(rows, columns)
  double ridge = 0;       ///< adds ridge * |W|_F^2 to what is minimised
  Index unpenalised = 0;  ///< last rows of W that the ridge leaves alone (1: a bias)
  LeastSquaresMethod method = LeastSquaresMethod::Fast;

  /// Rows of W, of `columns` in all, that the ridge weighs on.
  Index penalised(Index columns) const { return ridge > 0 ? columns - unpenalised : 0; }
  /// `rcond`, or what stands for it where A holds numbers of type T.
  template <class T>
  double cutoff(Index rows, Index columns) const {
    return rcond >= 0 ? rcond : double(std::numeric_limits<T>::epsilon()) * double(std::max(rows, columns));
  }
};

}  // namespace moesaic::cluster
