// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/core/random.hpp>

namespace product_test {

using namespace moesaic;

template <class T>
Array<Cpu<T>> drawn(const Shape& shape, std::uint64_t seed) {
  Array<Cpu<T>> a(shape);
  Random random(seed);
  for (Index i = 0; i < a.size(); ++i) a.data()[i] = T(random.next_normal());
  return a;
}

/// Largest difference of `c` to `start + sum_i a_i b_i`, summed in double in the plainest way.
template <class T, class Start, class Left, class Right>
double error(const Tensor<Cpu<T>>& c, Index rows, Index cols, Index inner, const Start& start, const Left& a, const Right& b) {
  double worst = 0;
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      double sum = start(i, j);
      for (Index k = 0; k < inner; ++k) sum += a(i, k) * b(k, j);
      worst = std::max(worst, std::abs(sum - double(c.data()[i * cols + j])));
    }
  return worst;
}

template <class T>
double tolerance(Index inner) {
  return double(std::numeric_limits<T>::epsilon()) * (20 + 4 * double(inner));
}

const Index extents[] = {1, 2, 5, 6, 7, 16, 17, 48, 65, 79};

template <class T>
void check_product(Index rows, Index in, Index cols) {
  CAPTURE(rows);
  CAPTURE(in);
  CAPTURE(cols);
  const auto x = drawn<T>({rows, in}, 1), w = drawn<T>({in, cols}, 2), row = drawn<T>({cols}, 3), full = drawn<T>({rows, cols}, 4);
  const auto at_x = [&](Index i, Index k) { return double(x.data()[i * in + k]); };
  const auto at_w = [&](Index k, Index j) { return double(w.data()[k * cols + j]); };
  Array<Cpu<T>> out({rows, cols});
  Cpu<T>::product(out, x, w, {});
  CHECK(error<T>(out, rows, cols, in, [](Index, Index) { return 0.0; }, at_x, at_w) < tolerance<T>(in));
  Cpu<T>::product(out, x, w, row);
  CHECK(error<T>(out, rows, cols, in, [&](Index, Index j) { return double(row.data()[j]); }, at_x, at_w) < tolerance<T>(in));
  Cpu<T>::product(out, x, w, full);
  CHECK(error<T>(out, rows, cols, in, [&](Index i, Index j) { return double(full.data()[i * cols + j]); }, at_x, at_w) <
        tolerance<T>(in));
}

/// `parts` pairs of different lengths.
template <class T>
void check_outer(Index in, Index cols, std::initializer_list<Index> parts) {
  CAPTURE(in);
  CAPTURE(cols);
  Index inner = 0;
  for (Index p : parts) inner += p;
  const auto x = drawn<T>({inner, in}, 5), g = drawn<T>({inner, cols}, 6), before = drawn<T>({in, cols}, 7);
  std::vector<OuterProduct<Cpu<T>>> pairs;
  Index at = 0;
  for (Index p : parts) {
    pairs.push_back({x.tensor().rows(at, p), g.tensor().rows(at, p)});
    at += p;
  }
  Array<Cpu<T>> out = before;
  Cpu<T>::add_outer_products(out, pairs.data(), Index(pairs.size()));
  const auto at_g = [&](Index k, Index j) { return double(g.data()[k * cols + j]); };
  const auto start = [&](Index i, Index j) { return double(before.data()[i * cols + j]); };
  CHECK(error<T>(out, in, cols, inner, start, [&](Index i, Index k) { return double(x.data()[k * in + i]); }, at_g) <
        tolerance<T>(inner));
  for (auto& p : pairs) p.x = {};
  Array<Cpu<T>> sums(before.tensor().rows(0, 1).reshape({cols}));
  Cpu<T>::add_outer_products(sums, pairs.data(), Index(pairs.size()));
  CHECK(error<T>(sums, 1, cols, inner, start, [](Index, Index) { return 1.0; }, at_g) < tolerance<T>(inner));
}

template <class T>
std::vector<T> products_with(int threads) {
  set_thread_count(threads);
  const auto x = drawn<T>({517, 600}, 8), w = drawn<T>({600, 530}, 9), g = drawn<T>({517, 530}, 10), v = drawn<T>({600, 96}, 11);
  Array<Cpu<T>> y({517, 530}), dw({600, 530}), z({517, 96});
  Cpu<T>::product(y, x, w, {});
  Cpu<T>::product(z, x, v, {});
  const OuterProduct<Cpu<T>> pair{x, g};
  Cpu<T>::add_outer_products(dw, &pair, 1);
  auto all = to_host(y.tensor());
  for (const auto& more : {to_host(dw.tensor()), to_host(z.tensor())}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST_CASE_TEMPLATE("products of all small shapes equal the plain sum", T, float, double) {
  for (Index rows : extents)
    for (Index in : {1, 2, 5, 16, 33})
      for (Index cols : extents) check_product<T>(rows, in, cols);
}

TEST_CASE_TEMPLATE("products that are cut into blocks equal the plain sum", T, float, double) {
  check_product<T>(129, 784, 512);
  check_product<T>(300, 601, 519);
  check_product<T>(700, 300, 33);
  check_product<T>(5, 1030, 1030);
}

TEST_CASE_TEMPLATE("sums of outer products equal the plain sum", T, float, double) {
  for (Index in : extents)
    for (Index cols : extents) check_outer<T>(in, cols, {3, 16, 1});
  check_outer<T>(128, 128, {1000, 3, 1100, 77});
  check_outer<T>(130, 67, {2500});
  check_outer<T>(300, 520, {40, 50});
}

TEST_CASE("an outer product of no rows adds nothing") {
  const auto before = drawn<double>({20, 3}, 12);
  Array<Cpu<double>> out = before;
  const OuterProduct<Cpu<double>> pair{Array<Cpu<double>>({0, 20}), Array<Cpu<double>>({0, 3})};
  Cpu<double>::add_outer_products(out, &pair, 1);
  CHECK(to_host(out.tensor()) == to_host(before.tensor()));
}

TEST_CASE_TEMPLATE("products are the same bits at any number of threads", T, float, double) {
  const int threads = thread_count();
  const auto one = products_with<T>(1);
#ifdef _OPENMP
  for (int n : {2, 3, 5}) CHECK(products_with<T>(n) == one);
#endif
  set_thread_count(threads);
}

}  // namespace product_test
