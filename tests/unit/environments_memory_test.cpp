// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>

#include <doctest/doctest.h>

#include <moesaic/ops/check_gradient.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>

#include "support/mixer_support.hpp"
#include "support/allocations.hpp"

namespace environments_memory_test {

using namespace mixer_test;
using B = Cpu<float>;

/// Notes how often memory was asked for in every evaluation and in what follows it.
template <class Training>
struct Counted {
  using Backend = B;
  Training& training;
  std::vector<std::size_t> evaluation{}, refit{}, validation{};

  Losses evaluate(const Step& step, const Tensor<B>& gradient) {
    const std::size_t before = allocations();
    const Losses losses = training.evaluate(step, gradient);
    evaluation.push_back(allocations() - before);
    return losses;
  }
  void after_step(const Step& step) {
    const std::size_t before = allocations();
    training.after_step(step);
    refit.push_back(allocations() - before);
  }
  bool validates() const { return training.validates(); }
  double validate() {
    const std::size_t before = allocations();
    const double metric = training.validate();
    validation.push_back(allocations() - before);
    return metric;
  }
};

struct Counts {
  std::vector<std::size_t> evaluation, refit, validation;
};

template <class Gate>
Counts count_allocations(const Gate& gate, const EnvironmentOptions& options, Index state = 2) {
  const auto model = contextual(2, LinearField{.state = state, .context = state}, gate, loss::mse, 2);
  const EnvironmentData<B> data(waves(8, 2, 4, state));
  EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(model, data, options);
  training.validate_on(EnvironmentData<B>(waves(8, 3, 6, state)));
  Counted<decltype(training)> counted{training};
  counted.evaluation.reserve(100);
  counted.refit.reserve(100);
  counted.validation.reserve(100);
  const auto players = training.players(1e-3, 1e-3, 4);
  fit(counted, std::span<const Player<B>>(players), {.iterations = 5, .validation_every = 1});
  return {counted.evaluation, counted.refit, counted.validation};
}

TEST_CASE("a gradient step allocates nothing after each player's first, nor do later refits and validations") {
  for (const auto& options : {EnvironmentOptions{}, EnvironmentOptions{.contributors = 5, .pool_size = 2, .part_size = 3},
                              EnvironmentOptions{.reweighting = Reweighting::softmax}}) {
    const Counts counts = count_allocations(gate::KMeansLeastSquares{.refit_every = 4}, options);
    REQUIRE(counts.evaluation.size() == 40);
    for (std::size_t i = 1; i < 40; ++i)
      if (i != 4) CHECK(counts.evaluation[i] == 0);
    for (std::size_t i = 0; i < 40; ++i)
      if (i != 3) CHECK(counts.refit[i] == 0);
    REQUIRE(counts.validation.size() == 5);
    for (std::size_t i = 1; i < 5; ++i) CHECK(counts.validation[i] == 0);
  }
}

TEST_CASE("nor does a refit that solves for more numbers of a context than there are environments, or one as published") {
  for (const auto& refit : {cluster::GateRefitOptions{}, cluster::GateRefitOptions::published()})
    for (const Index state : {2, 6}) {  // 4 and 12 numbers of a context
      const auto counts = count_allocations(gate::KMeansLeastSquares{.refit = refit, .refit_every = 1}, {}, state).refit;
      REQUIRE(counts.size() == 40);
      CHECK(counts[0] > 0);
      for (std::size_t i = 3; i < 40; ++i) CHECK(counts[i] == 0);
    }
}

TEST_CASE("nor does a refit after one that failed") {
  const auto model = contextual(2, LinearField{}, gate::KMeansLeastSquares{}, loss::mse);
  const EnvironmentData<B> data(waves(8, 2, 4));
  EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(model, data);
  const Array<B> contexts = numbers<B>({8, 4}, 3);
  std::size_t before = 0;
  for (const int round : {0, 1, 2}) {
    if (round == 1) before = allocations();
    B::fill(training.contexts, 0.f);
    CHECK_FALSE(training.refit_gate(Random(5)));  // all in one cluster
    B::copy(training.contexts, contexts);
    CHECK(training.refit_gate(Random(5)));
    CHECK(training.refit_gate(Random(5)));
  }
  CHECK(allocations() - before == 0);
}

TEST_CASE("nor does a step through a gate that is trained by gradient") {
  const auto evaluation = count_allocations(gate::Softmax{.top_k = 1, .renormalise = false}, {}).evaluation;
  REQUIRE(evaluation.size() == 40);
  for (std::size_t i = 1; i < evaluation.size(); ++i)
    if (i != 4) CHECK(evaluation[i] == 0);
}

TEST_CASE("training through a checkpointed flow has the gradients of a direct one, in less memory that does not grow") {
  const EnvironmentData<B> data(waves(6, 20, 4));
  struct Steps {
    Array<B> weights, contexts;
    std::size_t bytes;
  };
  const auto steps = [&](auto adjoint) {
    using Flow = ContextFlow<LinearField, ode::Rk4, decltype(adjoint)>;
    const Flow expert{.field = {}, .solver = {50}, .taylor = 1, .adjoint = adjoint};
    const auto model = mixture(experts<2>(expert), gate::Softmax{.top_k = 1}, flow::Identity{}, loss::mse);
    EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(model, data, {.pool_size = 2});
    B::from_host(training.contexts.tensor(), to_host(numbers<B>(training.contexts.shape(), 1, 0.1).tensor()).data());
    const Array<B> weights(training.parameters.shape()), contexts(training.contexts.shape());
    const auto step = [&] {
      training.evaluate(Step{.player = training.contexts_player}, contexts);
      training.evaluate(Step{.player = training.weights_player}, weights);
    };
    step();
    const std::size_t asked = allocations(), bytes = training.capacity();
    step();
    CHECK(allocations() == asked);
    CHECK(training.capacity() == bytes);
    return Steps{weights, contexts, bytes};
  };
  const Steps direct = steps(ode::Direct{}), kept = steps(ode::Checkpointed{10});
  const auto size = [](const Array<B>& g) { return std::sqrt(detail::dot<B>(g, g)); };
  const auto difference = [&](const Array<B>& a, const Array<B>& b) { return size(Array<B>(a.tensor() - b.tensor())); };
  CHECK(size(direct.weights) > 1e-3);
  CHECK(size(direct.contexts) > 1e-3);
  CHECK(difference(kept.weights, direct.weights) < 1e-5 * size(direct.weights));
  CHECK(difference(kept.contexts, direct.contexts) < 1e-5 * size(direct.contexts));
  MESSAGE(kept.bytes << " bytes instead of " << direct.bytes);
  CHECK(kept.bytes * 2 < direct.bytes);
}

}  // namespace environments_memory_test
