// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <Eigen/SVD>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/cluster/least_squares.hpp>
#include <moesaic/core/random.hpp>

namespace cluster_least_squares_test {

using namespace moesaic;
using namespace moesaic::cluster;

using Matrix = Eigen::MatrixXd;

Matrix normal(Index rows, Index cols, std::uint64_t seed) {
  const Random random(seed);
  Matrix out(rows, cols);
  for (Index i = 0; i < out.size(); ++i) out.data()[i] = random.normal(std::uint64_t(i));
  return out;
}
/// U diag(values) V^T with orthonormal U and V: its singular values are `values`.
Matrix with_singular_values(Index rows, Index cols, const Eigen::VectorXd& values, std::uint64_t seed) {
  const auto orthonormal = [&](Index n, std::uint64_t s) -> Matrix {
    return Eigen::JacobiSVD<Matrix>(normal(n, values.size(), s), Eigen::ComputeThinU).matrixU();
  };
  return orthonormal(rows, seed) * values.asDiagonal() * orthonormal(cols, seed + 1).transpose();
}
template <class T>
Array<Cpu<T>> array(const Matrix& m) {
  Array<Cpu<T>> out(Shape{m.rows(), m.cols()});
  for (Index i = 0; i < m.rows(); ++i)
    for (Index j = 0; j < m.cols(); ++j) out.data()[i * m.cols() + j] = T(m(i, j));
  return out;
}
template <class T>
Matrix matrix(const Array<Cpu<T>>& a) {
  Matrix out(a.shape()[0], a.shape()[1]);
  for (Index i = 0; i < out.rows(); ++i)
    for (Index j = 0; j < out.cols(); ++j) out(i, j) = double(a.data()[i * out.cols() + j]);
  return out;
}
/// Eigen's decomposition of A (as rounded to T) in double, the judge of everything here.
Matrix reference(const Matrix& a, const Matrix& y, double rcond) {
  Eigen::JacobiSVD<Matrix> svd(a, Eigen::ComputeThinU | Eigen::ComputeThinV);
  svd.setThreshold(rcond);
  return svd.solve(y);
}
template <class T>
double epsilon() {
  return double(std::numeric_limits<T>::epsilon());
}

TEST_CASE_TEMPLATE("least squares of any shape agrees with Eigen's singular value decomposition", T, float, double) {
  struct Size {
    Index rows, cols, k;
  };
  for (const auto& size : {Size{1, 1, 1}, Size{30, 1, 2}, Size{1, 5, 3}, Size{360, 41, 10}, Size{160, 41, 10}, Size{41, 41, 3},
                           Size{9, 65, 3}, Size{200, 7, 17}, Size{5, 8, 9}})
    for (const auto method : {LeastSquaresMethod::Fast, LeastSquaresMethod::Svd}) {
      const Index rows = size.rows, cols = size.cols;
      const auto a = array<T>(normal(rows, cols, 1)), y = array<T>(normal(rows, size.k, 2));
      const double rcond = epsilon<T>() * double(std::max(rows, cols));
      const Matrix expected = reference(matrix(a), matrix(y), rcond);
      const Matrix found = matrix(least_squares(a.tensor(), y.tensor(), {.method = method}));
      CAPTURE(rows);
      CAPTURE(cols);
      // The square 41 x 41 problem has a condition of several hundreds.
      CHECK((found - expected).norm() < 2000 * epsilon<T>() * expected.norm());
      if (rows > cols) CHECK((found - expected).norm() < 30 * epsilon<T>() * expected.norm());
    }
}

TEST_CASE_TEMPLATE("ill-conditioned problems lose no more digits than the condition costs", T, float, double) {
  for (const double log_condition : {1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0}) {
    if (std::pow(10, log_condition) * epsilon<T>() * 120 > 0.5) continue;  // beyond rcond: another test's matter
    Eigen::VectorXd values(12);
    for (Index i = 0; i < 12; ++i) values[i] = std::pow(10, -log_condition * double(i) / 11);
    const auto a = array<T>(with_singular_values(120, 12, values, 5));
    const Matrix exact = normal(12, 4, 8);
    const auto consistent = array<T>(matrix(a) * exact), noisy = array<T>(matrix(a) * exact + 0.1 * normal(120, 4, 9));
    const double condition = std::pow(10, log_condition);
    CAPTURE(log_condition);
    const Matrix found = matrix(least_squares(a.tensor(), consistent.tensor()));
    CHECK((found - exact).norm() < 50 * epsilon<T>() * condition * exact.norm());
    if (log_condition <= 6) {
      const Matrix expected = reference(matrix(a), matrix(noisy), 0), other = matrix(least_squares(a.tensor(), noisy.tensor()));
      CHECK((other - expected).norm() < 50 * epsilon<T>() * condition * condition * expected.norm());
    }
  }
}

TEST_CASE_TEMPLATE("a rank-deficient problem gets the solution of least norm", T, float, double) {
  for (const bool tall : {true, false})
    for (const auto method : {LeastSquaresMethod::Fast, LeastSquaresMethod::Svd}) {
      // Rank 3 in exact arithmetic: integer factors survive rounding to T.
      Matrix left = normal(tall ? 50 : 6, 3, 11), right = normal(tall ? 6 : 50, 3, 12);
      for (Matrix* m : {&left, &right})
        for (Index i = 0; i < m->size(); ++i) m->data()[i] = std::round(4 * m->data()[i]);
      const Matrix a = left * right.transpose(), y = normal(a.rows(), 4, 13);
      const Matrix w = matrix(least_squares(array<T>(a).tensor(), array<T>(y).tensor(), {.method = method}));
      const Matrix expected = reference(a, matrix(array<T>(y)), 1e-9);
      CHECK((w - expected).norm() < 200 * epsilon<T>() * expected.norm());
      // The two identities that make it the minimiser of least norm: A^T (A W - Y) = 0, and W lies in the row space of A.
      CHECK((a.transpose() * (a * w - y)).norm() < 200 * epsilon<T>() * a.squaredNorm() * w.norm());
      const Matrix null = Eigen::JacobiSVD<Matrix>(a, Eigen::ComputeFullV).matrixV().rightCols(a.cols() - 3);
      CHECK((null.transpose() * w).norm() < 200 * epsilon<T>() * w.norm());
    }
}

TEST_CASE_TEMPLATE("zeros, equal columns and equal rows are no trouble", T, float, double) {
  const Array<Cpu<T>> zero(Shape{7, 3}), y = array<T>(normal(7, 2, 1));
  CHECK(matrix(least_squares(zero.tensor(), y.tensor())).norm() == 0);
  CHECK(matrix(least_squares(Array<Cpu<T>>(Shape{2, 5}).tensor(), array<T>(normal(2, 2, 1)).tensor())).norm() == 0);
  // A column twice: both copies share its weight equally.
  Matrix twice(20, 3);
  twice << normal(20, 2, 3), Matrix::Zero(20, 1);
  twice.col(2) = twice.col(0);
  const Matrix w = matrix(least_squares(array<T>(twice).tensor(), array<T>(normal(20, 2, 4)).tensor()));
  CHECK((w.row(0) - w.row(2)).norm() < 100 * epsilon<T>() * w.norm());
  // A row twice in a wide problem with two answers for it: the mean is fitted.
  Matrix rows = normal(2, 5, 6);
  rows.row(1) = rows.row(0);
  Matrix answers(2, 1);
  answers << 1, 3;
  const Matrix v = matrix(least_squares(array<T>(rows).tensor(), array<T>(answers).tensor()));
  CHECK((rows * v - Matrix::Constant(2, 1, 2)).norm() < 100 * epsilon<T>());
}

TEST_CASE("rcond decides which singular values count") {
  Eigen::VectorXd values(3);
  values << 1, 1e-2, 1e-4;
  const Matrix a = with_singular_values(30, 3, values, 3), y = normal(30, 2, 4);
  for (const double rcond : {1e-6, 1e-3, 1e-1})
    for (const auto method : {LeastSquaresMethod::Fast, LeastSquaresMethod::Svd}) {
      const Matrix expected = reference(a, y, rcond);
      const auto w = least_squares(array<double>(a).tensor(), array<double>(y).tensor(), {.rcond = rcond, .method = method});
      CHECK((matrix(w) - expected).norm() < 1e-9 * expected.norm());
    }
}

TEST_CASE_TEMPLATE("a ridge solves the penalised normal equations and leaves a bias alone", T, float, double) {
  for (const Index rows : {40, 6, 2})
    for (const Index unpenalised : {0, 1})
      for (const auto method : {LeastSquaresMethod::Fast, LeastSquaresMethod::Svd}) {
        Matrix a = normal(rows, 9, 5);
        a.col(8).setOnes();
        const auto at = array<T>(a), yt = array<T>(normal(rows, 3, 6));
        const Matrix w =
            matrix(least_squares(at.tensor(), yt.tensor(), {.ridge = 0.3, .unpenalised = unpenalised, .method = method}));
        Matrix penalty = 0.3 * Matrix::Identity(9, 9);
        if (unpenalised) penalty(8, 8) = 0;
        const Matrix expected = (matrix(at).transpose() * matrix(at) + penalty).ldlt().solve(matrix(at).transpose() * matrix(yt));
        CAPTURE(rows);
        CHECK((w - expected).norm() < 200 * epsilon<T>() * expected.norm());
      }
  // Two rows, three columns of which one is penalised: fewer equations than unknowns in spite of the ridge.
  const Matrix a = normal(1, 3, 7), y = normal(1, 1, 8);
  for (const auto method : {LeastSquaresMethod::Fast, LeastSquaresMethod::Svd}) {
    const Matrix w =
        matrix(least_squares(array<T>(a).tensor(), array<T>(y).tensor(), {.ridge = 1, .unpenalised = 2, .method = method}));
    CHECK(std::abs(w(0, 0)) < 1e-5);  // fitting through the free columns costs nothing
    CHECK((a * w - y).norm() < 1e-5);
    CHECK(w(1, 0) / w(2, 0) == doctest::Approx(a(0, 1) / a(0, 2)).epsilon(1e-4));
  }
}

TEST_CASE_TEMPLATE("columns of very different size", T, float, double) {
  Eigen::VectorXd scale(4);
  scale << 1e-6, 1, 1e6, 1e-2;
  const auto at = array<T>(normal(80, 4, 21) * scale.asDiagonal()), yt = array<T>(normal(80, 2, 22));
  const Matrix found = matrix(least_squares(at.tensor(), yt.tensor(), {.rcond = 0}));
  const Matrix expected =
      scale.cwiseInverse().asDiagonal() * reference(matrix(at) * scale.cwiseInverse().asDiagonal(), matrix(yt), 0);
  for (Index j = 0; j < 4; ++j) CHECK((found - expected).row(j).norm() < 50 * epsilon<T>() * expected.row(j).norm());
  // Judged by singular values the same columns are of rank 1.
  const Matrix truncated = matrix(least_squares(at.tensor(), yt.tensor(), {.rcond = 1e-3}));
  CHECK((truncated - reference(matrix(at), matrix(yt), 1e-3)).norm() < 200 * epsilon<T>() * truncated.norm());
  // Numbers whose squares overflow double.
  const auto huge = array<double>(1e200 * normal(20, 3, 5)), y = array<double>(normal(20, 1, 6));
  CHECK((1e200 * matrix(least_squares(huge.tensor(), y.tensor())) - reference(normal(20, 3, 5), matrix(y), 0)).norm() < 1e-12);
}

TEST_CASE_TEMPLATE("the result has the same bits at any number of threads", T, float, double) {
  const int before = thread_count();
  const auto a = array<T>(normal(20000, 5, 1)), y = array<T>(normal(20000, 3, 2));
  set_thread_count(1);
  const auto one = least_squares(a.tensor(), y.tensor());
  set_thread_count(3);
  const auto three = least_squares(a.tensor(), y.tensor());
  set_thread_count(before);
  CHECK(std::memcmp(one.data(), three.data(), std::size_t(one.size()) * sizeof(T)) == 0);
}

TEST_CASE("bad input is named") {
  const auto a = array<double>(normal(4, 2, 1)), y = array<double>(normal(4, 3, 2));
  CHECK_THROWS_WITH_AS(least_squares(a.tensor(), y.tensor().rows(0, 3)),
                       "least squares: A has 4 rows and Y has 3, expected as many", Error);
  CHECK_THROWS_AS(least_squares(Tensor<Cpu<double>>{}, y.tensor()), Error);
  CHECK_THROWS_AS(least_squares(Array<Cpu<double>>(Shape{0, 2}).tensor(), y.tensor()), Error);
  CHECK_THROWS_AS(least_squares(a.tensor(), y.tensor(), {.ridge = -1}), Error);
  CHECK_THROWS_AS(least_squares(a.tensor(), y.tensor(), {.unpenalised = 3}), Error);
  a.data()[5] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(least_squares(a.tensor(), y.tensor()),
                       "least squares: A: row 2, column 1 is nan, expected a finite number", Error);
}

}  // namespace cluster_least_squares_test
