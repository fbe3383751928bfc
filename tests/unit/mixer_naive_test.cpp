// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>

#include <doctest/doctest.h>

#include <moesaic/gate/metric.hpp>
#include <moesaic/loss/prototypes.hpp>
#include <moesaic/train/adapt.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>

#include "support/mixer_support.hpp"

namespace mixer_naive_test {

using namespace mixer_test;
using B = Cpu<double>;

TEST_CASE("the naive mixture: a gate that is trained by gradient scales the field of the expert that it chose") {
  const auto model = contextual(2, LinearField{}, gate::Softmax{.top_k = 1, .renormalise = false}, loss::mse);
  const EnvironmentData<B> data(two_kinds());
  EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(model, data, {});
  // All contexts are 0: everyone takes the same expert.
  const auto first = training.routing()[0];
  for (Index k : training.routing()) CHECK(k == first);

  const auto before = to_host(training.parameters.tensor());
  const auto players = training.players(0.01, 0.01, 4);
  REQUIRE(players.size() == 2);
  CHECK(players[1].parameters.size() == training.parameters.size());
  const auto run = fit(training, std::span<const Player<B>>(players), {.iterations = 40});
  const auto losses = run.history.values("weights.mse");
  CHECK(losses.back() < 0.5 * losses.front());
  const auto after = to_host(training.parameters.tensor());
  const auto gate = std::size_t(model.gate_offset());
  CHECK(!std::equal(before.begin() + std::ptrdiff_t(gate), before.end(), after.begin() + std::ptrdiff_t(gate)));

  // Scaled by its softmax weight: with the gate's bias far on one side the expert runs as it is, with logits 0 half as fast.
  const auto g = training.parameters.tensor().rows(model.gate_offset(), model.gate_size);
  B::fill(g, 0.0);
  const auto predicted = [&] {
    std::vector<Solve> solve{{0, 0, 0, 0, 1}};
    std::vector<double> y(3 * 5 * 2);
    training.runner().predict(solve, data, training.parameters, training.contexts, y.data());
    return y;
  };
  const auto half = predicted();
  g.data()[model.gate_size - 2] = 50;
  const auto full = predicted();
  // `half` at time 2 is `full` at time 1, but for the error of RK4.
  for (std::size_t i = 0; i < 2; ++i) CHECK(half[2 * 2 + i] == doctest::Approx(full[1 * 2 + i]).epsilon(1e-3));
  CHECK(half[2] != full[2]);

  // An expert that the gate does not choose would stand still: it is not tried.
  const auto found = adapt(model, training.parameters.tensor(), EnvironmentData<B>(two_kinds()),
                           {.steps = 20, .rate = 0.01, .search = ExpertSearch::all});
  CHECK(found.expert == std::vector<Index>(6, 0));
}

TEST_CASE("environments go to the experts of the nearest prototypes, which a loss keeps apart") {
  const auto model = contextual(2, LinearField{}, gate::Metric<>{.embedding = {3}, .top_k = 1, .renormalise = false},
                                loss::mse + loss::prototype_separation(3));
  const EnvironmentData<B> data(two_kinds());
  EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(model, data, {});
  training.contexts = numbers(training.contexts.shape(), 4, 0.3);
  const auto chosen = training.routing();
  const auto w = to_host(model.weigh(training.parameters.tensor(), training.contexts.tensor()).weights);
  for (std::size_t e = 0; e < chosen.size(); ++e) CHECK(w[2 * e + std::size_t(chosen[e])] > 0);

  const Step step{.player = training.weights_player};
  Array<B> g(training.parameters.shape()), ignored(g);
  const auto losses = training.evaluate(step, g);
  CHECK(losses.name(2) == "prototype_separation");
  CHECK(losses.value(2) > 0);
  for (Index i = 0; i < g.size(); ++i) {
    double& p = training.parameters.data()[i];
    const double at = p, h = 1e-6;
    p = at + h;
    const double up = training.evaluate(step, ignored).total();
    p = at - h;
    const double down = training.evaluate(step, ignored).total();
    p = at;
    CHECK(std::abs(g.data()[i] - (up - down) / (2 * h)) < 1e-6 * (1 + std::abs(g.data()[i])));
  }
}

}  // namespace mixer_naive_test
