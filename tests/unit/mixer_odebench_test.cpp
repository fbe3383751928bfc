// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>

#include <doctest/doctest.h>

#include <moesaic/data/odebench_sets.hpp>
#include <moesaic/data/windows.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>

#include "support/mixer_support.hpp"

using namespace mixer_test;
using B = Cpu<float>;

TEST_CASE("MixER puts the two families of ODEBench-2 on two experts") {
  const auto sets = data::make(data::odebench_2(), {.test_trajectories = 1});
  const EnvironmentData<B> data(data::window(data::every(sets.train, 5), {}));
  Coda<> field;
  field.context = 4;
  field.width = 24;
  const auto model = contextual(2, field, gate::KMeansLeastSquares{}, loss::relative(0.3), 0, true);

  // Not every seed does within 40 iterations: an environment or two may go with the wrong family, at little cost to the loss.
  bool separated = false;
  for (std::uint64_t seed = 1; seed <= 3 && !separated; ++seed) {
    EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(model, data, {.seed = seed});
    const auto players = training.players(schedule::Cosine{3e-3, 480, 0.05}, 1e-3);
    const auto run = fit(training, std::span<const Player<B>>(players), {.iterations = 40, .seed = seed});
    const auto losses = run.history.values("weights.relative");
    CHECK(losses.back() < 0.5 * losses.front());
    const auto routing = training.routing();
    separated = routing[0] != routing[5];
    for (std::size_t e = 0; e < 10; ++e) separated = separated && routing[e] == routing[e / 5 * 5];
  }
  CHECK(separated);
}
