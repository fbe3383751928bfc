// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/ode/ode.hpp>
#include <moesaic/ops/ops.hpp>

namespace ode_order_test {

using namespace moesaic;
using B = Cpu<double>;

/// `z' = (1 + cos 5t) ((1 - |z|^2) z + i z)`: nonlinear, driven by time, with a closed solution in `s = t + sin(5t) / 5`.
struct Hopf {
  Array<B> turn{{2, 2}, std::vector<double>{0, 1, -1, 0}};
  Array<B> start{{2, 2}, std::vector<double>{0.4, 0, 0.3, -1.2}};

  auto field() const {
    return [this](double t, const Tensor<B>& z) {
      return (1 + std::cos(5 * t)) * (matmul(z, turn) + z * (-sum_last(square(z)) + 1.0));
    };
  }

  double error(const Tensor<B>& x, std::span<const double> times) const {
    double worst = 0;
    for (std::size_t k = 0; k < times.size(); ++k)
      for (int row = 0; row < 2; ++row) {
        const double a = start.data()[2 * row], b = start.data()[2 * row + 1], s = times[k] + std::sin(5 * times[k]) / 5;
        const double r0 = std::hypot(a, b), angle = std::atan2(b, a) + s;
        const double r = r0 / std::sqrt(r0 * r0 + (1 - r0 * r0) * std::exp(-2 * s));
        const double* at = x.data() + 4 * k + 2 * std::size_t(row);
        worst = std::max({worst, std::abs(at[0] - r * std::cos(angle)), std::abs(at[1] - r * std::sin(angle))});
      }
    return worst;
  }
};

/// Observed order from one halving of the step to the next.
template <class Solve>
std::vector<double> orders(const Hopf& problem, std::span<const double> times, const Solve& solve, Index first, int halvings) {
  std::vector<double> order;
  double before = 0;
  for (int i = 0; i <= halvings; ++i) {
    const Scratch<HostMemory> scratch;
    const double error = problem.error(solve(first << i), times);
    if (i) order.push_back(std::log2(before / error));
    before = error;
  }
  return order;
}

template <class Solver>
Solver with_substeps(Index n) {
  if constexpr (requires(Solver s) { s.control; })
    return {.control = ode::Fixed{n}};
  else
    return {.substeps = n};
}

TEST_CASE_TEMPLATE("the error falls with the step to the power of the order", Solver, ode::Rk4, ode::Dopri5, ode::Tsit5) {
  const Hopf problem;
  const double times[] = {0, 0.3, 0.5, 1.1};  // unequal intervals
  const auto found = orders(problem, times, [&](Index n) {
    return ode::solve(with_substeps<Solver>(n), problem.field(), problem.start, times);
  }, 32, 2);
  for (double p : found) {
    INFO(std::string(Solver::name) << ": " << p);
    CHECK(std::abs(p - Solver::order) < 0.35);
  }
}

TEST_CASE_TEMPLATE("states between the steps converge as those at the steps do", Solver, ode::Dopri5, ode::Tsit5) {
  const Hopf problem;
  std::vector<double> times{0};
  for (int i = 1; i <= 37; ++i) times.push_back(1.1 * i / 37);
  const auto found = orders(problem, times, [&](Index n) {
    // a tolerance that refuses nothing and a largest factor of 1 keep the step
    const ode::Adaptive equal{.relative = 1e9, .absolute = 1e9, .first_step = 1.1 / double(n), .largest_factor = 1};
    return ode::solve(Solver{.control = equal}, problem.field(), problem.start, times);
  }, 6, 3);
  for (double p : found) {
    INFO(std::string(Solver::name) << ": " << p);
    CHECK(p > 4.3);  // an interpolant of order 4 has a local error of order 5
    CHECK(p < 5.8);
  }
}

}  // namespace ode_order_test
