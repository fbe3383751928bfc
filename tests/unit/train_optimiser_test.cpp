// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/core/parameters.hpp>
#include <moesaic/train/optimiser.hpp>
#include <moesaic/train/update_rule.hpp>

namespace train_optimiser_test {

using namespace moesaic;

/// Ten updates at rate 0.1 of four parameters whose gradients oscillate with sizes 1, 0.01, 100 and 0.
template <class T, class Optimiser>
std::vector<T> ten_updates(const Optimiser& optimiser) {
  using B = Cpu<T>;
  Array<B> p({4}, std::vector<T>{1, -2, 3, 0.5}), g(Shape{4});
  auto state = initial_state(optimiser, p.tensor());
  for (int t = 0; t < 10; ++t) {
    const double phase = 1.7 * t;
    const T now[] = {T(std::cos(phase)), T(0.01 * std::cos(phase + 0.9)), T(100 * std::cos(phase + 1.8)), 0};
    B::from_host(g, now);
    update(optimiser, state, p.tensor(), g.tensor(), 0.1);
  }
  return to_host(p.tensor());
}

template <class Optimiser>
void check_golden(const Optimiser& optimiser, const std::vector<double>& expected) {
  const auto d = ten_updates<double>(optimiser);
  const auto f = ten_updates<float>(optimiser);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(d[i] == doctest::Approx(expected[i]).epsilon(1e-13));
    CHECK(f[i] == doctest::Approx(expected[i]).epsilon(2e-5));
  }
}

double noise(int t, std::size_t i) { return std::sin(1.0 + 0.37 * double(i) + 2.1 * t) * std::exp(0.1 * double(i % 30) - 2); }

/// Fifty updates of 1003 parameters, compared with a loop over single numbers.
template <class Optimiser, class Reference>
void check_loop(const Optimiser& optimiser, Reference reference) {
  using B = Cpu<double>;
  const std::size_t n = 1003;
  std::vector<double> p(n), first(n), second(n), g(n);
  for (std::size_t i = 0; i < n; ++i) p[i] = noise(-1, i);
  Array<B> q({Index(n)}, p), gradient({Index(n)}, g);
  auto state = initial_state(optimiser, q.tensor());
  for (int t = 1; t <= 50; ++t) {
    const double rate = 0.01 / t;
    for (std::size_t i = 0; i < n; ++i) {
      g[i] = noise(t, i);
      reference(p[i], first[i], second[i], g[i], t, rate);
    }
    B::from_host(gradient, g.data());
    update(optimiser, state, q.tensor(), gradient.tensor(), rate);
  }
  double worst = 0;
  for (std::size_t i = 0; i < n; ++i) worst = std::max(worst, std::abs(q.data()[i] - p[i]));
  CHECK(worst < 1e-13);
  CHECK(state.count == 50);
}

// Computed with optax 0.2.8 in double precision.
TEST_CASE("optimisers give optax's numbers") {
  check_golden(Sgd{}, {0.978470150034431, -1.99931854498489, 13.624969603003, 0.5});
  check_golden(Sgd{.momentum = 0.9}, {0.64738315183387, -1.99959002966028, 43.3585178139085, 0.5});
  check_golden(Sgd{.momentum = 0.9, .nesterov = true}, {0.661114986684914, -1.99894957167914, 49.9476356355206, 0.5});
  check_golden(Adam{}, {0.796594049360194, -2.04842052994475, 3.27671532918164, 0.5});
  check_golden(AdamW{}, {0.796509003899729, -2.0482148146254, 3.27639579274821, 0.49995000224994});
  check_golden(AdamW{.b1 = 0.8, .b2 = 0.99, .eps = 1e-3, .eps_root = 1e-5, .weight_decay = 0.05},
               {0.784122699414078, -1.9281811067867, 3.10107255126076, 0.475555065232886});
  check_golden(AdaBelief{}, {0.77684858323513, -2.0558496425511, 3.30641539943801, 0.5});
}

TEST_CASE("optimisers agree with loops over single numbers") {
  check_loop(Sgd{.momentum = 0.8}, [](double& p, double& v, double&, double g, int, double rate) {
    v = 0.8 * v + g;
    p -= rate * v;
  });
  check_loop(Adam{}, [](double& p, double& m, double& v, double g, int t, double rate) {
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    p -= rate * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
  });
  check_loop(AdamW{.weight_decay = 0.3}, [](double& p, double& m, double& v, double g, int t, double rate) {
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    p -= rate * ((m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8) + 0.3 * p);
  });
  check_loop(AdaBelief{}, [](double& p, double& m, double& s, double g, int t, double rate) {
    m = 0.9 * m + 0.1 * g;
    s = 0.999 * s + 0.001 * (g - m) * (g - m) + 1e-16;
    p -= rate * (m / (1 - std::pow(0.9, t))) / (std::sqrt(s / (1 - std::pow(0.999, t))) + 1e-16);
  });
}

TEST_CASE("parameters without weight decay move as by Adam, the others as by AdamW") {
  using B = Cpu<double>;
  const Index n = 1003;
  std::vector<double> start(std::size_t(n), 0.0);
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = noise(-1, i);
  const auto trained = [&](const auto& optimiser) {
    const Array<B> p({n}, start), g({n});
    auto state = initial_state(optimiser, p.tensor());
    for (int t = 1; t <= 3; ++t) {
      for (Index i = 0; i < n; ++i) g.data()[i] = noise(t, std::size_t(i));
      update(optimiser, state, p.tensor(), g.tensor(), 0.1);
    }
    return to_host(p.tensor());
  };
  const auto found = trained(AdamW{.weight_decay = 0.5, .undecayed = {{0, 3}, {7, 1}, {500, 250}}});
  const auto adam = trained(Adam{}), adamw = trained(AdamW{.weight_decay = 0.5});
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool spared = i < 3 || i == 7 || (i >= 500 && i < 750);
    CHECK(found[i] == doctest::Approx(spared ? adam[i] : adamw[i]).epsilon(1e-14));
    CHECK(std::abs(adam[i] - adamw[i]) > 1e-4 * std::abs(adam[i]));
  }
  CHECK_THROWS_WITH_AS(trained(AdamW{.undecayed = {{4, 3}, {6, 2}}}),
                       "AdamW: undecayed parameters 6 .. 8; expected 7 .. 1003 or a part of it", Error);
  CHECK_THROWS_WITH_AS(trained(AdamW{.undecayed = {{1000, 4}}}),
                       "AdamW: undecayed parameters 1000 .. 1004; expected 0 .. 1003 or a part of it", Error);
}

TEST_CASE("parameters are chosen by name, neighbours as one range") {
  Layout l;
  for (const char* name : {"a.weight", "a.bias", "a.skip", "b.weight", "b.bias"}) l.add(name, {2, 3}, init::constant(0));
  using Ranges = std::vector<std::pair<Index, Index>>;
  CHECK(parameters_where(l, [](const std::string& name) { return name.ends_with(".bias"); }) == Ranges{{6, 6}, {24, 6}});
  CHECK(parameters_where(l, [](const std::string& name) { return !name.ends_with(".weight"); }) == Ranges{{6, 12}, {24, 6}});
  CHECK(parameters_where(l, [](const std::string&) { return false; }).empty());
}

TEST_CASE("the first step of Adam has the learning rate's length whatever the gradient's") {
  using B = Cpu<double>;
  for (double size : {1e-4, 1.0, 1e6}) {
    Array<B> p(Shape{1}), g({1}, std::vector<double>{size});
    auto state = initial_state(Adam{}, p.tensor());
    update(Adam{}, state, p.tensor(), g.tensor(), 0.25);
    CHECK(p.data()[0] == doctest::Approx(-0.25).epsilon(1e-3));
  }
}

TEST_CASE("plain gradient descent keeps no moments") {
  const Array<Cpu<float>> p(Shape{3});
  CHECK_FALSE(bool(initial_state(Sgd{}, p.tensor()).moment[0]));
  CHECK(bool(initial_state(Sgd{.momentum = 0.5}, p.tensor()).moment[0]));
}

TEST_CASE("shapes that do not fit are refused") {
  using B = Cpu<float>;
  const Array<B> p(Shape{3}), g(Shape{4});
  auto state = initial_state(Adam{}, p.tensor());
  CHECK_THROWS_WITH_AS(update(Adam{}, state, p.tensor(), g.tensor(), 1),
                       "optimiser: the parameters have shape [3], the gradient has shape [4]", Error);
  auto foreign = initial_state(Adam{}, g.tensor());
  CHECK_THROWS_WITH_AS(update(Adam{}, foreign, p.tensor(), p.tensor(), 1),
                       "optimiser: the parameters have shape [3], moment 0 of the state has shape [4]", Error);
}

/// A user's own rule: the sign of the gradient.
struct SignDescent {
  int moments() const { return 0; }
  template <class B>
  void step(OptimiserState<B>& state, const Tensor<B>& p, const Tensor<B>& g, double rate) const {
    for (Index i = 0; i < p.size(); ++i) p.data()[i] -= float(rate / double(state.count)) * (g.data()[i] > 0 ? 1.0f : -1.0f);
  }
};

TEST_CASE("an update rule holds any optimiser") {
  using B = Cpu<float>;
  Array<B> p(Shape{2}), g({2}, std::vector<float>{3, -4});
  UpdateRule<B> rule = AdaBelief{};
  rule = SignDescent{};
  auto state = rule.initial_state(p.tensor());
  rule.update(state, p.tensor(), g.tensor(), 1);
  rule.update(state, p.tensor(), g.tensor(), 1);
  CHECK(to_host(p.tensor()) == std::vector<float>{-1.5f, 1.5f});
}

}  // namespace train_optimiser_test
