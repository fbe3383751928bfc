// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include <doctest/doctest.h>

#include <moesaic/train/checkpoint.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>

#include "mixer_support.hpp"

using namespace mixer_test;
using B = Cpu<double>;

namespace {

auto model_of(Index count, int refit_every = 4) {
  return contextual(count, LinearField{}, gate::KMeansLeastSquares{.refit_every = refit_every}, loss::mse);
}
using Model = decltype(model_of(1));
using Training = EnvironmentTraining<B, Model>;

/// Six environments of two kinds, forces of their own.
data::Trajectories two_kinds() {
  std::vector<std::vector<double>> matrix, force;
  for (Index e = 0; e < 6; ++e) {
    matrix.push_back(e % 2 ? std::vector<double>{-0.5, 1.5, -1.5, -0.5} : std::vector<double>{0.4, 0, 0, -1});
    force.push_back({0.1 * double(e), e % 2 ? 0.5 : -0.5});
  }
  return linear_systems(matrix, force, 3, 5);
}

/// All that a training keeps for a checkpoint, by name.
struct Kept {
  std::vector<std::pair<std::string, std::vector<double>>> arrays;
  void operator()(const std::string& name, Array<B>& x) {
    arrays.emplace_back(name, x ? to_host(x.tensor()) : std::vector<double>{});
  }
  bool operator==(const Kept&) const = default;
};

/// Passes everything on and notes what was there at every step.
struct Recording {
  using Backend = B;
  Training training;
  struct Entry {
    Step step;
    double total;
    std::vector<double> parameters, contexts;
  };
  std::vector<Entry> log;

  Recording(const Model& model, const EnvironmentData<B>& data, const EnvironmentOptions& options) : training(model, data, options) {}
  Losses evaluate(const Step& step, const Tensor<B>& gradient) {
    const Losses losses = training.evaluate(step, gradient);
    log.push_back({step, losses.total(), to_host(training.parameters.tensor()), to_host(training.contexts.tensor())});
    return losses;
  }
  void after_step(const Step& step) { training.after_step(step); }
  template <class Archive>
  void state(Archive& archive) {
    training.state(archive);
  }
  auto fit_for(Index iterations, Index inner, const Schedule& weights_rate = 0.01, double proximal = 10) {
    auto players = training.players(weights_rate, 0.02, inner);
    for (std::size_t i = 0; i < 2; ++i) players[i].proximal = proximal;
    return fit(*this, std::span<const Player<B>>(players), {.iterations = iterations});
  }
};

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "moesaic-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("weights stand still in steps of the contexts and the other way round; only refits move the gate") {
  const auto model = model_of(2, 3);
  const EnvironmentData<B> data(two_kinds());
  Recording r(model, data, {.part_size = 2});
  r.fit_for(5, 4);
  REQUIRE(r.log.size() == 40);
  bool gate_moved = false;
  const auto gate_at = model.gate_offset();
  for (std::size_t i = 0; i + 1 < r.log.size(); ++i) {
    const auto &now = r.log[i], &next = r.log[i + 1];
    const bool experts_same = std::equal(now.parameters.begin(), now.parameters.begin() + gate_at, next.parameters.begin());
    const bool gate_same = std::equal(now.parameters.begin() + gate_at, now.parameters.end(), next.parameters.begin() + gate_at);
    CHECK(experts_same == (now.step.player == Training::contexts_player));
    CHECK((now.contexts == next.contexts) == (now.step.player == Training::weights_player));
    if ((now.step.count + 1) % 3 != 0) CHECK(gate_same);
    gate_moved = gate_moved || !gate_same;
  }
  CHECK(gate_moved);
  CHECK(r.log.back().total < 0.7 * r.log.front().total);
}

TEST_CASE("the proximal term is absent at a turn's first step and pulls back to the turn's start at the others") {
  const auto model = model_of(2, 1000);
  const EnvironmentData<B> data(two_kinds());
  // One step a turn: the term changes nothing.
  Recording free(model, data, {}), bound(model, data, {});
  free.fit_for(4, 1, 0.01, 0);
  bound.fit_for(4, 1, 0.01, 1e6);
  CHECK(free.training.parameters.data()[1] != Training(model, data, {}).parameters.data()[1]);
  CHECK(to_host(free.training.parameters.tensor()) == to_host(bound.training.parameters.tensor()));
  CHECK(to_host(free.training.contexts.tensor()) == to_host(bound.training.contexts.tensor()));

  Recording r(model, data, {});
  const auto run = r.fit_for(3, 4);
  for (const auto* player : {"contexts", "weights"}) {
    const auto reported = run.history.values(std::string(player) + ".proximal");
    for (std::size_t outer = 0; outer < 3; ++outer) {
      const std::size_t first = outer * 8 + (player[0] == 'w' ? 4 : 0);
      double sum = 0;
      for (std::size_t i = first; i < first + 4; ++i) {
        const auto &now = player[0] == 'w' ? r.log[i].parameters : r.log[i].contexts,
                   &start = player[0] == 'w' ? r.log[first].parameters : r.log[first].contexts;
        const auto n = player[0] == 'w' ? std::size_t(model.gate_offset()) : now.size();
        double square = 0;
        for (std::size_t j = 0; j < n; ++j) square += (now[j] - start[j]) * (now[j] - start[j]);
        sum += 5 * square / double(n);
      }
      CHECK(reported[outer] == doctest::Approx(sum / 4).epsilon(1e-10));
      CHECK(sum > 0);
    }
  }
}

TEST_CASE("six iterations are three, a checkpoint and three more, bit for bit") {
  const Folder folder;
  const auto path = (folder.path / "run.safetensors").string();
  const auto model = model_of(2, 5);  // refits in the middle of turns
  const EnvironmentData<B> data(two_kinds());
  const auto train = [&](Index iterations, const Checkpoint* checkpoint) {
    Training training(model, data, {.contributors = 3, .reweighting = Reweighting::softmax, .part_size = 2, .seed = 4});
    if (checkpoint && checkpoint->resume) {  // starts elsewhere
      B::fill(training.contexts, 3.0);
      B::fill(training.parameters, 3.0);
    }
    const auto players = training.players(schedule::Cosine{0.01, 24}, 0.02, 4);
    const std::span<const Player<B>> span(players);
    const auto run = checkpoint ? fit(training, span, {.iterations = iterations, .seed = 4}, *checkpoint)
                                : fit(training, span, {.iterations = iterations, .seed = 4});
    Kept kept;
    training.state(kept);
    kept("contexts", training.contexts);
    kept.arrays.emplace_back("history", run.history.numbers());
    return kept;
  };
  const auto whole = train(6, nullptr);
  REQUIRE(whole.arrays.size() == 4);
  CHECK(whole.arrays[1].first == "centroids");
  CHECK(whole.arrays[1].second.size() == 8);
  const Checkpoint first{.path = path, .every = 1}, second{.path = path, .every = 1, .resume = true};
  const auto half = train(3, &first);
  CHECK(!(half == whole));
  CHECK(train(6, &second) == whole);
}

TEST_CASE("a solve that diverges in training ends it; the best parameters are back, with the gate that belongs to them") {
  const auto model = model_of(2, 1);
  const EnvironmentData<B> data(two_kinds());
  Recording r(model, data, {});
  try {
    r.fit_for(50, 3, schedule::Stepwise{1e-3, 1e60, {19}});  // the rate explodes in the seventh iteration
    FAIL("no error");
  } catch (const FitError<B>& e) {
    const std::string message = e.what();
    INFO(message);
    CHECK(message.find("player \"weights\"") != std::string::npos);
    CHECK(message.find("step ") != std::string::npos);
    CHECK(message.find("outer iteration 7") != std::string::npos);
    CHECK(message.find("): expert ") != std::string::npos);
    CHECK(e.run->ending == Ending::failed);
    CHECK(e.run->iterations == 6);
    const Recording::Entry* best = nullptr;
    for (const auto& entry : r.log)
      if (entry.step.player == 0 && entry.step.inner == 0 && (!best || entry.total < best->total)) best = &entry;
    CHECK(best->step.outer > 0);
    CHECK(to_host(r.training.parameters.tensor()) == best->parameters);
    CHECK(to_host(r.training.contexts.tensor()) == best->contexts);
  }
}

TEST_CASE("a loss that is not finite is named") {
  auto set = two_kinds();
  set.trajectory(0, 0)[4] = 1e200;
  const EnvironmentData<B> data(set);
  const auto model = model_of(2);
  Training training(model, data, {});
  const auto players = training.players(1e-3, 1e-3, 2);
  CHECK(message_of([&] { fit(training, std::span<const Player<B>>(players), {.iterations = 2}); }) ==
        "fit: player \"contexts\", step 1 (outer iteration 1, inner step 1): the loss term \"mse\" is inf");
}

TEST_CASE("an expert that diverges has an infinite loss and hurts no other") {
  const auto model = model_of(2);
  const EnvironmentData<B> data(two_kinds());
  Training training(model, data, {.part_size = 4}), healthy(model, data, {.part_size = 4});
  for (Index i = 1; i < model.expert_size; ++i) training.parameters.data()[model.expert_size + i] = 1e200;
  const auto &losses = training.expert_losses(), &right = healthy.expert_losses();
  for (Index e = 0; e < 6; ++e) {
    CHECK(losses.data()[2 * e] == right.data()[2 * e]);
    CHECK(losses.data()[2 * e + 1] == std::numeric_limits<double>::infinity());
  }
  B::copy(training.contexts, numbers(training.contexts.shape(), 1));
  training.refit_gate(Random(1));
  for (double p : to_host(training.parameters.tensor().rows(model.gate_offset(), model.gate_size))) CHECK(std::isfinite(p));

  // A prediction of it is not a number.
  std::vector<Solve> solves{{0, 0, 0, 0, 1}, {0, 0, 0, 1, 1}};
  std::vector<double> y(2 * 3 * 5 * 2, 0.0);
  training.runner().predict(solves, data, training.parameters, training.contexts, y.data());
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(std::isfinite(y[i]) == (i < y.size() / 2));
}

TEST_CASE("what cannot be trained is refused in words") {
  const auto model = model_of(2);
  const EnvironmentData<B> data(two_kinds());
  const auto refusal = [&](const Model& m, const EnvironmentData<B>& d, const EnvironmentOptions& o) {
    return message_of([&] { Training(m, d, o); });
  };
  CHECK(refusal(model, data, {.contributors = 7}) ==
        "EnvironmentTraining: 7 contributors; expected 0 to the number of environments, 6");
  CHECK(refusal(model, data, {.contributors = -1}).find("-1 contributors") != std::string::npos);
  CHECK(refusal(model, data, {.pool_size = 0}).find("a pool of 0") != std::string::npos);
  CHECK(refusal(model, data, {.pool_size = 7}).find("a pool of 7") != std::string::npos);
  CHECK(refusal(model, data, {.part_size = 0}) == "EnvironmentStep: parts of 0 solves; expected at least 1");
  CHECK(refusal(model, {}, {}) == "EnvironmentTraining: no environments");
  CHECK(refusal(model_of(7), data, {}).find("7 experts for 6 environments") != std::string::npos);
  CHECK(refusal(contextual(2, LinearField{3, 3}, gate::KMeansLeastSquares{}, loss::mse), data, {}) ==
        "EnvironmentTraining: the data have 2 states, the expert has 3");

  Training training(model, data, {});
  std::vector<double> losses(1);
  const auto step = [&](Solve solve, const Tensor<B>& contexts, const EnvironmentData<B>& d) {
    return message_of([&] {
      training.runner()({&solve, 1}, d, training.parameters, contexts, Training::Runner::Wanted::nothing, {}, losses);
    });
  };
  CHECK(step({0, 0, 0, 0, 1}, training.contexts, data) == "no error");
  for (const Solve& s : {Solve{6, 0, 0, 0, 1}, Solve{-1, 0, 0, 0, 1}, Solve{0, 6, 0, 0, 1}, Solve{0, 0, -1, 0, 1}, Solve{0, 0, 0, 2, 1}})
    CHECK(step(s, training.contexts, data).find("EnvironmentStep: a solve of environment") == 0);
  CHECK(step({0, 0, 0, 0, 1}, numbers({6, 3}, 1), data).find("EnvironmentStep: contexts of shape [6, 3]") == 0);
  CHECK(step({0, 0, 0, 0, 1}, training.contexts, EnvironmentData<B>(waves(6, 1, 3, 3))).find("the data have 3 states") !=
        std::string::npos);
}

TEST_CASE("trajectories that nothing can be learnt from are refused in words") {
  const auto refusal = [](const data::Trajectories& set) { return message_of([&] { EnvironmentData<B>{set}; }); };
  CHECK(refusal(two_kinds()) == "no error");
  CHECK(refusal({}).find("EnvironmentData: expected states [environment, trajectory, time, state]") == 0);
  CHECK(refusal(data::every(two_kinds(), 10)) == "EnvironmentData: expected at least 2 time points, got 1");
  auto set = two_kinds();
  set.trajectory(4, 2)[7] = std::nan("");
  CHECK(refusal(set) == "EnvironmentData: environment 4, trajectory 2, time 3, state 1 is nan");
  set = two_kinds();
  set.grid(3)[2] = set.grid(3)[1];
  CHECK(refusal(set).find("EnvironmentData: time 2 of environment 3") == 0);
  set = two_kinds();
  set.grid(3)[2] += 0.01;
  CHECK(refusal(set).find("EnvironmentData: the times of environment 3 are not evenly spaced") == 0);

  // Uneven, but the same everywhere: one grid, in its own units.
  set = two_kinds();
  for (Index e = 0; e < 6; ++e) set.grid(e)[2] += 0.01;
  const EnvironmentData<B> shared(set);
  CHECK(shared.times[2] == doctest::Approx(0.51));
  CHECK(shared.rate.data()[5] == 1);
  // Evenly spaced, every environment in steps of its own.
  const EnvironmentData<B> own(waves(6, 1, 3));
  CHECK(own.times == std::vector<double>{0, 1, 2});
  CHECK(own.rate.data()[2] == doctest::Approx(0.3));
}
