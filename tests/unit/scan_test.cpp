// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/ops/check_gradient.hpp>
#include <moesaic/ops/scan.hpp>

#include "support/numbers.hpp"

namespace scan_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

/// The recurrence as it is written, in double.
template <class T>
std::vector<double> recurrence(const Array<Cpu<T>>& a, const Array<Cpu<T>>& b, bool reverse) {
  const Index cols = b.shape().back(), steps = b.shape().back(1), outer = b.size() / (cols * steps);
  std::vector<double> h(std::size_t(b.size()));
  const auto at = [&](Index o, Index t, Index c) { return std::size_t((o * steps + t) * cols + c); };
  for (Index o = 0; o < outer; ++o)
    for (Index c = 0; c < cols; ++c)
      for (Index i = 0; i < steps; ++i) {
        const Index t = reverse ? steps - 1 - i : i;
        h[at(o, t, c)] = double(b.data()[at(o, t, c)]);
        if (i == 0) continue;
        if (reverse)
          h[at(o, t, c)] += double(a.data()[at(o, t + 1, c)]) * h[at(o, t + 1, c)];
        else
          h[at(o, t, c)] += double(a.data()[at(o, t, c)]) * h[at(o, t - 1, c)];
      }
  return h;
}

template <class F>
void check(const char* name, const F& f, const Tensor<B>& x) {
  const auto report = check_gradient(f, x);
  INFO(name << ": " << report);
  CHECK(report.passed());
}

TEST_CASE_TEMPLATE("a linear scan is its recurrence, forwards and backwards", T, float, double) {
  for (const Shape& s : {Shape{1, 1}, {7, 1}, {1, 5}, {2, 9, 3}, {3, 2, 20, 17}, {4, 600}, {2, 40, 1100}})
    for (const bool reverse : {false, true}) {
      const auto a = numbers<Cpu<T>>(s, 1), b = numbers<Cpu<T>>(s, 2);
      // Factors of about 0.3, so that long products neither grow nor vanish.
      const Array<Cpu<T>> damped(scale(a.tensor(), 0.3));
      const auto found = to_host(linear_scan(damped, b, reverse));
      const auto wanted = recurrence<T>(damped, b, reverse);
      double worst = 0;
      for (std::size_t i = 0; i < wanted.size(); ++i)
        worst = std::max(worst, std::abs(double(found[i]) - wanted[i]) / (1 + std::abs(wanted[i])));
      INFO(s << (reverse ? " reversed" : ""));
      CHECK(worst < (std::is_same_v<T, float> ? 1e-5 : 1e-13));
    }
}

TEST_CASE("known scans: a cumulative sum and a geometric series") {
  const Array<B> one({4, 1}, std::vector<double>{1, 1, 1, 1}), x({4, 1}, std::vector<double>{1, 2, 3, 4});
  CHECK(to_host(linear_scan(one, x)) == std::vector<double>{1, 3, 6, 10});
  CHECK(to_host(linear_scan(one, x, true)) == std::vector<double>{10, 9, 7, 4});
  const Array<B> half({1}, std::vector<double>{0.5}), pulse({4, 1}, std::vector<double>{8, 0, 0, 0});
  CHECK(to_host(linear_scan(half, pulse)) == std::vector<double>{8, 4, 2, 1});
}

TEST_CASE("the reversed scan is the transpose in b") {
  const auto a = numbers({3, 8, 5}, 3), b = numbers({3, 8, 5}, 4), c = numbers({3, 8, 5}, 5);
  const double left = detail::dot<B>(c, linear_scan(a, b)), right = detail::dot<B>(linear_scan(a, c, true), b);
  CHECK(left == doctest::Approx(right).epsilon(1e-12));
}

TEST_CASE("scans pass the gradient checker in both inputs and directions") {
  const auto a = numbers({2, 5, 3}, 6), b = numbers({2, 5, 3}, 7), shared = numbers({3}, 8);
  for (const bool reverse : {false, true}) {
    check("b", [&](const auto& p) { return square(linear_scan(a, p, reverse)); }, b);
    check("a", [&](const auto& p) { return linear_scan(tanh(p), b, reverse); }, a);
    check("both", [&](const auto& p) { return linear_scan(tanh(p), square(p), reverse); }, a);
    check("one factor a column", [&](const auto& p) { return linear_scan(p, b, reverse); }, shared);
    check("one step", [&](const auto& p) { return linear_scan(p, square(p), reverse); }, numbers({2, 1, 3}, 9));
  }
}

TEST_CASE("the same bits at any number of threads") {
  const auto a = numbers<Cpu<float>>({3, 50, 1030}, 10), b = numbers<Cpu<float>>({3, 50, 1030}, 11);
  const int threads = thread_count();
  const auto many = to_host(linear_scan(a, b));
  set_thread_count(1);
  CHECK(to_host(linear_scan(a, b)) == many);
  set_thread_count(threads);
}

TEST_CASE("a scan may overwrite b, and an empty one is empty") {
  const auto a = numbers({2, 6, 3}, 12), b = numbers({2, 6, 3}, 13);
  for (const bool reverse : {false, true}) {
    const Array<B> in_place(b);
    B::linear_scan(in_place, a, in_place, reverse);
    CHECK(to_host(in_place.tensor()) == to_host(linear_scan(a, b, reverse)));
  }
  CHECK(linear_scan(Array<B>({2, 0, 3}), Array<B>({2, 0, 3})).size() == 0);
  CHECK(linear_scan(Array<B>({0, 4, 3}), Array<B>({0, 4, 3})).size() == 0);
  CHECK(grad([](const auto& p) { return sum(linear_scan(p, p)); }, Array<B>({2, 0, 3}).tensor()).size() == 0);
}

TEST_CASE("scans of shapes that do not fit are refused by name") {
  const auto a = numbers({4, 6}, 14), b = numbers({5, 6}, 15), c = numbers({6}, 16);
  CHECK_THROWS_WITH_AS(linear_scan(a, b), "elementwise operation: shapes [4, 6] and [5, 6] do not broadcast", Error);
  CHECK_THROWS_WITH_AS(linear_scan(c, c),
                       "linear_scan: shape [6] has no second last axis to run along; expected [..., T, C]", Error);
}

}  // namespace scan_test
