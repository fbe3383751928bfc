// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>

#include <doctest/doctest.h>

#include <moesaic/ops/check_gradient.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>

#include "support/mixer_support.hpp"
#include "support/allocations.hpp"

using namespace mixer_test;
using B = Cpu<float>;

namespace {

/// Notes how often memory was asked for in every evaluation and in what follows it.
template <class Training>
struct Counted {
  using Backend = B;
  Training& training;
  std::vector<std::size_t> evaluation{}, refit{};

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
};

template <class Gate>
auto count_allocations(const Gate& gate, const EnvironmentOptions& options) {
  const auto model = contextual(2, LinearField{}, gate, loss::mse, 2);
  const EnvironmentData<B> data(waves(8, 2, 4));
  EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(model, data, options);
  Counted<decltype(training)> counted{training};
  counted.evaluation.reserve(100);
  counted.refit.reserve(100);
  const auto players = training.players(1e-3, 1e-3, 4);
  fit(counted, std::span<const Player<B>>(players), {.iterations = 5});
  return std::pair(counted.evaluation, counted.refit);
}

}  // namespace

TEST_CASE("a gradient step allocates nothing after each player's first") {
  for (const auto& options : {EnvironmentOptions{}, EnvironmentOptions{.contributors = 5, .pool_size = 2, .part_size = 3},
                              EnvironmentOptions{.reweighting = Reweighting::softmax}}) {
    const auto [evaluation, refit] = count_allocations(gate::KMeansLeastSquares{.refit_every = 4}, options);
    REQUIRE(evaluation.size() == 40);
    for (std::size_t i = 1; i < evaluation.size(); ++i)
      if (i != 4) CHECK(evaluation[i] == 0);
    for (std::size_t i = 0; i < refit.size(); ++i)
      if (i % 4 != 3) CHECK(refit[i] == 0);
    MESSAGE("a refit of the gate allocates " << refit[39] << " times");
  }
}

TEST_CASE("nor does a step through a gate that is trained by gradient") {
  const auto evaluation = count_allocations(gate::Softmax{.top_k = 1, .renormalise = false}, {}).first;
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
