// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/ad/lanes.hpp>
#include <moesaic/ops/check_gradient.hpp>

#include "support/numbers.hpp"

namespace ops_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

// docs: functor
/// x / (1 + |x|), as `map(SoftSign{}, x)`.
struct SoftSign {
  template <class S>
  constexpr S operator()(const S& x) const {
    using std::abs;
    return x / (constant<S>(1) + abs(x));
  }
};
// docs: end

template <class F>
void check(const char* name, const F& f, const Tensor<B>& x) {
  const auto report = check_gradient(f, x);
  INFO(name << ": " << report);
  CHECK(report.passed());
}

TEST_CASE("every elementwise operation passes the gradient checker at first and second order") {
  const auto x = numbers({3, 5}, 1);
  const auto c = numbers({3, 5}, 2, 1, 4);
  check("+", [&](const auto& p) { return p + c; }, x);
  check("-", [&](const auto& p) { return c - p; }, x);
  check("*", [&](const auto& p) { return p * p * c; }, x);
  check("/", [&](const auto& p) { return p / (c + square(p)); }, x);
  check("numbers", [&](const auto& p) { return 2.0 / (3.0 + square(p)) + (1.0 - p) / 4.0 - 0.5 * p * 3.0 + 1.0; }, x);
  check("exp", [&](const auto& p) { return exp(p); }, x);
  check("sqrt", [&](const auto& p) { return sqrt(square(p) + 1.0); }, x);
  check("a functor of one's own", [&](const auto& p) { return map(SoftSign{}, p) * p; }, x);
  check("sin", [&](const auto& p) { return sin(p); }, x);
  check("cos", [&](const auto& p) { return cos(p); }, x);
  check("log", [&](const auto& p) { return log(square(p) + 1.0); }, x);
  check("tanh", [&](const auto& p) { return tanh(p); }, x);
  check("sigmoid", [&](const auto& p) { return sigmoid(p); }, x);
  check("swish", [&](const auto& p) { return swish(p); }, x);
  check("relu", [&](const auto& p) { return relu(p) * p; }, x);
  check("abs", [&](const auto& p) { return abs(p) * p; }, x);
  check("softplus", [&](const auto& p) { return softplus(p); }, x);
  check("gelu", [&](const auto& p) { return gelu(p); }, x);
  check("softmax", [&](const auto& p) { return softmax(p); }, x);
  check("log_softmax", [&](const auto& p) { return log_softmax(p); }, x);
}

TEST_CASE("arithmetic with numbers and elementwise functions have the values of their formulas") {
  const auto x = numbers({3, 5}, 1);
  const auto all = [&](const auto& y, const auto& expected) {
    const auto values = to_host(y);
    for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == doctest::Approx(expected(x.data()[i])).epsilon(1e-14));
  };
  const Workspace<B::Memory>::Scope scope(Workspace<B::Memory>::current());
  all(2.0 + x, [](double v) { return 2 + v; });
  all(2.0 - x, [](double v) { return 2 - v; });
  all(x / 4.0, [](double v) { return v / 4; });
  all(2.0 / x, [](double v) { return 2 / v; });
  all(sqrt(square(x)), [](double v) { return std::abs(v); });
  all(sin(x), [](double v) { return std::sin(v); });
  all(cos(x), [](double v) { return std::cos(v); });
  all(swish(x), [](double v) { return v / (1 + std::exp(-v)); });
  all(softplus(scale(x.tensor(), 0)), [](double) { return std::log(2.0); });
}

TEST_CASE_TEMPLATE("activations have finite derivatives of first and second order far from 0, and those of their formulas at 0", T, float,
                   double) {
  using D = Cpu<T>;
  const std::vector<T> places{-1000, -100, -30, -11, 0, 11, 30, 100, 1000};
  const Array<D> at({Index(places.size())}, places), ones(at.shape(), std::vector<T>(places.size(), 1));
  const auto slopes = [&](const char* name, const auto& f, double at_zero, double curvature_at_zero) {
    INFO(name);
    const auto total = [&](const auto& p) { return sum(f(p)); };
    const auto first = to_host(grad(total, at.tensor())), second = to_host(hvp(total, at.tensor(), ones.tensor()));
    for (std::size_t i = 0; i < places.size(); ++i) {
      CHECK(std::isfinite(first[i]));
      CHECK(std::isfinite(second[i]));
    }
    CHECK(double(first[4]) == doctest::Approx(at_zero));
    CHECK(double(second[4]) == doctest::Approx(curvature_at_zero));
    CHECK(std::abs(double(first[0])) < 1e-6);
  };
  slopes("sigmoid", [](const auto& p) { return sigmoid(p); }, 0.25, 0);
  slopes("swish", [](const auto& p) { return swish(p); }, 0.5, 0.5);
  const Array<D> beta({1}, std::vector<T>{2});
  slopes("swish, beta 2", [&](const auto& p) { return swish(p, beta.tensor()); }, 0.5, 1);
  slopes("gelu", [](const auto& p) { return gelu(p); }, 0.5, 4 / std::sqrt(2 * std::numbers::pi) / 2);
  slopes("softplus", [](const auto& p) { return softplus(p); }, 0.5, 0.25);
}

TEST_CASE_TEMPLATE("softplus keeps its digits where it is close to 0", T, float, double) {
  const std::vector<T> places{-60, -20, -9, -3, -0.5, 0, 0.5, 3, 9, 20};
  const Workspace<HostMemory>::Scope scope(Workspace<HostMemory>::current());
  const auto values = to_host(softplus(Array<Cpu<T>>({Index(places.size())}, places)));
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double x = double(places[i]), expected = std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    CHECK(std::abs(double(values[i]) - expected) < 4 * double(std::numeric_limits<T>::epsilon()) * expected);
  }
}

TEST_CASE("broadcasting and reductions pass the gradient checker") {
  const auto x = numbers({4, 3}, 3), row = numbers({3}, 4), col = numbers({4, 1}, 5);
  check("row", [&](const auto& p) { return x * p + p; }, row);
  check("column", [&](const auto& p) { return x * p - square(p); }, col);
  check("scalar", [&](const auto& p) { return swish(x.tensor(), sum(p)); }, row);
  check("sum_last", [&](const auto& p) { return square(sum_last(p)); }, x);
  check("sum_to", [&](const auto& p) { return square(sum_to(p, {3})); }, x);
  check("broadcast_to", [&](const auto& p) { return square(broadcast_to(p, {2, 4, 3})); }, x);
  check("mean", [&](const auto& p) { return square(mean(p)); }, x);
}

TEST_CASE("linear maps pass the gradient checker in every operand") {
  const auto x = numbers({7, 5}, 6), w = numbers({5, 3}, 7), b = numbers({3}, 8), full = numbers({7, 3}, 9);
  check("x", [&](const auto& p) { return tanh(linear(p, w, b)); }, x);
  check("w", [&](const auto& p) { return tanh(linear(x, p, b)); }, w);
  check("b", [&](const auto& p) { return tanh(linear(x, w, p)); }, b);
  check("full bias", [&](const auto& p) { return tanh(linear(x, w, p)); }, full);
  check("one number as bias", [&](const auto& p) { return tanh(linear(x, w, p)); }, numbers({1}, 8));
  check("a column as bias", [&](const auto& p) { return tanh(linear(x, w, p)); }, numbers({7, 1}, 8));
  check("a column as bias of a batch", [&](const auto& p) {
    return tanh(linear(reshape(x.tensor(), {1, 7, 5}), reshape(w.tensor(), {1, 5, 3}), reshape(p, {1, 7, 1})));
  }, numbers({7, 1}, 8));
  check("all from one", [&](const auto& p) {
    const auto weight = view(p, 0, {5, 5}), bias = view(p, 25, {5});
    return tanh(linear(tanh(linear(x, weight, bias)), weight, bias));
  }, numbers({30}, 10));
  const auto xb = numbers({2, 4, 3}, 11), wb = numbers({2, 3, 5}, 12), bb = numbers({2, 1, 5}, 13);
  check("layer", [&](const auto& p) {
    const auto weight = view(p, 0, {5, 5}), bias = view(p, 25, {5});
    const auto first = linear_map(functor::Swish{}, x, weight, bias);
    return linear_map(functor::Tanh{}, first * first, weight, first);
  }, numbers({30}, 10));
  check("batched x", [&](const auto& p) { return tanh(linear(p, wb, bb)); }, xb);
  check("batched w", [&](const auto& p) { return tanh(linear(xb, p, bb)); }, wb);
  check("batched b", [&](const auto& p) { return tanh(linear(xb, wb, p)); }, bb);
  check("transpose", [&](const auto& p) { return matmul(transpose(p), p); }, x);
}

TEST_CASE("an array that is a weight here and a bias there passes the gradient checker") {
  const auto once = [](const Array<B>& x) {
    return [&x](const auto& v) { return square(linear(x, v, v)); };
  };
  const auto x = numbers({3, 4, 1}, 1), wide = numbers({1, 4, 1}, 2);
  check("a batch", once(x), numbers({3, 1, 5}, 3));
  check("a number", once(wide), numbers({1, 1, 1}, 4));
  check("in two places", [&](const auto& v) { return square(linear(x, square(v), v)) + matmul(x, v); }, numbers({3, 1, 5}, 5));
}

TEST_CASE("rearrangements pass the gradient checker") {
  const auto x = numbers({4, 6}, 14);
  const std::int32_t rows[] = {2, 0, 2};
  check("slice", [&](const auto& p) { return square(slice(p, 1, 2, 3)) * slice(p, 1, 0, 3); }, x);
  check("rows", [&](const auto& p) { return square(slice(p, 0, 1, 2)); }, x);
  check("concat", [&](const auto& p) { return square(concat(p, tanh(p), 1)); }, x);
  check("gather", [&](const auto& p) { return square(gather(p, rows)); }, x);
  check("scatter_add", [&](const auto& p) { return square(scatter_add(slice(p, 0, 0, 3), rows, 5)); }, x);
  check("reshape", [&](const auto& p) { return matmul(reshape(p, {6, 4}), reshape(p, {4, 6})); }, x);
}

TEST_CASE("a Hessian-vector product and a third-order nesting have known values") {
  const double at[] = {0.5, -1.0, 2.0}, along[] = {1.0, 0.0, -1.0};
  const Array<B> x({3}, at), v({3}, along);
  const auto cubic = [](const auto& p) { return sum(p * p * p); };
  const auto h = to_host(hvp(cubic, x.tensor(), v.tensor()));
  CHECK(h[0] == doctest::Approx(3.0));
  CHECK(h[1] == doctest::Approx(0.0));
  CHECK(h[2] == doctest::Approx(-12.0));
  // d^2/dt^2 cubic(x + t v) = 6 sum x v^2, differentiated with respect to x: 6 v^2
  const auto g = to_host(grad([&](const auto& p) {
    using X = std::remove_cvref_t<decltype(p)>;
    const Dual<Dual<X>> twice(Dual<X>(p, X(v)), Dual<X>(X(v)));
    return cubic(twice).tangent.tangent;
  }, x.tensor()));
  CHECK(g[0] == doctest::Approx(6.0));
  CHECK(g[1] == doctest::Approx(0.0));
  CHECK(g[2] == doctest::Approx(6.0));
}

TEST_CASE("mixed partial derivatives do not confuse their infinitesimals") {
  const double one[] = {2.0}, two[] = {3.0};
  const Array<B> a({1}, one), b({1}, two);
  // d/db [ b * d/da (a * b^2) ] = d/db b^3 = 27 at b = 3
  const auto g = to_host(grad([&](const auto& p) {
    using X = std::remove_cvref_t<decltype(p)>;
    const Dual<X> inner = sum(Dual<X>(X(a.tensor()), X(zeros_like(a.tensor()) + 1.0)) * square(Dual<X>(p)));
    return sum(p * inner.tangent);
  }, b.tensor()));
  CHECK(g[0] == doctest::Approx(27.0));
}

TEST_CASE("shapes that do not fit are refused by name") {
  const auto x = numbers({4, 6}, 15), w = numbers({5, 2}, 16);
  CHECK_THROWS_WITH_AS(matmul(x.tensor(), w.tensor()), "linear: input of shape [4, 6] does not fit the weight of shape [5, 2]", Error);
  CHECK_THROWS_WITH_AS(x.tensor() + w.tensor(), "elementwise operation: shapes [4, 6] and [5, 2] do not broadcast", Error);
  CHECK_THROWS_AS(view(x.tensor(), 20, {5}), Error);
  CHECK_THROWS_AS(view(x.tensor(), -1, {5}), Error);
  CHECK_THROWS_AS(slice(x.tensor(), 1, 5, 2), Error);
  CHECK_THROWS_WITH_AS(pad(x.tensor(), 1, 3, 8), "pad: [4, 6] from 3 on, in 8 entries of axis 1", Error);
  CHECK_THROWS_AS(pad(x.tensor(), 2, 0, 8), Error);
  CHECK_THROWS_WITH_AS(to_host(Tensor<B>{}), "to_host: the tensor is absent", Error);
  CHECK(!Array<B>(Tensor<B>{}));
}

TEST_CASE("combine refuses what it cannot add") {
  const auto x = numbers({3}, 1), one = numbers({1}, 2);
  const auto combined = [](std::size_t coefficients, const std::vector<Tensor<B>>& arrays) {
    const std::vector<double> c(coefficients, 1.0);
    return combine(std::span<const double>(c), std::span<const Tensor<B>>(arrays));
  };
  CHECK(to_host(combined(2, {x, x}))[2] == doctest::Approx(2 * x.data()[2]));
  CHECK_THROWS_WITH_AS(combined(0, {}), "combine: 0 coefficients and 0 arrays; expected as many of each, 1 to 16", Error);
  CHECK_THROWS_AS(combined(1, {x, x}), Error);
  CHECK_THROWS_AS(combined(40, std::vector<Tensor<B>>(40, x)), Error);
  CHECK_THROWS_WITH_AS(combined(2, {x, one}), "combine: arrays of shapes [3] and [1]", Error);
  CHECK_THROWS_AS(grad([](const auto& p) {
    using X = std::remove_cvref_t<decltype(p)>;
    const std::vector<X> many(40, p);
    const std::vector<double> c(40, 1.0);
    return sum(combine(std::span<const double>(c), std::span<const X>(many)));
  }, x.tensor()), Error);
}

TEST_CASE("arrays of two tapes do not meet without a word") {
  const double three[] = {3.0};
  const Array<B> at({1}, three);
  // d/dp sum(d/dw w^2 p) = 2 w = 6; the inner function sees the outer p, on another tape.
  CHECK_THROWS_AS(grad([&](const auto& p) {
    return sum(grad([&](const auto& w) { return sum(w * w * p); }, at.tensor()) * p);
  }, at.tensor()), Error);
}

TEST_CASE("an Array stands for its tensor in reductions") {
  const auto x = numbers({2, 3}, 1);
  CHECK(to_host(sum(x))[0] == to_host(sum(x.tensor()))[0]);
  CHECK(to_host(mean(x))[0] == to_host(mean(x.tensor()))[0]);
  CHECK(sum_last(x).shape() == Shape{2, 1});
  CHECK(broadcast_to(x, {4, 2, 3}).shape() == Shape{4, 2, 3});
}

TEST_CASE("relu passes NaN on") {
  const double nan[] = {std::nan(""), -1.0, 0.0, 2.0};
  const auto y = to_host(relu(Array<B>({4}, nan).tensor()));
  CHECK(std::isnan(y[0]));
  CHECK(y[1] == 0);
  CHECK(y[2] == 0);
  CHECK(y[3] == 2);
}

#ifdef _OPENMP
TEST_CASE("a step of the library runs in a parallel region of the caller, which has more threads than the library") {
  const int threads = thread_count();
  set_thread_count(1);
  double sums[6] = {};
#pragma omp parallel num_threads(6)
  {
    Lanes<Tensor<B>> lanes;
    double sum_of_parts = 0;
    lanes.run(4, [&](Tape<Tensor<B>>&, Index i) {
      const auto x = make_tensor<B>({3});
      B::fill(x, double(i));
      sum_of_parts += to_host(sum(x))[0];
    });
    sums[omp_get_thread_num()] = sum_of_parts;
  }
  set_thread_count(threads);
  for (const double each : sums) CHECK((each == 0 || each == 18));  // fewer threads may have been given
  CHECK(sums[0] == 18);
}

}  // namespace ops_test
#endif
