// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/core/random.hpp>
#include <moesaic/ode/ode.hpp>
#include <moesaic/ops/check_gradient.hpp>

#include "support/numbers.hpp"

namespace ode_gradient_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

const Array<B> start = numbers({3, 2}, 1, 0.7), weights = numbers({10}, 2, 0.7);
const double times[] = {0, 0.3, 0.9, 1.0};

/// A driven network over views of flat parameters, taken anew in every evaluation.
template <class P>
auto network(const P& p) {
  return [p](double t, const auto& x) {
    const auto h = tanh(linear(x, view(p, 0, {2, 2}), view(p, 4, {2})));
    return std::cos(t) * matmul(h, view(p, 6, {2, 2})) - 0.2 * x;
  };
}

/// Both the parameters and the initial state from one flat array of 16 numbers.
template <class Solver, class P>
auto from_all(const Solver& solver, const P& p) {
  return ode::solve(solver, network(view(p, 0, {10})), view(p, 10, {3, 2}), times);
}
Array<B> all() {
  std::vector<double> v = to_host(weights.tensor());
  for (double x : to_host(start.tensor())) v.push_back(x);
  return Array<B>({16}, v);
}

template <class Solver>
GradientReport check(const Solver& solver) {
  const auto x = all();
  return check_gradient([&](const auto& p) { return from_all(solver, p); }, x.tensor());
}

TEST_CASE("fixed steps pass the gradient checker in parameters and initial state, at first and second order") {
  const auto rk4 = check(ode::Rk4{.substeps = 2});
  INFO(rk4);
  CHECK(rk4.passed());
  const auto dopri5 = check(ode::Dopri5{.control = ode::Fixed{2}});
  INFO(dopri5);
  CHECK(dopri5.passed());
  const auto tsit5 = check(ode::Tsit5{.control = ode::Fixed{2}});
  INFO(tsit5);
  CHECK(tsit5.passed());
}

TEST_CASE("adaptive steps: the levels agree exactly, and with differences as far as those see the same steps") {
  // at a tolerance this tight the choice of steps moves the result by less than a difference quotient can tell
  for (const auto& report : {check(ode::Dopri5{.control = ode::Adaptive{.relative = 1e-11, .absolute = 1e-11}}),
                             check(ode::Tsit5{.control = ode::Adaptive{.relative = 1e-11, .absolute = 1e-11}})}) {
    INFO(report);
    CHECK(report.passed());
    CHECK(report.vjp < 1e-12);
    CHECK(report.taylor < 1e-12);
  }
  // at a loose one only the levels can be compared with each other
  for (const auto& report : {check(ode::Dopri5{}), check(ode::Tsit5{.control = ode::Adaptive{.first_step = 0.3}})}) {
    INFO(report);
    CHECK(report.vjp < 1e-12);
    CHECK(report.taylor < 1e-12);
  }
}

TEST_CASE("the gradient of a linear solve is known") {
  // d/da sum_k exp(a t_k) = sum_k t_k exp(a t_k)
  const Array<B> a({1, 1}, std::vector<double>{-0.8}), one({1, 1}, std::vector<double>{1});
  const auto g = grad([&](const auto& p) {
    return sum(ode::solve(ode::Tsit5{.control = ode::Adaptive{.relative = 1e-10, .absolute = 1e-12}},
                          [p](double, const auto& x) { return x * p; }, one, times));
  }, a.tensor());
  double expected = 0;
  for (double t : times) expected += t * std::exp(-0.8 * t);
  CHECK(g.data()[0] == doctest::Approx(expected).epsilon(1e-8));
}

/// Gradient with respect to `weights` of a solve whose first tries are refused, and what it left behind.
struct Left {
  std::vector<double> gradient;
  int nodes = 0, calls = 0;
};
template <class Make>
Left gradient_after(int refusals, const Make& make, bool moving_start = false) {
  Workspace<HostMemory> workspace;
  const Workspace<HostMemory>::Scope scope(workspace);
  Left left;
  Tape<Tensor<B>> tape;
  const auto p = tape.leaf(weights);
  const Var<Tensor<B>> x0 = moving_start ? tape.leaf(start) : Var<Tensor<B>>(start);
  const ode::Adaptive control{
      .relative = 1e-2, .absolute = 1e-2, .first_step = 0.5 * std::pow(2, refusals), .least_factor = 0.5, .largest_factor = 1};
  const double ends[] = {0, 100};
  const auto field = make(p);
  const auto y = ode::solve(ode::Tsit5{.control = control}, [&](double t, const auto& x) {
    ++left.calls;
    const bool spoilt = left.calls > 1 && left.calls <= 1 + 6 * refusals;  // the first call is the slope at the start
    return spoilt ? field(t, x) * std::nan("") : field(t, x);
  }, x0, ends);
  for (auto* n = tape.last(); n; n = n->previous) ++left.nodes;
  auto seed = make_tensor<B>(shape(y));
  B::fill(seed, 1.0);
  sweep(y, seed);
  left.gradient = to_host(p.node->adjoint);
  return left;
}

TEST_CASE("refused steps leave nothing on the tape and do not touch the gradient") {
  const auto make = [](const auto& p) { return network(p); };
  const auto refused = gradient_after(3, make), accepted = gradient_after(0, make);
  CHECK(refused.calls == accepted.calls + 18);
  CHECK(refused.nodes == accepted.nodes);
  CHECK(refused.gradient == accepted.gradient);
}

TEST_CASE("refused steps are dropped only where that is safe") {
  // a parameter that is first looked at in a step that is refused: its adjoint must not lie in memory that is given back
  const auto make = [](const auto& p) {
    return [p](double t, const auto& x) {
      const auto still = -0.5 * x;
      return t < 0.01 ? still : still + std::cos(3 * t) * tanh(matmul(x, view(p, 0, {2, 2})));
    };
  };
  for (bool moving_start : {false, true}) {
    const auto refused = gradient_after(2, make, moving_start), accepted = gradient_after(0, make, moving_start);
    CHECK(refused.calls == accepted.calls + 12);
    CHECK(refused.gradient == accepted.gradient);
  }
}

}  // namespace ode_gradient_test
