// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <type_traits>

#include <moesaic/cluster/device_least_squares.hpp>
#include <moesaic/cluster/least_squares_options.hpp>
#include <moesaic/cluster/normal_equations.hpp>
#include <moesaic/cluster/pseudo_inverse.hpp>

namespace moesaic::cluster {

namespace detail {

/// One problem min |A W - Y|_F^2 + ridge |W|_F^2 and the ways to solve it. All arithmetic is in double.
template <class T>
class LeastSquares {
 public:
  LeastSquares(const T* a, const T* y, Index rows, Index cols, Index k, const LeastSquaresOptions& options)
      : a_(a), y_(y), rows_(rows), cols_(cols), k_(k), options_(options) {
    rcond_ = options.template cutoff<T>(rows, cols);
  }

  /// Writes W [cols, k].
  void solve(double* w) const {
    if (options_.method == LeastSquaresMethod::Svd)
      by_svd(w);
    else if (rows_ >= cols_ || options_.ridge > 0)
      tall(w);
    else
      wide(w);
  }

 private:
  static constexpr bool single = std::is_same_v<T, float>;
  static constexpr Index block = 64;  ///< rows at a time: with their columns in double they fit a second-level cache

  static double* take(Index count) { return NormalEquations::take(count); }
  Index penalised() const { return options_.penalised(cols_); }

  /// Whether the eliminated system has full rank and loses nothing. The square of the condition costs digits of double: single
  /// precision data have twice as many to spare as their own precision can tell; double data rely on one refinement, which is
  /// enough while the condition's cube stays below 1 / epsilon.
  bool accurate(const NormalEquations& system) const {
    return system.condition * rcond_ < 1 && system.scaled_condition < (single ? 1e7 : 3e4);
  }
  /// Whether squared singular values tell in double which singular values are above rcond.
  bool eigenvalues_suffice() const { return single && rcond_ >= 1e-7; }

  /// Rows `first .. first + count` of [A | Y] in double, padded with zeros.
  void load(Index first, Index count, Index stride, double* out) const {
    for (Index i = 0; i < count; ++i, out += stride) {
      const T* const a = a_ + (first + i) * cols_;
      const T* const y = y_ + (first + i) * k_;
      for (Index j = 0; j < cols_; ++j) out[j] = double(a[j]);
      for (Index j = 0; j < k_; ++j) out[cols_ + j] = double(y[j]);
      for (Index j = cols_ + k_; j < stride; ++j) out[j] = 0;
    }
  }

  /// Calls `work(sum, rows of [A | Y], count)` block by block, a `sum` of `size` zeros for each chunk, and adds the sums in order
  /// to `total`.
  template <class Work>
  void accumulate(Index size, Index stride, double* total, const Work& work) const {
    const Scratch<HostMemory> scratch;
    const Chunks chunks(rows_, block, 8192, 16);
    double* const sums = take((chunks.count - 1) * size);
    std::fill_n(sums, (chunks.count - 1) * size, 0.0);
    chunks.for_each([&](Index chunk) {
      const Scratch<HostMemory> own;
      double* const rows = take(block * stride);
      double* const sum = chunk == 0 ? total : sums + (chunk - 1) * size;
      for (Index first = chunks.begin(chunk); first < chunks.end(chunk); first += block) {
        const Index count = std::min(block, chunks.end(chunk) - first);
        load(first, count, stride, rows);
        work(sum, rows, count);
      }
    });
    for (Index chunk = 0; chunk + 1 < chunks.count; ++chunk)
      for (Index i = 0; i < size; ++i) total[i] += sums[chunk * size + i];
  }

  void tall(double* w) const {
    NormalEquations system(cols_, k_);
    const Index stride = system.stride, size = cols_ * stride;
    accumulate(size, stride, system.data, [&](double* sum, const double* rows, Index count) {
      NormalEquations part = system;
      part.data = sum;
      part.add(rows, count);
    });
    for (Index i = 0; i < penalised(); ++i) system.at(i, i) += options_.ridge;
    double* const copy = take(size);
    std::copy_n(system.data, size, copy);
    if (!system.eliminate() || !accurate(system)) {
      if (eigenvalues_suffice())
        by_eigenvalues(copy, system, w);
      else
        by_svd(w);
      return;
    }
    system.back(system.right(), stride, w);
    if constexpr (!single) refine(system, w);
  }

  /// One step of iterative refinement, W += (R^T R)^{-1} (A^T (Y - A W) - ridge W). Bjorck: Stability analysis of the method of
  /// seminormal equations for linear least squares problems, Linear Algebra Appl. 88 (1987).
  void refine(const NormalEquations& system, double* w) const {
    const Index size = cols_ * k_, stride = system.stride;
    double* const minus = take(size);
    double* const gradient = take(size);
    for (Index i = 0; i < size; ++i) {
      minus[i] = -w[i];
      gradient[i] = i < penalised() * k_ ? -options_.ridge * w[i] : 0.0;
    }
    accumulate(size, stride, gradient, [&](double* sum, double* rows, Index count) {
      const cpu::Segment<double> misfit{rows, minus, cols_}, slope{rows, rows + cols_, count};
      double* const y = rows + cols_;
      cpu::Gemm<double>{count, k_, y, stride, y, stride, &misfit, 1, stride, 1, k_}.run();
      cpu::Gemm<double>{cols_, k_, sum, k_, sum, k_, &slope, 1, 1, stride, stride}.run();
    });
    system.forward(gradient, minus);
    system.back(minus, k_, w, w);
  }

  /// Fewer rows than columns: W = A^T Z with (A A^T) Z = Y has the least norm.
  void wide(double* w) const {
    NormalEquations system(rows_, k_);
    const Index stride = system.stride, size = rows_ * stride;
    double* const columns = take(cols_ * stride);  // A^T, padded
    for (Index j = 0; j < cols_; ++j)
      for (Index i = 0; i < stride; ++i) columns[j * stride + i] = i < rows_ ? double(a_[i * cols_ + j]) : 0.0;
    system.add(columns, cols_);
    for (Index i = 0; i < rows_; ++i)
      for (Index j = 0; j < k_; ++j) system.at(i, rows_ + j) = double(y_[i * k_ + j]);
    double* const copy = take(size);
    std::copy_n(system.data, size, copy);
    double* const z = take(rows_ * k_);
    const cpu::Segment<double> expand{columns, z, rows_};
    const cpu::Gemm<double> add_expanded{cols_, k_, w, k_, w, k_, &expand, 1, stride, 1, k_};
    std::fill_n(w, cols_ * k_, 0.0);
    if (!system.eliminate() || !accurate(system)) {
      if (eigenvalues_suffice()) {
        by_eigenvalues(copy, system, z);
        add_expanded.run();
      } else {
        by_svd(w);
      }
      return;
    }
    system.back(system.right(), stride, z);
    add_expanded.run();
    if constexpr (!single) {
      double* const misfit = take(rows_ * k_);
      double* const minus = take(cols_ * k_);
      for (Index i = 0; i < cols_ * k_; ++i) minus[i] = -w[i];
      const cpu::Segment<double> segment{columns, minus, cols_};
      cpu::Gemm<double>{rows_, k_, misfit, k_, copy + rows_, stride, &segment, 1, 1, stride, k_}.run();
      system.forward(misfit, minus);
      system.back(minus, k_, z);
      add_expanded.run();
    }
  }

  /// G^+ B of the copy [G | B] made before elimination: the eigenvalues of G are A's squared singular values.
  void by_eigenvalues(double* copy, const NormalEquations& system, double* w) const {
    const Index n = system.n;
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < i; ++j) copy[i * system.stride + j] = copy[j * system.stride + i];
    const double cut = std::max(rcond_ * rcond_, double(n) * std::numeric_limits<double>::epsilon());
    pseudo_inverse_solve({copy, n, system.stride}, n, k_, cut, take(n), w);
  }

  /// Householder's triangle of A, then its singular values; a wide A needs no triangle. A is scaled against overflow.
  void by_svd(double* w) const {
    double largest = 0;
    for (Index i = 0; i < rows_ * cols_; ++i) largest = std::max(largest, std::abs(double(a_[i])));
    const double scale = largest > 0 ? 1 / largest : 1, root = std::sqrt(options_.ridge) * scale;
    const Index stride = cols_ + k_;
    const auto load_scaled = [&](Index first, Index count, double* out) {
      load(first, count, stride, out);
      for (Index i = 0; i < count; ++i)
        for (Index j = 0; j < cols_; ++j) out[i * stride + j] *= scale;
    };
    AugmentedRows core{nullptr, cols_, stride};
    Index count = rows_;
    if (rows_ + penalised() <= cols_) {
      count = rows_ + penalised();
      core.data = take(count * stride);
      std::fill_n(core.data, count * stride, 0.0);
      for (Index i = 0; i < penalised(); ++i) core.row(i)[i] = root;
      load_scaled(0, rows_, core.row(penalised()));
    } else {
      count = cols_;
      core.data = take(cols_ * stride);
      std::fill_n(core.data, cols_ * stride, 0.0);
      for (Index i = 0; i < penalised(); ++i) core.row(i)[i] = root;  // the ridge's rows are a triangle already
      const AugmentedRows more{take(block * stride), cols_, stride};
      double* const product = take(stride);
      for (Index first = 0; first < rows_; first += block) {
        const Index some = std::min(block, rows_ - first);
        load_scaled(first, some, more.data);
        absorb_rows(core, more, some, product);
      }
    }
    pseudo_inverse_solve(core, count, k_, rcond_, take(count), w);
    for (Index i = 0; i < cols_ * k_; ++i) w[i] *= scale;
  }

  const T *a_, *y_;
  Index rows_, cols_, k_;
  const LeastSquaresOptions& options_;
  double rcond_;
};

template <class B>
void require_least_squares(const Tensor<B>& a, const Tensor<B>& y, const LeastSquaresOptions& options) {
  require_rows("least squares: A", a);
  require_rows("least squares: Y", y);
  const Index rows = a.shape()[0], cols = a.shape()[1];
  require(y.shape()[0] == rows, "least squares: A has ", rows, " rows and Y has ", y.shape()[0], ", expected as many");
  require(options.ridge >= 0 && finite(options.ridge), "least squares: ridge is ", options.ridge,
          ", expected a finite number from 0 on");
  require(options.unpenalised >= 0 && options.unpenalised <= cols, "least squares: ", options.unpenalised,
          " unpenalised columns, expected 0 to ", cols);
}

/// `least_squares` of checked matrices, W [n, k] in memory of the caller.
template <class B>
void solve_least_squares(const Tensor<B>& a, const Tensor<B>& y, const LeastSquaresOptions& options, const Tensor<B>& w) {
  using T = typename B::Scalar;
  const Scratch<typename B::Memory> scratch;
  if constexpr (on_host<B>) {
    double* const found = NormalEquations::take(w.size());
    LeastSquares<T>(a.data(), y.data(), a.shape()[0], a.shape()[1], y.shape()[1], options).solve(found);
    for (Index i = 0; i < w.size(); ++i) w.data()[i] = T(found[i]);
  } else {
    DeviceLeastSquares<B>(a, y, options).solve(w);
  }
}

}  // namespace detail

/// W [n, k] that minimises |A W - Y|_F for `a [m, n]` and `y [m, k]`; of all minimisers the one of least norm, where singular
/// values up to rcond times the largest count as zero. Products are summed in double in a fixed order: the same bits at any
/// number of threads. Golub, Van Loan: Matrix Computations, 4th ed., sections 5.3 and 5.5. Raises an error on empty, mismatched
/// or non-finite input.
template <class B>
Array<B> least_squares(const Tensor<B>& a, const Tensor<B>& y, const LeastSquaresOptions& options = {}) {
  detail::require_least_squares(a, y, options);
  Array<B> w(Shape{a.shape()[1], y.shape()[1]});
  detail::solve_least_squares<B>(a, y, options, w);
  return w;
}

}  // namespace moesaic::cluster
