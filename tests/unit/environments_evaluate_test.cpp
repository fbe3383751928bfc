// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>

#include <doctest/doctest.h>

#include <moesaic/train/environments.hpp>

#include "support/mixer_support.hpp"

namespace environments_evaluate_test {

using namespace mixer_test;
using B = Cpu<double>;

/// `dx/dt = x A (1 + context) + context^3`: no expansion of low order is exact.
struct BentField : LinearField {
  template <class X>
  auto bind(Slots<X>& slots, const X& context_rows, Index) const {
    const X a = slots.take({state, state}), c = reshape(context_rows, {shape(context_rows)[0], 1, context});
    return [a, c](double, const X& x) { return matmul(x, a) * (c + 1.0) + square(c) * c; };
  }
};

auto model_of(Index count, int taylor = 0, const gate::KMeansLeastSquares& gate = {}) {
  return contextual(count, BentField{}, gate, loss::mse, taylor);
}
using Model = decltype(model_of(1));
using Training = EnvironmentTraining<B, Model>;

Step step_of(std::size_t player, Index count = 0) { return {player, 0, 0, count, Random(1).fork(std::uint64_t(count))}; }

/// A training in the middle: contexts are not 0.
struct Example {
  Model model;
  EnvironmentData<B> data;
  Training training;
  Array<B> gradient;

  Example(const Model& m, const EnvironmentOptions& options, Index environments = 6)
      : model(m), data(waves(environments, 2, 4)), training(model, data, options) {
    B::copy(training.contexts, numbers(training.contexts.shape(), 2, 0.5));
    const auto gate = training.parameters.tensor().rows(model.gate_offset(), model.gate_size);
    B::fill(gate.rows(model.gate_size - model.experts.count, model.experts.count), 0.0);  // no bias: several experts are chosen
  }
  Losses evaluate(std::size_t player, Index count = 0) {
    gradient = Array<B>((player == Training::contexts_player ? training.contexts : training.parameters).shape());
    return training.evaluate(step_of(player, count), gradient);
  }
  double total(Index count = 0) { return evaluate(Training::contexts_player, count).total(); }

  /// Mean loss of hand-made solves `(environment, pool)`, by the pool's expert.
  double mean_of(const std::vector<std::pair<Index, Index>>& pairs) {
    EnvironmentStep<B, Model> step(model, 3);
    std::vector<Solve> solves;
    for (const auto& [e, pool] : pairs) solves.push_back({e, e, pool, training.routing()[std::size_t(pool)], 1});
    std::vector<double> losses(solves.size());
    step(solves, data, training.parameters, training.contexts, EnvironmentStep<B, Model>::Wanted::nothing, {}, losses);
    return std::accumulate(losses.begin(), losses.end(), 0.0) / double(losses.size());
  }
  /// Environments that have a gradient with respect to their context.
  std::vector<Index> moved() const {
    std::vector<Index> out;
    const Index d = gradient.shape()[1];
    for (Index e = 0; e < gradient.shape()[0]; ++e)
      if (std::any_of(gradient.data() + e * d, gradient.data() + (e + 1) * d, [](double g) { return g != 0; })) out.push_back(e);
    return out;
  }
  double distance(Index a, Index b) const {
    const Index d = training.contexts.shape()[1];
    double sum = 0;
    for (Index i = 0; i < d; ++i) sum += std::abs(training.contexts.data()[a * d + i] - training.contexts.data()[b * d + i]);
    return sum;
  }
};

TEST_CASE("a mixture of one expert is that expert, bit for bit") {
  Example x(model_of(1), {.part_size = 100});
  const auto& expert = x.model.experts.prototype;
  const Index environments = x.data.environments;

  for (std::size_t player : {Training::contexts_player, Training::weights_player}) {
    Tape<Tensor<B>> tape;
    const auto weights = tape.leaf(view(x.training.parameters.tensor(), 0, {x.model.expert_size}));
    const auto contexts = tape.leaf(x.training.contexts.tensor());
    Situation<Var<Tensor<B>>> s;
    s.context = contexts;
    s.initial = x.data.initial;
    s.rate = x.data.rate.tensor().reshape({environments, 1, 1});
    s.times = x.data.times;
    Outcome<Var<Tensor<B>>> outcome;
    outcome.prediction = expert(weights, s);
    outcome.target = x.data.states.tensor().reshape({x.data.points, environments, x.data.trajectories, x.data.state});
    outcome.sample_axis = 1;
    const auto losses = loss::mse(outcome);
    const Array<B> seed({environments}, std::vector<double>(std::size_t(environments), 1.0 / double(environments)));
    sweep(losses, seed.tensor());
    double total = 0;
    for (Index e = 0; e < environments; ++e) total += 1.0 / double(environments) * losses.value.data()[e];

    CHECK(x.evaluate(player).total() == total);
    const auto direct = to_host((player == Training::contexts_player ? contexts : weights).node->adjoint);
    CHECK(std::equal(direct.begin(), direct.end(), x.gradient.data()));
  }
  CHECK(!x.training.refit_gate(Random(1)));
}

TEST_CASE("routing does not change when the gate's weights are scaled; ties go to the lowest index") {
  Example x(model_of(3), {});
  const auto first = std::vector<Index>(x.training.routing().begin(), x.training.routing().end());
  CHECK(std::count(first.begin(), first.end(), first[0]) < std::ptrdiff_t(first.size()));
  const double loss = x.total();
  const auto gate = x.training.parameters.tensor().rows(x.model.gate_offset(), x.model.gate_size);
  for (double factor : {1e-3, 7.0, 1e5}) {
    for (Index i = 0; i < gate.size(); ++i) gate.data()[i] *= factor;
    CHECK(std::equal(first.begin(), first.end(), x.training.routing().begin()));
    CHECK(x.total() == loss);
  }
}

TEST_CASE("of experts with equal logits the first runs, alone") {
  // MixER's released code runs all of them and adds their outputs (docs/mixer.md, "tied logits"): a field that no expert has
  // learnt, and which changes by a whole expert where rounding breaks the tie. Here an environment always has one expert.
  Example x(model_of(3), {});
  const auto gate = x.training.parameters.tensor().rows(x.model.gate_offset(), x.model.gate_size);
  const Array<B> alone = x.training.expert_losses();
  for (const Index first : {0, 1}) {  // all three tie, or the last two above the other
    B::fill(gate, 0.0);
    for (Index k = first; k < 3; ++k) gate.data()[gate.size() - 3 + k] = 1;
    for (Index k : x.training.routing()) CHECK(k == first);
    double mean = 0;
    for (Index e = 0; e < x.data.environments; ++e) mean += alone.data()[e * 3 + first] / double(x.data.environments);
    CHECK(x.total() == doctest::Approx(mean).epsilon(1e-14));
  }
}

TEST_CASE("what an environment's expert does not read has no gradient") {
  Example x(model_of(3), {});
  x.evaluate(Training::contexts_player);
  const auto routing = x.training.routing();
  for (Index e = 0; e < x.data.environments; ++e)
    for (Index i = 0; i < 6; ++i) CHECK((x.gradient.data()[e * 6 + i] == 0) == (i / 2 != routing[std::size_t(e)]));

  // Experts without an environment, and the gate.
  const auto gate = x.training.parameters.tensor().rows(x.model.gate_offset(), x.model.gate_size);
  B::fill(gate, 0.0);
  x.evaluate(Training::weights_player);
  for (Index i = 0; i < x.gradient.size(); ++i) CHECK((x.gradient.data()[i] == 0) == (i >= x.model.expert_size));
}

TEST_CASE("experts that see the whole context do with it what those with a part do with that") {
  const auto unsplit = [](Index count, int taylor) {
    Model model = model_of(count, taylor);
    auto bank = model.experts;
    bank.split_context = false;
    return Model(bank, model.gate, model.flow, model.loss);
  };
  for (const int taylor : {0, 2}) {
    CAPTURE(taylor);
    const EnvironmentOptions pool{.pool_size = 3, .part_size = 2};
    Example x(unsplit(3, taylor), pool), parts(model_of(3, taylor), pool);
    CHECK(x.model.features() == 2);
    CHECK(x.model.gate_size == 9);  // two numbers of a context and a bias, three experts
    CHECK(x.training.contexts.shape() == Shape{6, 2});
    // The same experts; parts that are alike.
    B::copy(parts.training.parameters.tensor().rows(0, x.model.gate_offset()), x.training.parameters.tensor().rows(0, x.model.gate_offset()));
    for (Index e = 0; e < 6; ++e)
      for (Index i = 0; i < 6; ++i) parts.training.contexts.data()[e * 6 + i] = x.training.contexts.data()[e * 2 + i % 2];
    CHECK(to_host(x.training.expert_losses().tensor()) == to_host(parts.training.expert_losses().tensor()));
    // A gate that reads the first part alone.
    const auto gate = x.training.parameters.tensor().rows(x.model.gate_offset(), 9),
               other = parts.training.parameters.tensor().rows(x.model.gate_offset(), 21);
    for (Index i = 0; i < 6; ++i)
      for (Index k = 0; k < 3; ++k) other.data()[i * 3 + k] = i < 2 ? gate.data()[i * 3 + k] : 0;
    const std::vector<Index> routing(x.training.routing().begin(), x.training.routing().end());
    CHECK(std::count(routing.begin(), routing.end(), routing[0]) < 6);
    CHECK(std::equal(routing.begin(), routing.end(), parts.training.routing().begin()));
    CHECK(x.total() == parts.total());
    // The gradients with respect to the parts add up to that with respect to the whole.
    x.evaluate(Training::contexts_player);
    parts.evaluate(Training::contexts_player);
    for (Index e = 0; e < 6; ++e)
      for (Index i = 0; i < 2; ++i) {
        CHECK(x.gradient.data()[e * 2 + i] != 0);
        const double* const g = parts.gradient.data() + e * 6 + i;
        CHECK(x.gradient.data()[e * 2 + i] == doctest::Approx(g[0] + g[2] + g[4]).epsilon(1e-12));
      }
    CHECK(x.training.refit_gate(Random(2)));
  }
  Example one(unsplit(1, 2), {.pool_size = 2}), same(model_of(1, 2), {.pool_size = 2});
  CHECK(one.total() == same.total());
  CHECK(to_host(one.gradient.tensor()) == to_host(same.gradient.tensor()));
}

TEST_CASE("softmax reweighting: total, and the gradient through the softmax") {
  for (Index pool : {1, 2}) {
    CAPTURE(pool);
    Example x(model_of(2, pool > 1 ? 2 : 0), {.contributors = 4, .pool_size = pool, .reweighting = Reweighting::softmax, .part_size = 2});
    for (Index i = 0; i < x.training.parameters.size(); ++i) x.training.parameters.data()[i] *= 2;  // unequal losses
    const auto totals = x.evaluate(Training::contexts_player, 5);
    const auto chosen = x.moved();
    CHECK(chosen.size() >= 4);  // with expansion also those expanded about
    CHECK(totals.name(1) == "mse");
    CHECK(totals.value(1) == doctest::Approx(totals.total()).epsilon(1e-12));

    if (pool == 1) {
      double partition = 0, expected = 0;
      for (Index e : chosen) partition += std::exp(x.mean_of({{e, e}}));
      for (Index e : chosen) expected += std::exp(x.mean_of({{e, e}})) / partition * x.mean_of({{e, e}});
      CHECK(totals.total() == doctest::Approx(expected).epsilon(1e-12));
    }
    for (std::size_t player : {Training::contexts_player, Training::weights_player}) {
      x.evaluate(player, 5);
      const Array<B> g = x.gradient;
      Array<B>& p = player == Training::contexts_player ? x.training.contexts : x.training.parameters;
      for (Index i = 0; i < std::min<Index>(p.size(), 10); ++i) {
        double& number = p.data()[i];
        const double start = number, h = 1e-6;
        number = start + h;
        const double above = x.total(5);
        number = start - h;
        const double below = x.total(5);
        number = start;
        CHECK((above - below) / (2 * h) == doctest::Approx(g.data()[i]).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("contributors are drawn without repetition, every environment as often as another") {
  Example x(model_of(2), {.contributors = 3}, 9);
  std::vector<int> seen(9, 0);
  for (Index count = 0; count < 300; ++count) {
    x.evaluate(Training::contexts_player, count);
    REQUIRE(x.moved().size() == 3);
    for (Index e : x.moved()) ++seen[std::size_t(e)];
  }
  for (int n : seen) CHECK(std::abs(n - 100) < 41);  // five standard deviations of 8.2
}

TEST_CASE("contributors by neighbourhood are a random environment and those nearest to it") {
  Example x(model_of(2), {.contributors = 3, .draw = Draw::neighbours}, 9);
  std::vector<int> seen(9, 0);
  for (Index count = 0; count < 60; ++count) {
    x.evaluate(Training::contexts_player, count);
    const auto chosen = x.moved();
    REQUIRE(chosen.size() == 3);
    bool some_centre = false;  // to which the others are at least as near as all that were left out
    for (Index centre : chosen) {
      double farthest = 0, nearest_out = 1e300;
      for (Index e = 0; e < 9; ++e)
        if (std::count(chosen.begin(), chosen.end(), e))
          farthest = std::max(farthest, x.distance(centre, e));
        else
          nearest_out = std::min(nearest_out, x.distance(centre, e));
      some_centre = some_centre || farthest <= nearest_out;
    }
    CHECK(some_centre);
    std::vector<std::pair<Index, Index>> pairs;
    for (Index e : chosen) {
      ++seen[std::size_t(e)];
      pairs.emplace_back(e, e);
    }
    CHECK(x.total(count) == doctest::Approx(x.mean_of(pairs)).epsilon(1e-13));
  }
  for (int n : seen) CHECK(n > 0);

  // Where all contexts are equal, at the start of a training, the random one is still among them.
  Example alone(model_of(2), {.contributors = 1, .draw = Draw::neighbours}, 9);
  B::fill(alone.training.contexts, 0.0);
  std::vector<int> drawn(9, 0);
  for (Index count = 0; count < 100; ++count) {
    alone.evaluate(Training::contexts_player, count);
    REQUIRE(alone.moved().size() == 1);
    ++drawn[std::size_t(alone.moved()[0])];
  }
  for (int n : drawn) CHECK(n > 0);
}

TEST_CASE("pools: what an environment is expanded about, and whose expert solves it") {
  const auto ranked = [](const Example& x, Index e, bool with_itself) {
    std::vector<Index> order;
    for (Index i = 0; i < x.data.environments; ++i)
      if (with_itself || i != e) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](Index a, Index b) { return x.distance(e, a) < x.distance(e, b); });
    return order;
  };
  for (int taylor : {1, 2}) {
    CAPTURE(taylor);
    for (Pool pool : {Pool::nearest, Pool::nearest_others, Pool::smallest}) {
      CAPTURE(int(pool));
      Example x(model_of(2, taylor), {.pool_size = 3, .pool = pool});
      const auto routing = x.training.routing();
      REQUIRE(std::count(routing.begin(), routing.end(), 0) % 6 != 0);  // both experts
      std::vector<std::pair<Index, Index>> pairs;
      for (Index e = 0; e < x.data.environments; ++e) {
        auto order = ranked(x, e, pool != Pool::nearest_others);
        if (pool == Pool::smallest) {
          const auto size = [&](Index i) {
            double sum = 0;
            for (Index k = 0; k < 4; ++k) sum += std::abs(x.training.contexts.data()[i * 4 + k]);
            return sum;
          };
          std::sort(order.begin(), order.end(), [&](Index a, Index b) { return size(a) < size(b); });
        }
        for (std::size_t j = 0; j < 3; ++j) pairs.emplace_back(e, order[j]);
      }
      CHECK(x.total() == doctest::Approx(x.mean_of(pairs)).epsilon(1e-13));
    }
    // Expanded about itself alone, an environment is not expanded at all.
    Example expanded(model_of(2, taylor), {}), plain(model_of(2), {});
    CHECK(expanded.total() == plain.total());
    B::fill(expanded.training.contexts, 0.0);
    B::fill(plain.training.contexts, 0.0);
    CHECK(expanded.total() == plain.total());

    Example random(model_of(2, taylor), {.pool_size = 2, .pool = Pool::random});
    CHECK(random.total(0) == random.total(0));
    CHECK(random.total(0) != random.total(1));
  }
}

TEST_CASE("contexts that are not numbers come last in any pool, and end the step with an error and not with a crash") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, infinite, -infinite})
    for (const Pool pool : {Pool::nearest, Pool::nearest_others, Pool::smallest, Pool::random})
      for (const bool all : {true, false}) {
        Example x(model_of(2, 1), {.contributors = 3, .draw = Draw::neighbours, .pool_size = 2, .pool = pool}, 9);
        B::fill(x.training.contexts.tensor().rows(0, all ? 9 : 8), bad);
        CHECK_THROWS_AS(x.total(), Error);
      }
}

TEST_CASE("order 0 ignores the pool") {
  Example with(model_of(2), {.pool_size = 4, .pool = Pool::nearest_others}), without(model_of(2), {});
  CHECK(with.total() == without.total());
}

TEST_CASE("at contexts 0 the published gate does not change; ours does not fail") {
  Example x(model_of(2, 0, {.refit = cluster::GateRefitOptions::published()}), {});
  B::fill(x.training.contexts, 0.0);
  const auto before = to_host(x.training.parameters.tensor());
  for (std::uint64_t i = 0; i < 5; ++i) CHECK(!x.training.refit_gate(Random(i)));
  CHECK(to_host(x.training.parameters.tensor()) == before);

  Example ours(model_of(2), {});
  B::fill(ours.training.contexts, 0.0);
  ours.training.refit_gate(Random(1));
  for (double p : to_host(ours.training.parameters.tensor())) CHECK(std::isfinite(p));
}

TEST_CASE("a clean fit gives the known levels of the softmax over its logits") {
  // Two groups of contexts, far apart; each is given the expert that is the better one on it, and nobody deserts it.
  gate::KMeansLeastSquares gate;
  gate.refit.desertion = 0;
  Example x(model_of(2, 0, gate), {}, 8);
  for (Index e = 0; e < 8; ++e)
    for (Index i = 0; i < 4; ++i) x.training.contexts.data()[e * 4 + i] = (e % 2 ? 1 : -1) * (1.0 + 0.2 * double(i)) + 1e-3 * double(e);
  REQUIRE(x.training.refit_gate(Random(4)));
  const auto logits = x.model.weigh(x.training.parameters.tensor(), x.training.contexts.tensor()).logits;
  const auto levels = to_host(softmax(logits));
  const auto routing = x.training.routing();
  for (Index e = 0; e < 8; ++e) {
    CHECK(routing[std::size_t(e)] == routing[std::size_t(e % 2)]);
    CHECK(logits.data()[2 * e] + logits.data()[2 * e + 1] == doctest::Approx(1));
    CHECK(levels[std::size_t(2 * e + routing[std::size_t(e)])] == doctest::Approx(0.7311).epsilon(2e-3));
  }
  CHECK(routing[0] != routing[1]);
}

}  // namespace environments_evaluate_test
