// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>

#include <moesaic/expert/neural_ode.hpp>
#include <moesaic/ode/tsit5.hpp>

#include "battery.hpp"

namespace neural_ode_test {

using namespace battery;

constexpr Index samples = 4, size = 2;

const Mlp<activation::Tanh> network{{size, 5, size}};
/// `dx/dt = x W` with a turning and decaying plane: W is the transpose of [[-0.3, -2], [2, -0.3]], the bias is 0.
const Mlp<> plane{{size, size}};
const double decay = 0.3, turn = 2;
const auto plane_weights = Array<B>({6}, std::vector{-decay, turn, -turn, -decay, 0.0, 0.0});
const auto x = numbers({samples, size}, 1);

const ode::Tsit5 tight{.control = ode::Adaptive{.relative = 1e-11, .absolute = 1e-11}};

template <class Expert>
void check_expert(const std::string& name, const Expert& expert) {
  const Index count = layout_of(expert).size();
  check(name, [&]<class X>(Slots<X>& parts) {
    const X p = parts.take({count});
    return expert(p, parts.take({samples, size}));
  }, {parameters_of(expert), x});
}

/// Largest error of a neural ODE of the plane against the closed solution.
double plane_error(const NeuralOde<>& expert) {
  const auto y = to_host(expert(plane_weights.tensor(), x.tensor())), start = to_host(x.tensor());
  REQUIRE(y.size() == std::size_t(samples * expert.points * size));
  double worst = 0;
  for (Index i = 0; i < samples; ++i)
    for (Index j = 0; j < expert.points; ++j) {
      const double t = expert.horizon * double(j + 1) / double(expert.points), c = std::cos(turn * t), s = std::sin(turn * t);
      const double a = start[std::size_t(i * size)], b = start[std::size_t(i * size + 1)], shrunk = std::exp(-decay * t);
      const auto* const state = &y[std::size_t((i * expert.points + j) * size)];
      worst = std::max({worst, std::abs(state[0] - shrunk * (c * a - s * b)), std::abs(state[1] - shrunk * (s * a + c * b))});
    }
  return worst;
}

TEST_CASE("a neural ODE passes the gradient checker, with steps of equal and of chosen size and either adjoint") {
  using Field = Mlp<activation::Tanh>;
  check_expert("Rk4", NeuralOde<Field>{.field = network, .horizon = 0.8, .points = 3});
  check_expert("Rk4, checkpointed", NeuralOde<Field, ode::Rk4, ode::Checkpointed>{
                                        .field = network, .horizon = 0.8, .points = 3, .adjoint = {.segments = 2}});
  check_expert("Tsit5", NeuralOde<Field, ode::Tsit5>{.field = network, .horizon = 0.8, .points = 2, .solver = tight});
}

TEST_CASE("a neural ODE of a linear field is the matrix exponential, sample by sample at the times after the first") {
  NeuralOde<> expert{.field = plane, .horizon = 1.5, .points = 5, .solver = {.substeps = 4}};
  CHECK(shape(expert(plane_weights.tensor(), x.tensor())) == Shape{samples, 5, size});
  const double coarse = plane_error(expert);
  expert.solver.substeps = 8;
  const double fine = plane_error(expert);
  CHECK(fine < 1e-5);
  CHECK(std::log2(coarse / fine) == doctest::Approx(4).epsilon(0.05));  // Rk4's order
  expert.points = 40;
  CHECK(plane_error(expert) < 1e-8);
}

TEST_CASE("a neural ODE of a network is its tight solution") {
  const auto p = parameters_of(network);
  const auto of_states = [&](const auto& solver) {
    const NeuralOde<Mlp<activation::Tanh>, std::remove_cvref_t<decltype(solver)>> expert{
        .field = network, .horizon = 2, .points = 3, .solver = solver};
    return to_host(expert(p.tensor(), x.tensor()));
  };
  const auto exact = of_states(tight), fixed = of_states(ode::Rk4{.substeps = 100});
  for (std::size_t i = 0; i < exact.size(); ++i) CHECK(fixed[i] == doctest::Approx(exact[i]).epsilon(1e-8));
}

TEST_CASE("a neural ODE that diverges is an error, with either adjoint") {
  const auto blow_up = Array<B>({6}, std::vector{1e4, 0.0, 0.0, 1e4, 0.0, 0.0});
  const auto solve = [&](const auto& expert) {
    Tape<Tensor<B>> tape;
    expert(tape.leaf(blow_up), Var<Tensor<B>>(x));
  };
  const NeuralOde<> direct{.field = plane, .points = 40};
  const NeuralOde<Mlp<>, ode::Rk4, ode::Checkpointed> checkpointed{.field = plane, .points = 40};
  CHECK_THROWS_AS(solve(direct), Error);
  CHECK_THROWS_AS(solve(checkpointed), Error);
}

TEST_CASE("times and samples that do not fit a neural ODE are refused by name") {
  NeuralOde<> expert{.field = plane};
  expert.horizon = -1;
  CHECK_THROWS_WITH_AS(layout_of(expert), "NeuralOde: horizon is -1; expected a positive time", Error);
  expert.horizon = std::nan("");
  CHECK_THROWS_AS(layout_of(expert), Error);
  expert.horizon = 1;
  expert.points = 0;
  CHECK_THROWS_WITH_AS(layout_of(expert), "NeuralOde: 0 points; expected at least 1", Error);
  expert.points = 2;
  const auto wide = numbers({samples, 3}, 1);
  CHECK_THROWS_WITH_AS(expert(plane_weights.tensor(), wide.tensor()),
                       "NeuralOde: samples of shape [4, 3]; expected [samples, 2]", Error);
  const NeuralOde<> narrow{.field = {{size, 1}}};
  const auto p = parameters_of(narrow);
  CHECK_THROWS_WITH_AS(narrow(p.tensor(), x.tensor()), "Rk4: the field returns shape [4, 1] at a state of shape [4, 2]", Error);
}

}  // namespace neural_ode_test
