// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include <moesaic/cluster/least_squares_options.hpp>
#include <moesaic/cluster/pseudo_inverse.hpp>

namespace moesaic::cluster::detail {

/// `|x| / size`, whose sum is a tensor's mean magnitude.
template <class T>
struct ShareOfMagnitude {
  T size;
  constexpr T operator()(T x) const { return (x < 0 ? -x : x) / size; }
};

/// Row i of a stack: first `top` rows of the last triangle, or in its absence of the ridge, then rows `[scale a | y]`.
template <class T>
struct StackKernel {
  const double* triangle;
  Index top, penalised;
  double root;
  const T *a, *y;
  Index columns, stride;
  double scale;
  double* out;

  MOESAIC_HD void operator()(Index e) const {
    const Index i = e / stride, c = e - i * stride, row = i - top, k = stride - columns;
    if (i < top)
      out[e] = triangle ? triangle[e] : i == c && i < penalised ? root : 0;
    else
      out[e] = c < columns ? scale * double(a[row * columns + c]) : double(y[row * k + (c - columns)]);
  }
};

/// The product of columns j and c >= j over one chunk of the rows from j on.
struct ColumnProductKernel {
  const double* stack;
  Index j, rows, stride, chunk_rows;
  double* product;

  MOESAIC_HD void operator()(Index i) const {
    const Index width = stride - j, chunk = i / width, c = j + (i - chunk * width), begin = j + chunk * chunk_rows;
    const Index end = begin + chunk_rows < rows ? begin + chunk_rows : rows;
    double sum = 0;
    for (Index r = begin; r < end; ++r) sum += stack[r * stride + j] * stack[r * stride + c];
    product[i] = sum;
  }
};

/// One number of the rows from j on after the reflection that clears column j below row j, which is done. `product` is that of
/// column j with itself and those right of it.
struct ReflectKernel {
  const double *from, *product;
  Index j, stride;
  double *to, *triangle;

  MOESAIC_HD void operator()(Index e) const {
    const Index width = stride - j, i = j + e / width, c = j + (e - (i - j) * width);
    const double square = product[0], *const top = from + j * stride;
    double value = from[i * stride + c];
    if (square > 0) {
      const double pivot = -std::copysign(std::sqrt(square), top[j]);
      const double v = from[i * stride + j] - (i == j ? pivot : 0);
      value -= v * ((product[c - j] - pivot * top[c]) / (square - pivot * top[j]));
    }
    (i == j ? triangle : to)[i * stride + c] = value;
  }
};

/// Column c of `R^{-1} [1 | C]` for a triangle `[R | C]`.
struct BackSubstituteKernel {
  const double* triangle;
  Index n, k;
  double *inverse, *w;

  MOESAIC_HD void operator()(Index c) const {
    const Index stride = n + k, step = c < n ? n : k;
    double* const out = c < n ? inverse + c : w + (c - n);
    for (Index i = n - 1; i >= 0; --i) {
      const double* const row = triangle + i * stride;
      double sum = c >= n ? row[c] : i == c ? 1 : 0;
      for (Index j = i + 1; j < n; ++j) sum -= row[j] * out[j * step];
      out[i * step] = sum / row[i];
    }
  }
};

struct SquaredLengthKernel {
  const double* rows;
  Index n, stride;
  double* square;
  MOESAIC_HD void operator()(Index i) const { square[i] = dot(rows + i * stride, rows + i * stride, n); }
};

/// Pair `p` of round `round` of a tournament in which every one of `players` rows (an even number, of which there are `count`)
/// meets every other once; no row is in two pairs of a round.
struct RotateKernel {
  double* rows;
  Index n, stride, count, players, round;
  double *square, *rotations;

  MOESAIC_HD void operator()(Index p) const {
    const Index circle = players - 1, x = (round + p) % circle, y = p == 0 ? circle : (round + circle - p) % circle;
    if (x >= count || y >= count) return;
    if (make_orthogonal(rows + x * stride, rows + y * stride, n, stride, square[x], square[y])) rotations[p] += 1;
  }
};

/// One weight: the sum over orthogonal rows `[m | y]` that are longer than `cut` of m_j y_c / |m|^2.
struct AddDirectionsKernel {
  const double *rows, *square;
  Index n, k, count;
  double cut;
  double* w;

  MOESAIC_HD void operator()(Index e) const {
    const Index j = e / k, c = e - j * k;
    double sum = 0;
    for (Index i = 0; i < count; ++i) {
      const double* const row = rows + i * (n + k);
      if (std::sqrt(square[i]) > cut) sum += row[j] / square[i] * row[n + c];
    }
    w[e] = sum;
  }
};

template <class T>
struct RescaleKernel {
  const double* w;
  double scale;
  T* out;
  MOESAIC_HD void operator()(Index i) const { out[i] = T(w[i] * scale); }
};

/// Least squares by kernels: Householder's triangle of A, block by block; then back substitution where the triangle's condition
/// leaves no doubt about its rank, else its singular values. A wide A needs no triangle. All arithmetic is in double.
template <class B>
class DeviceLeastSquares {
  using T = typename B::Scalar;
  using D = Double<B>;

 public:
  /// Holds two blocks of rows of about `block_numbers` in double: by default of 128 MB each.
  DeviceLeastSquares(const Tensor<B>& a, const Tensor<B>& y, const LeastSquaresOptions& options, Index block_numbers = Index{1} << 24)
      : a_(a),
        y_(y),
        options_(options),
        rows_(a.shape()[0]),
        n_(a.shape()[1]),
        k_(y.shape()[1]),
        stride_(n_ + k_),
        block_(std::min(rows_, std::max(4 * n_, block_numbers / stride_))) {}

  void solve(const Tensor<B>& out) const {
    const Index penalised = options_.penalised(n_);
    const double scale = scale_of_a(), rcond = options_.template cutoff<T>(rows_, n_);
    const auto w = make_tensor<D>({n_, k_});
    if (rows_ + penalised <= n_) {
      const auto all = make_tensor<D>({penalised + rows_, stride_});
      stack(all, {}, penalised, 0, rows_, scale);
      by_singular_values(all, rcond, w);
    } else {
      const auto triangle = reduce_rows(scale);
      if (options_.method == LeastSquaresMethod::Svd || !substitute_back(triangle, rcond, w)) by_singular_values(triangle, rcond, w);
    }
    B::for_each(out.size(), RescaleKernel<T>{w.data(), scale, out.data()});
  }

 private:
  /// By which A is multiplied, against overflow: the inverse of its mean magnitude.
  double scale_of_a() const {
    const Scratch<typename B::Memory> scratch;
    const auto share = make_tensor<B>(a_.shape()), mean = make_tensor<B>(Shape{});
    B::map(share, ShareOfMagnitude<T>{T(a_.size())}, a_);
    B::sum_to(mean, share);
    const auto magnitude = double(to_host(mean)[0]);
    return magnitude > 0 ? 1 / magnitude : 1;
  }

  void stack(const Tensor<D>& out, const Tensor<D>& triangle, Index top, Index first, Index count, double scale) const {
    B::for_each((top + count) * stride_,
                StackKernel<T>{triangle.data(), top, options_.penalised(n_), std::sqrt(options_.ridge) * scale,
                               a_.data() + first * n_, y_.data() + first * k_, n_, stride_, scale, out.data()});
  }

  /// The triangle `[R | C]` of all rows and of the ridge.
  Tensor<D> reduce_rows(double scale) const {
    const auto triangle = make_tensor<D>({n_, stride_});
    const Scratch<typename B::Memory> scratch;
    auto from = make_tensor<D>({n_ + block_, stride_}), to = make_tensor<D>({n_ + block_, stride_});
    for (Index first = 0; first < rows_; first += block_) {
      const Index count = std::min(block_, rows_ - first);
      stack(from, first == 0 ? Tensor<D>{} : triangle, n_, first, count, scale);
      D::fill(triangle, 0);
      for (Index j = 0; j < n_; ++j) {
        reflect(from, to, triangle, j, n_ + count);
        std::swap(from, to);
      }
    }
    return triangle;
  }

  void reflect(const Tensor<D>& from, const Tensor<D>& to, const Tensor<D>& triangle, Index j, Index rows) const {
    const Scratch<typename B::Memory> scratch;
    const Index width = stride_ - j, chunk_rows = std::max(Index{32}, (rows - j + 1023) / 1024);
    const Index chunks = (rows - j + chunk_rows - 1) / chunk_rows;
    const auto parts = make_tensor<D>({chunks, width}), product = make_tensor<D>({1, width});
    B::for_each(chunks * width, ColumnProductKernel{from.data(), j, rows, stride_, chunk_rows, parts.data()});
    D::sum_to(product, parts);
    B::for_each((rows - j) * width, ReflectKernel{from.data(), product.data(), j, stride_, to.data(), triangle.data()});
  }

  /// False, with `w` of no use, where R may have singular values up to `rcond` times the largest.
  bool substitute_back(const Tensor<D>& triangle, double rcond, const Tensor<D>& w) const {
    const Scratch<typename B::Memory> scratch;
    const auto inverse = make_tensor<D>({n_, n_}), squares = make_tensor<D>({2, n_});
    B::for_each(stride_, BackSubstituteKernel{triangle.data(), n_, k_, inverse.data(), w.data()});
    B::for_each(n_, SquaredLengthKernel{triangle.data(), n_, stride_, squares.data()});
    B::for_each(n_, SquaredLengthKernel{inverse.data(), n_, n_, squares.data() + n_});
    const auto square = to_host(squares);
    const auto middle = square.begin() + n_;
    const double condition = std::sqrt(std::accumulate(square.begin(), middle, 0.0) * std::accumulate(middle, square.end(), 0.0));
    return finite(condition) && condition * rcond < 1;
  }

  /// As `pseudo_inverse_solve`; a round of disjoint pairs of rows at a time.
  void by_singular_values(const Tensor<D>& rows, double rcond, const Tensor<D>& w) const {
    const Scratch<typename B::Memory> scratch;
    const Index count = rows.shape()[0], players = count + count % 2;
    const auto square = make_tensor<D>({count}), rotations = make_tensor<D>({players / 2});
    const auto measure = [&] { B::for_each(count, SquaredLengthKernel{rows.data(), n_, stride_, square.data()}); };
    bool rotated = true;
    for (int sweep = 0; sweep < most_sweeps && rotated; ++sweep) {
      measure();
      D::fill(rotations, 0);
      for (Index round = 0; round + 1 < players; ++round)
        B::for_each(players / 2, RotateKernel{rows.data(), n_, stride_, count, players, round, square.data(), rotations.data()});
      const auto done = to_host(rotations);
      rotated = std::any_of(done.begin(), done.end(), [](double r) { return r > 0; });
    }
    measure();
    const auto squares = to_host(square);
    const double cut = rcond * std::sqrt(*std::max_element(squares.begin(), squares.end()));
    B::for_each(n_ * k_, AddDirectionsKernel{rows.data(), square.data(), n_, k_, count, cut, w.data()});
  }

  const Tensor<B> a_, y_;
  const LeastSquaresOptions& options_;
  const Index rows_, n_, k_, stride_, block_;
};

}  // namespace moesaic::cluster::detail
