// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/train/checkpoint.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/predict_environments.hpp>

#include "support/mixer_support.hpp"

namespace environments_validation_test {

using namespace mixer_test;
using B = Cpu<double>;

auto model_of(int taylor = 0) {
  return contextual(2, LinearField{}, gate::KMeansLeastSquares{.refit_every = 5}, loss::mse, taylor);
}
using Model = decltype(model_of());
using Training = EnvironmentTraining<B, Model>;

/// Trajectories `first .. first + count` of every environment, at the first `points` times.
data::Trajectories part_of(const data::Trajectories& all, Index first, Index count, Index points) {
  Array<Cpu<double>> states({all.environments(), count, points, all.dimension()}), times({points});
  for (Index e = 0; e < all.environments(); ++e)
    for (Index j = 0; j < count; ++j)
      std::copy_n(all.trajectory(e, first + j).data(), points * all.dimension(),
                  states.data() + (e * count + j) * points * all.dimension());
  for (Index t = 0; t < points; ++t) times.data()[t] = all.grid(0)[std::size_t(t)];
  return data::measured(std::move(states), times, "a part");
}
/// Two trajectories an environment to train on, and one, shorter, that is held out.
struct Sets {
  EnvironmentData<B> train{part_of(two_kinds(), 0, 2, 5)}, held_out{part_of(two_kinds(), 2, 1, 4)};
};

/// What `fit` can keep: weights of the experts and of the gate, contexts, and the routing that follows from them.
struct Kept {
  std::vector<double> parameters, contexts;
  std::vector<Index> routing;
  explicit Kept(Training& t) : parameters(to_host(t.parameters.tensor())), contexts(to_host(t.contexts.tensor())) {
    routing.assign(t.routing().begin(), t.routing().end());
  }
  bool operator==(const Kept&) const = default;
};

/// Learns for a while, then at a rate that spoils what was learnt; notes what there was at every validation.
struct Recording {
  using Backend = B;
  Training training;
  Index interrupt_at = -1;
  std::vector<double> metrics{};
  std::vector<Kept> at{}, steps{};

  Losses evaluate(const Step& step, const Tensor<B>& gradient) {
    if (step.count == interrupt_at) std::raise(SIGINT);
    return training.evaluate(step, gradient);
  }
  void after_step(const Step& step) {
    training.after_step(step);
    steps.emplace_back(training);
  }
  bool validates() const { return training.validates(); }
  double validate() {
    metrics.push_back(training.validate());
    at.emplace_back(training);
    return metrics.back();
  }
  template <class Archive>
  void state(Archive& archive) {
    training.state(archive);
  }
  template <class Checkpoint = NoCheckpoint>
  auto fit_for(const FitOptions& options, const Checkpoint& checkpoint = {}) {
    const auto players = training.players(schedule::Stepwise{0.02, 30, {40}}, 0.02, 4);
    return fit(*this, std::span<const Player<B>>(players), options, checkpoint);
  }
  std::size_t best() const { return std::size_t(std::min_element(metrics.begin(), metrics.end()) - metrics.begin()); }
};

TEST_CASE("validation is the loss on the held-out trajectories, by the gate's expert and without expansion") {
  const Sets sets;
  const auto model = model_of(2);
  Training training(model, sets.train, {.pool_size = 3, .reweighting = Reweighting::softmax});
  training.validate_on(sets.held_out);
  const auto players = training.players(0.02, 0.02, 4);
  fit(training, std::span<const Player<B>>(players), {.iterations = 6, .validation_every = 2});
  const auto expert = training.routing();
  REQUIRE(std::count(expert.begin(), expert.end(), 0) % 6 != 0);
  const auto predicted = predict(model, sets.held_out, training.parameters.tensor(), training.contexts.tensor(), expert);
  const auto truth = part_of(two_kinds(), 2, 1, 4);
  double sum = 0;
  for (Index i = 0; i < predicted.size(); ++i) sum += std::pow(predicted.data()[i] - truth.states.data()[i], 2);
  CHECK(training.validate() == doctest::Approx(sum / double(predicted.size())).epsilon(1e-12));
}

TEST_CASE("patience ends the run; contexts, weights and refitted gate are those that validated best") {
  const Sets sets;
  const auto model = model_of();
  Recording r{Training(model, sets.train)};
  r.training.validate_on(sets.held_out);
  const auto run = r.fit_for({.iterations = 100, .validation_every = 2, .patience = 3});
  CHECK(run.ending == Ending::early_stop);
  REQUIRE(r.metrics.size() > 4);
  CHECK(r.best() == r.metrics.size() - 4);
  CHECK(run.iterations == 2 * Index(r.metrics.size()));
  CHECK(run.parameters_from == 2 * Index(r.best() + 1));
  CHECK(run.best_validation == r.metrics[r.best()]);
  CHECK(Kept(r.training) == r.at[r.best()]);
  CHECK(r.training.validate() == r.metrics[r.best()]);
  const auto gate = model.gate_offset();
  const auto &best = r.at[r.best()].parameters, &last = r.at.back().parameters;
  CHECK(!std::equal(best.begin() + gate, best.end(), last.begin() + gate));
}

TEST_CASE("Ctrl-C keeps what validated best, and the last where nothing was validated yet") {
  const Sets sets;
  const auto model = model_of();
  Recording late{Training(model, sets.train), 8 * 13 + 3}, early{Training(model, sets.train), 3};
  for (Recording* r : {&late, &early}) {
    r->training.validate_on(sets.held_out);
    CHECK(r->fit_for({.iterations = 100, .validation_every = 2}).ending == Ending::interrupted);
  }
  REQUIRE(late.metrics.size() == 6);
  REQUIRE(late.best() < 5);
  CHECK(Kept(late.training) == late.at[late.best()]);
  CHECK(!(Kept(late.training) == late.steps.back()));
  CHECK(early.metrics.empty());
  CHECK(Kept(early.training) == early.steps.back());
}

TEST_CASE("validation changes no step, and without it there is none and the last parameters stay") {
  const Sets sets;
  const auto model = model_of();
  Recording with{Training(model, sets.train, {.contributors = 3})}, without{Training(model, sets.train, {.contributors = 3})};
  with.training.validate_on(sets.held_out);
  const auto run = without.fit_for({.iterations = 8, .validation_every = 2, .patience = 1});
  CHECK(with.fit_for({.iterations = 8, .validation_every = 2}).history.contains("validation"));
  CHECK(with.steps == without.steps);
  CHECK(with.metrics.size() == 4);
  CHECK(without.metrics.empty());
  CHECK(run.ending == Ending::finished);
  CHECK(run.parameters_from == 8);
  CHECK(std::isnan(run.best_validation));
  CHECK_FALSE(run.history.contains("validation"));
  CHECK(Kept(without.training) == without.steps.back());
  CHECK(message_of([&] { without.training.validate(); }) ==
        "EnvironmentTraining: no trajectories to validate on; expected a call of validate_on before");
}

TEST_CASE("a run that validates can be resumed, but not as one that does not") {
  std::string folder = (std::filesystem::temp_directory_path() / "moesaic-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const Sets sets;
  const auto model = model_of();
  const auto train = [&](Index iterations, const char* file, bool resume, bool validated = true) {
    Recording r{Training(model, sets.train)};
    if (validated) r.training.validate_on(sets.held_out);
    if (resume) B::fill(r.training.parameters, 3.0);  // starts elsewhere
    const Checkpoint checkpoint{.path = folder + file, .resume = resume};
    const auto run = r.fit_for({.iterations = iterations, .validation_every = 2}, checkpoint);
    return std::tuple(Kept(r.training), run.parameters_from, run.best_validation);
  };
  const auto whole = train(16, "/whole", false);
  CHECK(std::get<1>(whole) < 12);
  train(12, "/part", false);  // the best is behind it
  CHECK(train(16, "/part", true) == whole);
  CHECK(message_of([&] { train(18, "/part", true, false); }) ==
        folder + "/part: was written by a run with validation; this run has none");
  train(2, "/bare", false, false);
  CHECK(message_of([&] { train(4, "/bare", true); }) ==
        folder + "/bare: was written by a run without validation; this run has one");
  std::filesystem::remove_all(folder);
}

TEST_CASE("a held-out trajectory that cannot be followed counts as infinite and ends nothing") {
  const Sets sets;
  auto set = part_of(two_kinds(), 2, 1, 4);
  set.trajectory(1, 0)[0] = 1e200;
  const auto model = model_of();
  Recording r{Training(model, sets.train)};
  r.training.validate_on(EnvironmentData<B>(set));
  const auto run = r.fit_for({.iterations = 2, .validation_every = 1});
  CHECK(r.metrics == std::vector<double>(2, std::numeric_limits<double>::infinity()));
  CHECK(run.ending == Ending::finished);
  CHECK(Kept(r.training) == r.steps.back());
}

TEST_CASE("held-out trajectories are of the training environments") {
  const Sets sets;
  const auto model = model_of();
  Training training(model, sets.train);
  CHECK(message_of([&] { training.validate_on(EnvironmentData<B>(waves(5, 2, 4))); }) ==
        "EnvironmentTraining: held-out trajectories of 5 environments; expected those of the 6 that are trained on");
  CHECK(message_of([&] { training.validate_on(EnvironmentData<B>(waves(6, 2, 4, 3))); }) ==
        "EnvironmentTraining: the held-out trajectories have 3 states; expected 2");
  CHECK_FALSE(training.validates());
}

}  // namespace environments_validation_test
