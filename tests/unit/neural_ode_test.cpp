// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>

#include <doctest/doctest.h>

#include <moesaic/expert/neural_ode.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/ode/tsit5.hpp>
#include <moesaic/ops/check_gradient.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/supervised.hpp>

#include "support/allocations.hpp"
#include "support/numbers.hpp"

namespace neural_ode_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

using Network = Mlp<activation::Tanh>;
const Network network{{2, 8, 2}};

/// States at 0.25, 0.5, 0.75, 1 of a plane that turns one way where the first coordinate starts above 0, and the other way below.
Array<B> turned(const Array<B>& x) {
  std::vector<double> y;
  for (Index i = 0; i < x.shape()[0]; ++i) {
    const double a = x.data()[2 * i], b = x.data()[2 * i + 1], rate = a > 0 ? 2 : -2;
    for (double t : {0.25, 0.5, 0.75, 1.0}) {
      y.push_back(std::cos(rate * t) * a - std::sin(rate * t) * b);
      y.push_back(std::sin(rate * t) * a + std::cos(rate * t) * b);
    }
  }
  return Array<B>({x.shape()[0], 4, 2}, y);
}

template <class Solver>
void same_as_direct(const Solver& solver) {
  const NeuralOde<Network, Solver> direct{.field = network, .horizon = 2, .points = 4, .solver = solver};
  const auto p = initial_parameters<B>(layout_of(direct), Random(2));
  const auto x = numbers({5, 2}, 1), seed = numbers({5, 4, 2}, 2);
  const auto by_parameters = [&](const auto& expert) {
    return vjp([&]<class X>(const X& w) { return expert(w, X(x)); }, p.tensor(), seed.tensor());
  };
  const auto by_samples = [&](const auto& expert) {
    return vjp([&]<class X>(const X& at) { return expert(X(p), at); }, x.tensor(), seed.tensor());
  };
  for (Index segments : {1, 3, 20}) {
    const NeuralOde<Network, Solver, ode::Checkpointed> kept{
        .field = network, .horizon = 2, .points = 4, .solver = solver, .adjoint = {segments}};
    const auto [value, gradient] = by_parameters(kept);
    CHECK(to_host(value) == to_host(by_parameters(direct).first));
    CHECK(detail::distance<B>(gradient, by_parameters(direct).second) < 1e-14);
    CHECK(detail::distance<B>(by_samples(kept).second, by_samples(direct).second) < 1e-14);
    CHECK(to_host(kept(p.tensor(), x.tensor())) == to_host(value));
  }
}

TEST_CASE("a mixture of two neural ODEs learns a plane that turns one way on its right and the other way on its left") {
  const auto x = numbers({64, 2}, 3), y = turned(x);
  // docs: mixture
  const NeuralOde<> expert{.field = {{2, 16, 2}}, .horizon = 1, .points = 4, .solver = {.substeps = 2}};
  const auto model = mixture(experts<2>(expert), gate::Softmax{}, flow::Identity{}, loss::mse);
  Supervised problem(model, x, y);  // x [N, 2], y [N, 4, 2]: the states at 0.25, 0.5, 0.75 and 1
  fit(problem, problem.players(1e-2), {.iterations = 400});
  // docs: end
  const auto error = [&](const Array<B>& samples) {
    const auto guess = predict(model, problem.parameters, samples), truth = turned(samples);
    REQUIRE(guess.shape() == truth.shape());
    double sum = 0;
    for (Index i = 0; i < truth.size(); ++i) sum += (guess.data()[i] - truth.data()[i]) * (guess.data()[i] - truth.data()[i]);
    return sum / double(truth.size());
  };
  MESSAGE("mse " << error(x) << " on samples seen, " << error(numbers({64, 2}, 4)) << " on others");
  CHECK(error(x) < 0.05);  // the states have variance 1
}

TEST_CASE("a checkpointed neural ODE has the values and gradients of a direct one") {
  same_as_direct(ode::Rk4{.substeps = 3});
  same_as_direct(ode::Tsit5{});
}

TEST_CASE("a checkpointed neural ODE takes less memory") {
  const auto x = numbers({64, 2}, 5), y = numbers({64, 1, 2}, 6);
  const auto held = [&](const auto& expert) {
    Supervised problem(mixture(experts<2>(expert), gate::Softmax{}, flow::Identity{}, loss::mse), x, y);
    const Array<B> gradient(problem.parameters.shape());
    problem.evaluate(Step{}, gradient);
    return problem.capacity();
  };
  const ode::Rk4 solver{.substeps = 100};
  const NeuralOde<Network> direct{.field = network, .solver = solver};
  const NeuralOde<Network, ode::Rk4, ode::Checkpointed> kept{.field = network, .solver = solver, .adjoint = {10}};
  MESSAGE(held(kept) << " bytes instead of " << held(direct));
  CHECK(held(kept) * 4 < held(direct));
}

TEST_CASE("a step with neural ODEs allocates nothing after the first, whatever the number of points") {
  const auto x = numbers({6, 2}, 7), y = numbers({6, 30, 2}, 8);
  const auto check = [&](const auto& expert) {
    Supervised problem(mixture(experts<2>(expert), gate::Softmax{}, flow::Identity{}, loss::mse), x, y);
    const Array<B> gradient(problem.parameters.shape());
    problem.evaluate(Step{}, gradient);
    const auto before = allocations(), capacity = problem.capacity();
    for (Index i = 1; i < 5; ++i) problem.evaluate(Step{.count = i}, gradient);
    CHECK(allocations() == before);
    CHECK(problem.capacity() == capacity);
  };
  check(NeuralOde<Network>{.field = network, .points = 30});
  check(NeuralOde<Network, ode::Rk4, ode::Checkpointed>{.field = network, .points = 30});
}

}  // namespace neural_ode_test
