// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/data/dop853.hpp>
#include <moesaic/ode/ode.hpp>
#include <moesaic/ops/ops.hpp>

namespace ode_solve_test {

using namespace moesaic;
using B = Cpu<double>;

const std::vector<double> pair_of_states{1, 0, 0.25, -0.5};
Array<B> two_states() { return Array<B>({2, 2}, pair_of_states); }
Array<B> turn() { return Array<B>({2, 2}, std::vector<double>{0, -1, 1, 0}); }  // x' = y, y' = -x

std::vector<double> even_times(double end, int intervals) {
  std::vector<double> t;
  for (int i = 0; i <= intervals; ++i) t.push_back(end * i / intervals);
  return t;
}
ode::Adaptive tolerance(double t) { return {.relative = t, .absolute = t}; }

/// Van der Pol's oscillator, `[..., 2]`.
template <class X>
X van_der_pol(const X& s, double mu) {
  const int last = shape(s).rank() - 1;
  const X x = slice(s, last, 0, 1), y = slice(s, last, 1, 1);
  return concat(y, mu * (y * (-square(x) + 1.0)) - x, last);
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

TEST_CASE("the harmonic oscillator and exponential decay are solved to the tolerance asked for") {
  const auto x0 = two_states(), a = turn();
  const auto times = even_times(6, 11);
  const auto worst = [&](const auto& solver) {
    const auto x = to_host(ode::solve(solver, [&](double, const auto& s) { return matmul(s, a); }, x0, times));
    double error = 0;
    for (std::size_t k = 0; k < times.size(); ++k)
      for (std::size_t row = 0; row < 2; ++row) {
        const double p = pair_of_states[2 * row], q = pair_of_states[2 * row + 1], c = std::cos(times[k]), s = std::sin(times[k]);
        const double* at = &x[4 * k + 2 * row];
        error = std::max({error, std::abs(at[0] - (p * c + q * s)), std::abs(at[1] - (q * c - p * s))});
      }
    return error;
  };
  CHECK(worst(ode::Rk4{.substeps = 40}) < 1e-7);
  for (double t : {1e-4, 1e-6, 1e-8, 1e-10}) {
    CHECK(worst(ode::Dopri5{.control = tolerance(t)}) < 30 * t);
    CHECK(worst(ode::Tsit5{.control = tolerance(t)}) < 30 * t);
  }
  CHECK(worst(ode::Tsit5{.control = tolerance(1e-4)}) > 1e-9);  // it stops where it may

  const auto slowly = [](double, const auto& s) { return -0.7 * s; };
  const auto decay = to_host(ode::solve(ode::Dopri5{.control = tolerance(1e-9)}, slowly, x0, times));
  for (std::size_t k = 0; k < times.size(); ++k) CHECK(decay[4 * k] == doctest::Approx(std::exp(-0.7 * times[k])).epsilon(1e-7));
}

TEST_CASE("van der Pol's oscillator agrees with an integrator of order 8") {
  const auto times = even_times(12, 30);
  std::vector<double> expected(times.size() * 2);
  const std::vector<double> start{2, 0.1};
  data::Dop853{}.solve([](double, const double* x, double* dx) {
    dx[0] = x[1];
    dx[1] = 3 * (1 - x[0] * x[0]) * x[1] - x[0];
  }, {start, 0, 12, times}, expected.data());
  const Array<B> x0({2}, start);
  const auto field = [](double, const auto& s) { return van_der_pol(s, 3); };
  CHECK(largest_difference(to_host(ode::solve(ode::Dopri5{.control = tolerance(1e-10)}, field, x0, times)), expected) < 1e-6);
  CHECK(largest_difference(to_host(ode::solve(ode::Tsit5{.control = tolerance(1e-10)}, field, x0, times)), expected) < 1e-6);
  CHECK(largest_difference(to_host(ode::solve(ode::Rk4{.substeps = 400}, field, x0, times)), expected) < 1e-6);
  CHECK(largest_difference(to_host(ode::solve(ode::Tsit5{.control = tolerance(1e-5)}, field, x0, times)), expected) < 0.05);
}

TEST_CASE("a batch solves no trajectory worse than asked, and asks for no more steps than its hardest") {
  // one fast row among many that stand still: a mean over the batch would not see it
  std::vector<double> start(2 * 400, 0.0);
  start[0] = 1;
  const Array<B> many({400, 2}, start), alone({1, 2}, std::vector<double>{1, 0});
  const auto a = turn();
  const double times[] = {0, 20};
  int calls = 0;
  const auto field = [&](double, const auto& s) {
    ++calls;
    return matmul(s, a);
  };
  const ode::Dopri5 solver{.control = tolerance(1e-5)};
  const auto both = to_host(ode::solve(solver, field, many, times));
  const int for_many = std::exchange(calls, 0);
  const auto one = to_host(ode::solve(solver, field, alone, times));
  CHECK(for_many == calls);
  CHECK(both[800] == one[2]);
  CHECK(std::abs(both[800] - std::cos(20.0)) < 1e-3);
}

TEST_CASE("save times cost no steps, and a state does not depend on the other save times") {
  const auto x0 = two_states();
  int calls = 0;
  const auto field = [&](double, const auto& s) {
    ++calls;
    return van_der_pol(s, 1);
  };
  const ode::Tsit5 solver{.control = tolerance(1e-6)};
  const double few[] = {0, 4, 8};
  const auto a = to_host(ode::solve(solver, field, x0, few));
  const int for_few = std::exchange(calls, 0);
  const auto b = to_host(ode::solve(solver, field, x0, even_times(8, 200)));
  CHECK(calls == for_few);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(a[4 + i] == b[400 + i]);
    CHECK(a[8 + i] == b[800 + i]);
    CHECK(b[i] == x0.data()[i]);  // the first entry is the initial state itself
  }
}

TEST_CASE("fixed steps take as many evaluations as they have stages") {
  const auto x0 = two_states();
  const double times[] = {0, 1, 3, 4};
  int calls = 0;
  const auto field = [&](double t, const auto& s) {
    CHECK(t >= 0);
    CHECK(t <= 4);
    ++calls;
    return -1.0 * s;
  };
  ode::solve(ode::Rk4{.substeps = 5}, field, x0, times);
  CHECK(std::exchange(calls, 0) == 3 * 5 * 4);
  ode::solve(ode::Dopri5{.control = ode::Fixed{5}}, field, x0, times);
  CHECK(std::exchange(calls, 0) == 3 * 5 * 6);
  ode::solve(ode::Tsit5{.control = ode::Adaptive{.first_step = 1}}, field, x0, times);
  CHECK(calls % 6 == 1);  // the last stage is the first of the next step; none beyond the last time
}

TEST_CASE("states of any rank up to 3, single precision and empty batches are solved") {
  const double times[] = {0, 0.5, 1};
  const auto field = [](double, const auto& s) { return -1.0 * s; };
  const ode::Tsit5 solver{.control = tolerance(1e-8)};
  for (const Shape& s : {Shape{}, Shape{3}, Shape{2, 3}, Shape{2, 1, 3}}) {
    Array<B> x0(s);
    B::fill(x0, 2.0);
    const auto x = ode::solve(solver, field, x0, times);
    CHECK(x.shape().rank() == s.rank() + 1);
    CHECK(x.shape()[0] == 3);
    for (Index i = 2 * s.size(); i < 3 * s.size(); ++i) CHECK(x.data()[i] == doctest::Approx(2 * std::exp(-1.0)).epsilon(1e-7));
  }
  CHECK(ode::solve(solver, field, Array<B>({0, 2}), times).shape() == Shape{3, 0, 2});
  CHECK(ode::solve(ode::Rk4{}, field, Array<B>({0, 2}), times).shape() == Shape{3, 0, 2});
  const Array<Cpu<float>> single({1, 1}, std::vector<float>{2});
  const auto x = ode::solve(ode::Dopri5{.control = tolerance(1e-5)}, field, single, times);
  CHECK(x.data()[2] == doctest::Approx(2 * std::exp(-1.0)).epsilon(1e-4));
}

TEST_CASE("one time point gives the initial state") {
  const auto x0 = two_states();
  const double now[] = {3};
  const auto field = [](double, const auto& s) { return -1.0 * s; };
  for (const auto& x : {ode::solve(ode::Rk4{}, field, x0, now), ode::solve(ode::Dopri5{}, field, x0, now),
                        ode::solve(ode::Tsit5{.control = ode::Fixed{}}, field, x0, now)}) {
    CHECK(x.shape() == Shape{1, 2, 2});
    CHECK(to_host(x) == pair_of_states);
  }
}

TEST_CASE("without a tape a solve takes the memory of one step, and its derivative too") {
  const Array<B> x0({64, 2});
  const auto a = turn();
  const auto used = [&](const auto& solver, const auto& start) {
    Workspace<HostMemory> workspace;
    const Workspace<HostMemory>::Scope scope(workspace);
    const double times[] = {0, 50};
    ode::solve(solver, [&](double, const auto& s) { return tanh(matmul(s, a)) - tanh(s); }, start, times);
    return workspace.capacity();
  };
  CHECK(used(ode::Rk4{.substeps = 2000}, x0) == used(ode::Rk4{.substeps = 2}, x0));
  const ode::Adaptive equal{.relative = 1e9, .absolute = 1e9, .first_step = 0.03, .largest_factor = 1};
  CHECK(used(ode::Tsit5{.control = equal}, x0) == used(ode::Rk4{.substeps = 2}, x0));
  const Dual<Tensor<B>> moving(x0.tensor(), x0.tensor());
  CHECK(used(ode::Rk4{.substeps = 2000}, moving) == used(ode::Rk4{.substeps = 2}, moving));
}

TEST_CASE("proportional, integral and derivative control all reach the end with a similar error") {
  const Array<B> x0({2}, std::vector<double>{2, 0});
  const auto times = even_times(20, 1);
  const auto field = [](double, const auto& s) { return van_der_pol(s, 2); };
  const auto exact = to_host(ode::solve(ode::Tsit5{.control = tolerance(1e-11)}, field, x0, times));
  const double settings[][3] = {{0.2, 0.65, 0}, {0, 1, 0}, {0.4, 0.3, 0}, {0.2, 0.5, 0.1}};
  for (auto [p, i, d] : settings) {
    ode::Adaptive control = tolerance(1e-7);
    control.proportional = p, control.integral = i, control.derivative = d;
    CHECK(largest_difference(to_host(ode::solve(ode::Tsit5{.control = control}, field, x0, times)), exact) < 1e-4);
  }
}

}  // namespace ode_solve_test
