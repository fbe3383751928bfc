// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <span>
#include <string>

#include <doctest/doctest.h>

#include <moesaic/data/metrics.hpp>
#include <moesaic/data/odebench_sets.hpp>
#include <moesaic/data/windows.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/predict_environments.hpp>

#include "support/mixer_support.hpp"

namespace mixer_odebench_test {

using namespace mixer_test;
using B = Cpu<float>;

/// Whether the environments of each family share an expert, and the families do not.
bool families_apart(std::span<const Index> routing) {
  bool apart = routing[0] != routing[5];
  for (std::size_t e = 0; e < 10; ++e) apart = apart && routing[e] == routing[e / 5 * 5];
  return apart;
}

/// Relative error on test trajectories of a MixER of two experts after 40 iterations, -1 where the families share an expert.
template <class Field>
double error_apart(const Field& field, const data::Trajectories& train, const data::Trajectories& test, std::uint64_t seed) {
  const auto model = contextual(2, field, gate::KMeansLeastSquares{}, loss::relative(0.3), 0, true);
  const EnvironmentData<B> data(train), held_out(test);
  EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(model, data, {.seed = seed});
  const auto players = training.players(schedule::Cosine{3e-3, 480, 0.05}, 1e-3);
  fit(training, std::span<const Player<B>>(players), {.iterations = 40, .clip = {.norm = 1}, .seed = seed});
  const auto routing = training.routing();
  const auto predicted = predict(model, held_out, training.parameters.tensor(), training.contexts.tensor(), routing);
  return families_apart(routing) ? data::mean(data::relative_error(predicted.tensor(), test.states.tensor())) : -1;
}

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
    separated = families_apart(training.routing());
  }
  CHECK(separated);
}

TEST_CASE("whatever its field, MixER separates the two families and errs by less than .2 on new trajectories") {
  const auto sets = data::make(data::odebench_2(), {.test_trajectories = 4});
  const auto train = data::every(sets.train, 5), test = data::every(sets.test, 5);
  const auto check = [&](const std::string& name, auto field) {
    field.context = 4, field.width = 24;
    // Published: .045 (CoDA), .142 (GEPS), .186 (NCF); predicting zero scores 1. As above not every seed will do.
    double error = -1;
    for (std::uint64_t seed = 2; seed <= 4 && !(error >= 0 && error < 0.2); ++seed) error = error_apart(field, train, test, seed);
    MESSAGE(name << ": " << error);
    CHECK(error >= 0);
    CHECK(error < 0.2);
  };
  check("CoDA", Coda<>{});
  check("GEPS", Geps<>{});
  ThreeNetworks<> networks;
  networks.interface = 16;
  check("three networks", networks);
}

}  // namespace mixer_odebench_test
