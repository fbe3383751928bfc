// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/ad/grad.hpp>
#include <moesaic/backend/cpu.hpp>
#include <moesaic/expert/mlp.hpp>
#include <moesaic/train/fit.hpp>

namespace train_fit_test {

using namespace moesaic;
using B = Cpu<double>;

/// `sum_i (p_i - target)^2 / 2`.
struct Bowl {
  using Backend = B;
  Tensor<B> p;
  double target = 1;

  Losses evaluate(const Step&, const Tensor<B>& gradient) {
    double total = 0;
    for (Index i = 0; i < p.size(); ++i) {
      gradient.data()[i] = p.data()[i] - target;
      total += 0.5 * gradient.data()[i] * gradient.data()[i];
    }
    return Losses(total).add("half_square", total);
  }
};

struct Rosenbrock {
  using Backend = B;
  Tensor<B> p;
  double evaluate_at(double x, double y) const { return (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x); }
  double evaluate(const Step&, const Tensor<B>& g) {
    const double x = p.data()[0], y = p.data()[1];
    g.data()[0] = -2 * (1 - x) - 400 * x * (y - x * x);
    g.data()[1] = 200 * (y - x * x);
    return evaluate_at(x, y);
  }
};

TEST_CASE("gradient descent on a bowl follows the closed form") {
  Array<B> p({3}, std::vector<double>{2, 5, -7});
  Bowl bowl{p};
  const auto run = fit(bowl, {{.parameters = p, .optimiser = Sgd{}, .rate = 0.1}}, {.iterations = 30});
  for (Index i = 0; i < 3; ++i)
    CHECK(p.data()[i] == doctest::Approx(1 + std::pow(0.9, 30) * (std::vector<double>{1, 4, -8}[std::size_t(i)])).epsilon(1e-12));
  CHECK(run.ending == Ending::finished);
  CHECK(run.iterations == 30);
  CHECK(run.steps == 30);
  CHECK(run.parameters_from == 30);
  CHECK(to_host(run.parameters[0].tensor()) == to_host(p.tensor()));
  const auto total = run.history.values("total");
  REQUIRE(total.size() == 30);
  CHECK(total[0] == 40.5);
  CHECK(total[7] == doctest::Approx(40.5 * std::pow(0.81, 7)).epsilon(1e-12));
  CHECK(run.history.values("half_square") == total);
  CHECK_THROWS_WITH_AS(static_cast<void>(run.history.values("mse")),
                       "History: no column \"mse\"; the columns: total, half_square", Error);
}

TEST_CASE("adaptive optimisers find Rosenbrock's minimum") {
  for (const UpdateRule<B>& rule : {UpdateRule<B>(Adam{}), UpdateRule<B>(AdaBelief{}), UpdateRule<B>(AdamW{.weight_decay = 0})}) {
    Array<B> p({2}, std::vector<double>{-1.2, 1});
    Rosenbrock valley{p};
    fit(valley, {{.parameters = p, .optimiser = rule, .rate = schedule::Cosine{.rate = 0.03, .steps = 10000}}},
        {.iterations = 10000});
    CHECK(std::abs(p.data()[0] - 1) < 1e-2);
    CHECK(std::abs(p.data()[1] - 1) < 2e-2);
  }
}

TEST_CASE("a network learns through the tape") {
  using F = Cpu<float>;
  struct Regression {
    using Backend = F;
    Mlp<activation::Tanh> net{{1, 16, 1}};
    Array<F> p = initial_parameters<F>(layout_of(net), Random(3)), x{Shape{64, 1}}, y{Shape{64, 1}};
    Losses evaluate(const Step&, const Tensor<F>& gradient) {
      const auto [loss, slope] = value_and_grad(
          [&](const auto& theta) {
            using X = std::remove_cvref_t<decltype(theta)>;
            return mean(square(net(theta, X(x.tensor())) - X(y.tensor())));
          },
          p.tensor());
      F::copy(gradient, slope);
      return double(*loss.data());
    }
  } problem;
  for (Index i = 0; i < 64; ++i) {
    problem.x.data()[i] = float(i) / 32 - 1;
    problem.y.data()[i] = std::sin(3 * problem.x.data()[i]);
  }
  const auto run = fit(problem, {{.parameters = problem.p, .optimiser = Adam{}, .rate = 0.02}}, {.iterations = 500});
  const auto loss = run.history.values("total");
  CHECK(loss.front() > 0.2);
  CHECK(loss.back() < 2e-3);
}

TEST_CASE("players take turns, in their order") {
  struct Recorder {
    using Backend = B;
    std::vector<std::string> log;
    double evaluate(const Step& s, const Tensor<B>& g) {
      B::fill(g, 1);
      log.push_back("e" + text(s));
      return 1;
    }
    void after_step(const Step& s) { log.push_back("a" + text(s)); }
    static std::string text(const Step& s) {
      return std::to_string(s.player) + std::to_string(s.inner) + std::to_string(s.outer) + std::to_string(s.count);
    }
  } problem;
  Array<B> contexts(Shape{2}), weights(Shape{3}), gate(Shape{1});
  const auto run = fit(problem,
                       {{.name = "contexts", .parameters = contexts, .optimiser = Sgd{}, .rate = 1, .inner_steps = 2},
                        {.name = "gate", .parameters = gate, .inner_steps = 0},
                        {.name = "weights", .parameters = weights, .optimiser = Sgd{}, .rate = schedule::Linear{0, 10, 10}}},
                       {.iterations = 2});
  CHECK(problem.log == std::vector<std::string>{"e0000", "a0000", "e0101", "a0101", "e2002", "a2002",  //
                                                "e0013", "a0013", "e0114", "a0114", "e2015", "a2015"});
  CHECK(contexts.data()[1] == -4);
  CHECK(weights.data()[2] == -1);  // its own schedule counts its own steps: 0 + 1
  CHECK(gate.data()[0] == 0);
  CHECK(run.players == std::vector<std::string>{"contexts", "gate", "weights"});
  CHECK(run.history.names() == std::vector<std::string>{"contexts.total", "weights.total"});

  // Another one begins, and the others follow round about.
  problem.log.clear();
  B::fill(weights, 0);
  const auto turned = fit(problem,
                          {{.name = "contexts", .parameters = contexts, .optimiser = Sgd{}, .rate = 1, .inner_steps = 2},
                           {.name = "gate", .parameters = gate, .inner_steps = 0},
                           {.name = "weights", .parameters = weights, .optimiser = Sgd{}, .rate = 1}},
                          {.iterations = 2, .first_player = 1});  // who takes no step leaves it to the next
  CHECK(problem.log == std::vector<std::string>{"e2000", "a2000", "e0001", "a0001", "e0102", "a0102",  //
                                                "e2013", "a2013", "e0014", "a0014", "e0115", "a0115"});
  CHECK(turned.history.rows() == 2);
  CHECK(weights.data()[0] == -2);
}

TEST_CASE("a step's random stream depends on the seed and the step alone") {
  struct Drawer {
    using Backend = B;
    std::vector<double> drawn;
    double evaluate(const Step& s, const Tensor<B>& g) {
      B::fill(g, 0);
      Random random = s.random;
      drawn.push_back(random.next_uniform());
      return 0;
    }
  } first, second, other;
  Array<B> p(Shape{1});
  fit(first, {{.parameters = p}}, {.iterations = 5, .seed = 7});
  fit(second, {{.parameters = p}}, {.iterations = 5, .seed = 7});
  fit(other, {{.parameters = p}}, {.iterations = 5, .seed = 8});
  CHECK(first.drawn == second.drawn);
  CHECK(first.drawn != other.drawn);
  CHECK(first.drawn[0] != first.drawn[1]);
}

TEST_CASE("the proximal term is half beta times the mean square displacement, zero at the first inner step of every turn") {
  constexpr double beta = 10, rate = 0.05;
  Array<B> p({3}, std::vector<double>{2, 5, -7});
  Bowl bowl{p};
  const auto run =
      fit(bowl, {{.parameters = p, .optimiser = Sgd{}, .rate = rate, .inner_steps = 4, .proximal = beta}}, {.iterations = 3});

  std::vector<double> q{2, 5, -7};
  const auto term = run.history.values("proximal"), total = run.history.values("total"), own = run.history.values("half_square");
  for (std::size_t outer = 0; outer < 3; ++outer) {
    const auto start = q;
    double sum = 0;
    for (int inner = 0; inner < 4; ++inner) {
      double square = 0;
      for (std::size_t i = 0; i < 3; ++i) {
        const double moved = q[i] - start[i];
        square += moved * moved;
        q[i] -= rate * ((q[i] - 1) + beta * moved / 3);
      }
      if (inner == 0) CHECK(square == 0);
      sum += 0.5 * beta * square / 3;
    }
    CHECK(term[outer] == doctest::Approx(sum / 4).epsilon(1e-12));
    CHECK(total[outer] == doctest::Approx(own[outer] + term[outer]).epsilon(1e-12));
  }
  for (Index i = 0; i < 3; ++i) CHECK(p.data()[i] == doctest::Approx(q[std::size_t(i)]).epsilon(1e-13));
}

TEST_CASE("a turn of a single step never feels the proximal term") {
  Array<B> with({2}, std::vector<double>{4, -3}), without(with);
  Bowl a{with}, b{without};
  const auto run = fit(a, {{.parameters = with, .rate = 0.1, .proximal = 1e6}}, {.iterations = 20});
  fit(b, {{.parameters = without, .rate = 0.1}}, {.iterations = 20});
  CHECK(to_host(with.tensor()) == to_host(without.tensor()));
  for (double x : run.history.values("proximal")) CHECK(x == 0);
}

TEST_CASE("a long turn ends at the proximal point") {
  // argmin (p - 1)^2 / 2 + beta / (2 n) (p - p0)^2 = (1 + beta / n p0) / (1 + beta / n)
  Array<B> p({2}, std::vector<double>{5, -1});
  Bowl bowl{p};
  fit(bowl, {{.parameters = p, .optimiser = Sgd{}, .rate = 0.1, .inner_steps = 400, .proximal = 6}}, {.iterations = 1});
  CHECK(p.data()[0] == doctest::Approx((1 + 3 * 5.0) / 4).epsilon(1e-12));
  CHECK(p.data()[1] == doctest::Approx((1 - 3 * 1.0) / 4).epsilon(1e-12));
}

TEST_CASE("a turn ends where a step changes the parameters by less than the tolerance") {
  // A step takes 0.1 (p - 1) off, so that 0.01 (p - 1)^2 / p^2 is what it changes them by, relative to what they were.
  constexpr double tolerance = 1e-4;
  Array<B> p({1}, std::vector<double>{3}), other({1}, std::vector<double>{3});
  struct Two {
    using Backend = B;
    Tensor<B> p, other;
    double evaluate(const Step& s, const Tensor<B>& g) {
      const double away = (s.player == 0 ? p : other).data()[0] - 1;
      g.data()[0] = away;
      return away * away / 2;
    }
  } problem{p, other};
  const auto run = fit(problem,
                       {{.name = "a", .parameters = p, .optimiser = Sgd{}, .rate = 0.1, .inner_steps = 100, .tolerance = tolerance},
                        {.name = "b", .parameters = other, .optimiser = Sgd{}, .rate = 0.1, .inner_steps = 3}},
                       {.iterations = 2});
  std::vector<double> losses;
  double q = 3, change = 1;
  while (change >= tolerance) {
    losses.push_back((q - 1) * (q - 1) / 2);
    const double step = 0.1 * (q - 1);
    change = step * step / (q * q);
    q -= step;
  }
  REQUIRE(losses.size() == 29);  // (p - 1) / p < 0.1 after 28 steps
  CHECK(run.history.values("a.total")[0] == doctest::Approx(std::accumulate(losses.begin(), losses.end(), 0.0) / 29));
  CHECK(run.history.values("a.total")[1] == doctest::Approx((q - 1) * (q - 1) / 2));  // one step, which changes less still
  CHECK(p.data()[0] == doctest::Approx(1 + 0.9 * (q - 1)).epsilon(1e-14));
  CHECK(run.history.values("b.total")[0] == doctest::Approx(2 * (1 + 0.81 + 0.81 * 0.81) / 3));
  CHECK(run.steps == 29 + 3 + 1 + 3);
  CHECK(run.iterations == 2);

  // Nothing is small beside parameters that are 0: a turn does not end at its start.
  B::fill(p, 0);
  fit(problem, {{.parameters = p, .optimiser = Sgd{}, .rate = 1e-9, .inner_steps = 2, .tolerance = 1e-3}}, {.iterations = 1});
  CHECK(p.data()[0] == doctest::Approx(2e-9));
}

TEST_CASE("parts that share an optimiser's state are moved one after the other, with the moments of the one before") {
  struct Sloped {
    using Backend = B;
    Tensor<B> p;
    double evaluate(const Step& s, const Tensor<B>& g) {
      for (Index i = 0; i < p.size(); ++i) g.data()[i] = p.data()[i] * double(i + 1) - double(s.count);
      return 1;
    }
  };
  const std::vector<double> start{1, -2, 0.5, 3, -1, 2};
  const schedule::Stepwise rate{0.1, 0.5, {2}};  // counts steps, not updates
  for (const UpdateRule<B>& rule : {UpdateRule<B>(Sgd{.momentum = 0.9}), UpdateRule<B>(AdaBelief{})}) {
    Array<B> together({6}, start), apart({3, 2}, start);
    Sloped problem{together};
    fit(problem, {{.parameters = together, .optimiser = rule, .rate = rate, .parts_sharing_state = 3}}, {.iterations = 4});
    const Array<B> g(Shape{6});
    auto state = rule.initial_state(apart.tensor().rows(0, 1));
    for (Index step = 0; step < 4; ++step) {
      Sloped{apart}.evaluate(Step{.count = step}, g);
      for (Index part = 0; part < 3; ++part)
        rule.update(state, apart.tensor().rows(part, 1), g.tensor().reshape({3, 2}).rows(part, 1), step < 2 ? 0.1 : 0.05);
    }
    CHECK(state.count == 12);
    CHECK(to_host(together.tensor()) == to_host(apart.tensor()));
    Array<B> alone({6}, start);
    problem.p = alone;
    fit(problem, {{.parameters = alone, .optimiser = rule, .rate = rate}}, {.iterations = 4});
    CHECK(alone.data()[5] != together.data()[5]);
  }
}

TEST_CASE("a clipped run takes steps of the clip's length") {
  Array<B> p({2}, std::vector<double>{1 + 300, 1 + 400});
  Bowl bowl{p};
  fit(bowl, {{.parameters = p, .optimiser = Sgd{}, .rate = 1}}, {.iterations = 10, .clip = {.norm = 5}});
  CHECK(p.data()[0] == doctest::Approx(301 - 30).epsilon(1e-12));
  CHECK(p.data()[1] == doctest::Approx(401 - 40).epsilon(1e-12));
}

TEST_CASE("a gradient whose square leaves the range of float is clipped, not refused") {
  using F = Cpu<float>;
  struct Steep {
    using Backend = F;
    double evaluate(const Step&, const Tensor<F>& g) {
      g.data()[0] = 3e25f;
      g.data()[1] = -4e25f;
      return 1;
    }
  } problem;
  Array<F> p(Shape{2});
  fit(problem, {{.parameters = p, .optimiser = Sgd{}, .rate = 1}}, {.iterations = 1, .clip = {.norm = 5}});
  CHECK(p.data()[0] == doctest::Approx(-3));
  CHECK(p.data()[1] == doctest::Approx(4));
}

/// Moves by 1 a step; validation is lowest at 7.
struct Walk {
  using Backend = B;
  Tensor<B> p;
  std::vector<double> validated;
  double evaluate(const Step&, const Tensor<B>& g) {
    B::fill(g, -1);
    return 0;
  }
  double validate() {
    validated.push_back(p.data()[0]);
    return std::abs(p.data()[0] - 7) + 0.25;
  }
};

TEST_CASE("with validation the best parameters are kept, and patience ends the run") {
  Array<B> p(Shape{1}), kept(Shape{1});
  Walk walk{p, {}};
  const auto run =
      fit(walk, {{.parameters = p, .optimiser = Sgd{}, .rate = 1}}, {.iterations = 100, .validation_every = 2, .patience = 3});
  CHECK(run.ending == Ending::early_stop);
  // 6 and 8 are equally near to 7: the first counts, and after 8, 10, 12 patience is over.
  CHECK(walk.validated == std::vector<double>{2, 4, 6, 8, 10, 12});
  CHECK(run.iterations == 12);
  CHECK(run.parameters_from == 6);
  CHECK(run.best_validation == 1.25);
  CHECK(run.parameters[0].data()[0] == 6);
  CHECK(p.data()[0] == 6);
  const auto v = run.history.values("validation");
  REQUIRE(v.size() == 12);
  CHECK(std::isnan(v[0]));
  CHECK(v[1] == 5.25);

  Array<B> q(Shape{1});
  Walk whole{q, {}};
  const auto full = fit(whole, {{.parameters = q, .optimiser = Sgd{}, .rate = 1}}, {.iterations = 15, .validation_every = 10});
  CHECK(whole.validated == std::vector<double>{10, 15});  // the last iteration always
  CHECK(full.ending == Ending::finished);
  CHECK(full.parameters_from == 10);
}

TEST_CASE("what only rides along comes back with the best") {
  struct Refitted : Walk {
    Tensor<B> gate;
    void after_step(const Step& s) { gate.data()[0] = double(s.count) + 1; }
  } problem;
  Array<B> p(Shape{1}), gate(Shape{1});
  problem.p = p;
  problem.gate = gate;
  fit(problem,
      {{.name = "weights", .parameters = p, .optimiser = Sgd{}, .rate = 1},
       {.name = "gate", .parameters = gate, .inner_steps = 0}},
      {.iterations = 20, .validation_every = 1});
  CHECK(p.data()[0] == 7);
  CHECK(gate.data()[0] == 7);
}

TEST_CASE("a validation that is never a number leaves the last parameters") {
  struct Lost : Walk {
    double validate() { return std::nan(""); }
  } problem;
  Array<B> p(Shape{1});
  problem.p = p;
  const auto run = fit(problem, {{.parameters = p, .optimiser = Sgd{}, .rate = 1}}, {.iterations = 30, .patience = 2});
  CHECK(run.ending == Ending::early_stop);
  CHECK(p.data()[0] == 20);
  CHECK(std::isnan(run.best_validation));
}

TEST_CASE("a problem may list its players and its terms itself") {
  struct Named {
    std::string_view name;
    double value;
  };
  struct Problem {
    using Backend = B;
    Array<B> p{Shape{2}};
    std::vector<Named> terms{{"total", 1}, {"mse", 0.75}, {"penalty", 0.25}};
    std::vector<Player<B>> players() const { return {{.parameters = p, .optimiser = Sgd{}, .rate = 0.5}}; }
    std::span<const Named> evaluate(std::size_t player, const Tensor<B>& gradient) {
      CHECK(player == 0);
      B::fill(gradient, -1);
      return terms;
    }
  } problem;
  const auto run = fit(problem, problem.players(), {.iterations = 3});
  CHECK(run.history.names() == std::vector<std::string>{"total", "mse", "penalty"});
  CHECK(run.history.at(2, 1) == 0.75);
  CHECK(problem.p.data()[1] == 1.5);
}

TEST_CASE("options that make no sense are refused before the first step") {
  Array<B> p(Shape{2});
  Bowl bowl{p};
  const auto message = [&](const std::vector<Player<B>>& players, const FitOptions& options = {}) {
    try {
      fit(bowl, players, options);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(message({}) == "fit: no player; expected at least one");
  Player<B> nobody;
  nobody.name = "w";
  CHECK(message({nobody}) == "fit: player \"w\" has no parameters");
  CHECK(message({{.parameters = p}, {.parameters = p}}) == "fit: two players are named \"parameters\"");
  CHECK(message({{.parameters = p, .inner_steps = 0}}) == "fit: no player takes a step");
  CHECK(message({{.parameters = p, .inner_steps = -1}}) ==
        "fit: player \"parameters\" takes -1 inner steps; expected at least 0");
  CHECK(message({{.parameters = p, .proximal = -2}}) ==
        "fit: player \"parameters\" has the proximal weight -2; expected at least 0");
  Layout layout;
  layout.add("w", {3}, {});
  CHECK(message({{.parameters = p, .layout = layout}}) == "fit: player \"parameters\" has 2 parameters, its layout names 3");
  CHECK(message({{.parameters = p, .tolerance = -1}}) == "fit: player \"parameters\" has the tolerance -1; expected at least 0");
  for (const Index parts : {0, 3, 4})
    CHECK(message({{.parameters = p, .parts_sharing_state = parts}}) ==
          "fit: the optimiser's state of player \"parameters\" is shared by " + std::to_string(parts) +
              " parts; expected at least 1, and a divisor of the number of its parameters, 2");
  Layout whole;
  whole.add("w", {2}, {});
  CHECK(message({{.parameters = p, .parts_sharing_state = 2, .layout = whole}}) ==
        "fit: \"parameters.w\" of shape [2] lies in more than one of the 2 parts of 1 parameters that share an optimiser's state");
  CHECK(message({{.parameters = p}}, {.first_player = 1}) ==
        "fit: first_player is 1; expected less than the number of players, 1");
  CHECK(message({{.parameters = p}}, {.iterations = -1}) == "fit: -1 iterations; expected at least 0");
  CHECK(message({{.parameters = p}}, {.validation_every = 0}) == "fit: validation_every is 0; expected at least 1");
  CHECK(p.data()[0] == 0);
  CHECK(message({{.parameters = p}}, {.iterations = 0}).empty());
}

TEST_CASE("a run prints how it ended and a table of its terms") {
  Array<B> p({1}, std::vector<double>{3});
  Bowl bowl{p};
  auto run = fit(bowl, {{.parameters = p, .optimiser = Sgd{}, .rate = 0.5}}, {.iterations = 3});
  run.seconds = 1.5;
  std::ostringstream out;
  out.precision(12);
  out << run << 1.0 / 3;
  CHECK(out.str() ==
        "finished after 3 iterations (3 steps) in 1.5 s: 2 steps/s\n"
        "parameters of iteration 3\n"
        "term              first        last      lowest   iteration\n"
        "total                 2       0.125       0.125           3\n"
        "half_square           2       0.125       0.125           3\n"
        "0.333333333333");
}

}  // namespace train_fit_test
