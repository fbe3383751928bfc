// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>

#include <doctest/doctest.h>

#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>

#include "support/mixer_support.hpp"

namespace environments_fit_test {

using namespace mixer_test;
using B = Cpu<double>;

auto model_of(Index count, int refit_every = 4) {
  return contextual(count, LinearField{}, gate::KMeansLeastSquares{.refit_every = refit_every}, loss::mse);
}
using Model = decltype(model_of(1));
using Training = EnvironmentTraining<B, Model>;

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
  auto fit_for(Index iterations, Index inner, const Schedule& weights_rate = 0.01, double proximal = 10) {
    auto players = training.players(weights_rate, 0.02, inner);
    for (std::size_t i = 0; i < 2; ++i) players[i].proximal = proximal;
    return fit(*this, std::span<const Player<B>>(players), {.iterations = iterations});
  }
};

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

TEST_CASE("neural context flows' ordinary alternation: a step of the weights, then one of the contexts, without proximal term") {
  auto model = model_of(2, 1000);
  model.experts.prototype.taylor = 1;
  const EnvironmentData<B> data(two_kinds());
  const EnvironmentOptions pool{.pool_size = 2};
  const auto alternate = [&](Recording& r, Index parts) {
    auto players = r.training.players(0.01, 0.02, 1);
    for (std::size_t i = 0; i < 2; ++i) players[i].proximal = 0;
    players[Training::weights_player].parts_sharing_state = parts;
    return fit(r, std::span<const Player<B>>(players), {.iterations = 6, .first_player = Training::weights_player});
  };
  Recording r(model, data, pool), shared(model, data, pool);
  const auto run = alternate(r, 1);
  REQUIRE(r.log.size() == 12);
  for (std::size_t i = 0; i < 12; ++i) {
    CHECK(r.log[i].step.player == (i % 2 ? Training::contexts_player : Training::weights_player));
    CHECK(r.log[i].step.outer == Index(i / 2));
  }
  CHECK(r.log[1].contexts == r.log[0].contexts);
  CHECK(!run.history.contains("weights.proximal"));
  CHECK(r.log.back().total < r.log.front().total);

  // Where experts share the optimiser's state, the first one's first step is the same as ever, the second one's is not.
  alternate(shared, 2);
  const auto first = shared.log[1].parameters.begin(), second = first + model.expert_size;
  CHECK(std::equal(first, second, r.log[1].parameters.begin()));
  CHECK(!std::equal(second, second + model.expert_size, r.log[1].parameters.begin() + model.expert_size));
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

}  // namespace environments_fit_test
