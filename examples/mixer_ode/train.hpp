// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>

#include <moesaic/data/metrics.hpp>
#include <moesaic/expert/context_flow.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/train/adapt.hpp>
#include <moesaic/train/checkpoint.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/predict_environments.hpp>

#include "common/device.hpp"
#include "study.hpp"

/// The whole job for one backbone: a template that ncf.cpp, coda.cpp and geps.cpp instantiate, so that they compile in parallel.
namespace mixer_ode {

using namespace moesaic;
using common::Device;
using common::device_name;

/// Squared error of the states, as it is or relative to their size: a loss of our own, because the choice is made at run time.
struct StateError : loss::Term {
  static constexpr std::string_view name = "error";
  using reads = Supplies<quantity::Prediction>;
  Loss kind;
  double tail;
  explicit StateError(const Settings& s) : kind(s.loss), tail(s.tail) {}

  template <class X>
  X operator()(const Outcome<X>& o) const {
    return kind == Loss::mse ? loss::mse(o) : loss::relative(tail)(o);
  }
};

/// The squared error and, by its weight, what keeps contexts small.
inline auto loss_of(const Settings& s) { return StateError(s) + s.context_l1 * loss::context_l1; }

inline Schedule rate_of(Rates rates, double rate, Index steps) {
  if (rates == Rates::cosine) return schedule::Cosine{rate, steps, 0.05};
  const Index parts = rates == Rates::steps ? 3 : 6;
  return schedule::Stepwise{rate, 0.4, {steps / parts, 2 * steps / parts}};
}

/// Environments that a thread solves together: at most 8, and at least two parts, whatever the number of threads.
inline Index part_size(Index environments) {
  const Index parts = std::max<Index>(2, (environments + 7) / 8);
  return (environments + parts - 1) / parts;
}

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class B>
Array<Host> on_host(const Array<B>& x) { return Array<Host>(x.shape(), to_host(x.tensor())); }

/// Predicts every environment of `truth` by the expert and the context given for it.
template <class B, class Model>
Scores score(const Model& model, const data::Trajectories& truth, const Tensor<B>& parameters,
             const Tensor<B>& contexts, const std::vector<Index>& expert) {
  Scores out;
  out.prediction = predict<B>(model, EnvironmentData<B>(truth), parameters, contexts, expert);
  for (Index e = 0; e < truth.environments(); ++e) try {
      out.relative.push_back(data::relative_error(out.prediction.tensor().rows(e, 1), truth.states.tensor().rows(e, 1))[0]);
    } catch (const Error&) {  // an environment that is zero throughout
      out.relative.push_back(std::numeric_limits<double>::quiet_NaN());
    }
  out.squared = data::squared_error(out.prediction.tensor(), truth.states.tensor());
  return out;
}

template <class B, class Model>
void adapt_and_score(Result& out, const Model& model, const Tensor<B>& parameters, const Tensor<B>& contexts,
                     const Settings& s, const data::Environments& sets, bool progress) {
  const auto start = std::chrono::steady_clock::now();
  if (progress) std::fputs("  adaptation to new environments\n", stderr);
  Model by_error = model;  // alone
  by_error.loss.b.weight = 0;
  auto found = adapt<B>(
      by_error, parameters, EnvironmentData<B>(sets.adapt),
      {.steps = s.adapt_steps,
       .rate = s.adapt_rates == Rates::cosine ? rate_of(Rates::cosine, s.adapt_rate, s.adapt_steps) : Schedule(s.adapt_rate),
       .search = s.search == Search::all ? ExpertSearch::all : ExpertSearch::gate,
       .progress = progress},
      s.start == Start::known ? contexts : Tensor<B>{});
  if (InterruptGuard::requested()) {  // half an adaptation says nothing
    out.ending = "interrupted";
    return;
  }
  out.adapt_seconds = seconds_since(start);
  out.adapted = true;
  out.adapt_test = score<B>(model, sets.adapt_test.empty() ? sets.adapt : sets.adapt_test, parameters, found.contexts, found.expert);
  out.adapt_contexts = on_host(found.contexts);
  out.adapt_expert = std::move(found.expert);
  out.adapt_loss = std::move(found.loss);
}

template <class B, class Model>
Result train(const Model& model, Kind kind, const Settings& s, const data::Environments& sets, const Saving& saving) {
  Result out;
  out.kind = kind;
  out.device = device_name;
  out.experts = model.experts.count;
  out.context = model.features();
  out.expert_parameters = model.expert_size;
  out.parameters = layout_of(model).size();

  const EnvironmentData<B> data(sets.train);
  EnvironmentTraining<B, Model> training(model, data,
                                              {.contributors = s.contributors,
                                               .draw = s.draw == Draw::uniform ? moesaic::Draw::uniform : moesaic::Draw::neighbours,
                                               .pool_size = s.pool,
                                               .reweighting = s.reweighting ? Reweighting::softmax : Reweighting::none,
                                               .part_size = part_size(data.environments),
                                               .seed = s.seed});
  const Index steps = s.outer * s.inner;
  auto players =
      training.players(rate_of(s.rates, s.weight_rate, steps),
                       s.rates == Rates::cosine ? rate_of(s.rates, s.context_rate, steps) : Schedule(s.context_rate), s.inner);
  if constexpr (Model::one_hot)  // a gate that is trained by gradient is no expert, and its player's parameters are
    if (s.shared_state) players[training.weights_player].parts_sharing_state = model.experts.count;
  const auto keep = [&](const Run<B>& run) {
    constexpr const char* endings[] = {"finished", "stopped early", "interrupted", "failed"};
    out.ending = endings[std::size_t(run.ending)];
    out.error = run.error;
    out.iterations = run.iterations;
    out.seconds = run.seconds;
    const std::string column = "weights." + std::string(StateError::name);
    if (run.history.contains(column)) out.loss = run.history.values(column);
  };
  try {
    keep(fit(training, std::span(players),
             {.iterations = s.outer,
              .progress = saving.progress,
              .clip = {.norm = s.clip > 0 ? s.clip : std::numeric_limits<double>::infinity()},
              .seed = s.seed},
             Checkpoint{saving.path, saving.every, saving.resume, saving.settings}));
  } catch (const FitError<B>& e) {
    keep(*e.run);
  }

  const auto routing = training.routing();
  out.expert.assign(routing.begin(), routing.end());
  out.test = score<B>(model, sets.test.empty() ? sets.train : sets.test, training.parameters, training.contexts, out.expert);
  if (!sets.adapt.empty() && out.ending != "interrupted")
    adapt_and_score<B>(out, model, training.parameters, training.contexts, s, sets, saving.progress);
  out.contexts = on_host(training.contexts);
  return out;
}

/// Calls `then` with the activation of the settings, which decides the type of all that follows.
template <class Then>
Result with_activation(const Settings& s, const Then& then) {
  return s.activation == Activation::glu ? then(activation::Glu{}) : then(activation::LearnableSwish{});
}

template <class Activation>
ThreeNetworks<Activation> three_networks(const Settings& s) {
  ThreeNetworks<Activation> field;
  field.interface = s.interface;
  return field;
}

/// A bank of experts that start alike, each with its part of the context.
template <class Field>
auto bank(Field field, const Settings& s, Index count, Index context, const data::Trajectories& train) {
  const auto& states = train.states;
  const double largest = std::accumulate(states.data(), states.data() + states.size(), 0.0,
                                         [](double most, double x) { return std::max(most, std::abs(x)); });
  field.saturation.range = s.saturation * largest;
  field.state = train.dimension();
  field.context = context / count;
  field.width = s.width;
  field.depth = int(s.depth);
  auto bank = experts(count, ContextFlow<Field>{.field = field, .solver = {.substeps = s.substeps}, .taylor = s.taylor});
  bank.same_start = true;
  return bank;
}

/// Single learner and MixER share a type. In the naive mixture every environment goes to one of the experts, whose output is scaled by
/// the gate: that gate learns by gradient alone.
template <class B, class Field>
Result study(const Field& field, const Settings& s, Kind kind, const data::Environments& sets, const Saving& saving) {
  const bool single = kind == Kind::single;
  const auto experts = bank(field, s, single ? 1 : s.experts, single ? s.single_context : s.context, sets.train);
  const auto train_with = [&](const auto& gate) {
    return train<B>(mixture(experts, gate, flow::Identity{}, loss_of(s)), kind, s, sets, saving);
  };
  if (kind == Kind::naive) return train_with(gate::Softmax{.top_k = 1, .renormalise = false});
  gate::KMeansLeastSquares gate;
  gate.refit_every = int(s.refit_every);
  if (s.refit == Refit::published) gate.refit = cluster::GateRefitOptions::published();
  gate.refit.matching = s.matching == Matching::greedy ? cluster::Matching::Greedy : cluster::Matching::Optimal;
  return train_with(gate);
}

}  // namespace mixer_ode
