// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include <moesaic/train/device_adaptation.hpp>
#include <moesaic/train/environment_step.hpp>
#include <moesaic/train/fit.hpp>

namespace moesaic {

/// Which experts are tried on a new environment.
enum class ExpertSearch {
  gate,  ///< the one that the gate chooses at the current context, as in MixER; it can change while the context moves
  /// Every expert has a context of its own; the one with the smallest loss of all steps is kept. With a gate that scales its choice by
  /// a weight it is the same as `gate`: the weight of an expert that is not chosen says nothing.
  all,
};

/// Where the contexts of new environments start.
enum class ContextStart {
  zero,    ///< as in MixER
  normal,  ///< drawn from N(0, 1), as in neural context flows: the same for every expert, another for every environment by its number
};

/// Options of `adapt`.
struct AdaptOptions {
  Index steps = 1500;  ///< a device is asked for its losses once in as many of them, up to 32, as divide their number
  Schedule rate = 1e-3;
  ExpertSearch search = ExpertSearch::all;
  ContextStart start = ContextStart::zero;
  std::uint64_t seed = 0;  ///< of `ContextStart::normal`
  bool progress = false;  ///< on a device in turns of so many steps
  /// Solves that a thread runs together; with 1, other environments do not change an environment's last bit. Without effect on a device.
  Index part_size = 8;
};

/// What `adapt` found for each new environment.
template <class B>
struct Adaptation {
  Array<B> contexts;           ///< [environment, D]
  std::vector<Index> expert;   ///< of each environment
  std::vector<double> loss;    ///< on the adaptation trajectories, the least of all steps; infinite where every solve diverged
};

namespace detail {

/// The problem that `adapt` fits: contexts alone move, weights and gate stand still.
template <class B, class Model>
struct AdaptProblem {
  using Backend = B;
  EnvironmentStep<B, Model> runner;
  DeviceAdaptation<B, Model> device;  ///< where steps are set off there
  const EnvironmentData<B>& data;
  Tensor<B> parameters, contexts;
  Index copies;                     ///< contexts per environment
  Array<B> kept{};                  ///< the contexts that have done best so far,
  std::vector<double> least{};      ///< and their losses
  std::vector<Index> kept_expert{}; ///< and experts
  std::vector<Index> expert{};      ///< of every context
  std::vector<Solve> solves{};
  std::vector<double> losses{}, best{};

  void plan() {
    if (copies == 1) runner.route(parameters, contexts, expert);
    solves.clear();
    for (Index row = 0; row < contexts.shape()[0]; ++row)
      solves.push_back({row / copies, row, row, expert[std::size_t(row)], 1.0});
  }
  void draw(const Random& random) {
    using T = typename B::Scalar;
    const Index d = contexts.shape()[1];
    std::vector<T> drawn;
    for (Index row = 0; row < contexts.shape()[0]; ++row) {
      Random own = random.fork(std::uint64_t(row / copies));
      for (Index i = 0; i < d; ++i) drawn.push_back(T(own.next_normal()));
    }
    B::from_host(contexts, drawn.data());
  }
  /// Moves every context from 0 to the known one that fits its environment best, of those that the gate hands to its expert.
  void start_from(const Tensor<B>& known) {
    const Index d = contexts.shape()[1], count = known.size() / d;
    require(known.shape() == Shape{count, d}, "adapt: known contexts of shape ", known.shape(), "; expected rows of ", d);
    Array<B> starts(Shape{count + 1, d});  // the last is 0
    B::copy(starts.tensor().rows(0, count), known);
    std::vector<Index> of_start(std::size_t(count + 1));
    runner.route(parameters, starts, of_start);
    std::vector<Solve> trials;
    for (Index e = 0; e < data.environments; ++e)
      for (Index s = 0; s <= count; ++s)
        for (Index k = 0; k < copies; ++k)
          if (copies == 1 || s == count || of_start[std::size_t(s)] == k)
            trials.push_back({e, s, s, copies == 1 ? of_start[std::size_t(s)] : k, 1});
    std::vector<double> found(trials.size()), smallest(std::size_t(contexts.shape()[0]), std::numeric_limits<double>::infinity());
    runner(trials, data, parameters, starts, EnvironmentStep<B, Model>::Wanted::nothing, {}, found);
    for (std::size_t i = 0; i < trials.size(); ++i) {
      const Index row = trials[i].environment * copies + (copies == 1 ? 0 : trials[i].expert);
      if (!(found[i] < smallest[std::size_t(row)])) continue;
      smallest[std::size_t(row)] = found[i];
      B::copy(contexts.rows(row, 1), starts.tensor().rows(trials[i].context, 1));
    }
  }
  void solve(const Tensor<B>& gradient) {
    plan();
    runner(solves, data, parameters, contexts, EnvironmentStep<B, Model>::Wanted::contexts, gradient, losses, Divergence::scores);
  }
  Losses evaluate(const Step&, const Tensor<B>& gradient) {
    solve(gradient);
    keep();
    return Losses(mean_of_best());
  }
  bool sets_off() const { return Recordable<B>; }
  Readings<B> set_off(const Step&, const Tensor<B>& gradient) {
    try {
      return device.set_off(parameters, contexts, gradient);
    } catch (const Diverged&) {  // one solve of all; the host finds out which
      solve(gradient);
      std::vector<typename B::Scalar> of_context(solves.size());
      for (std::size_t i = 0; i < solves.size(); ++i) of_context[std::size_t(solves[i].context)] = typename B::Scalar(losses[i]);
      return device.take_over(parameters, contexts, of_context, gradient);
    }
  }
  /// Remembers every context that does better than before: a late jump out of a minimum costs nothing.
  void keep() {
    for (std::size_t i = 0; i < solves.size(); ++i) {
      const auto row = std::size_t(solves[i].context);
      if (!(losses[i] < least[row])) continue;
      least[row] = losses[i];
      kept_expert[row] = solves[i].expert;
      B::copy(kept.tensor().rows(solves[i].context, 1), contexts.rows(solves[i].context, 1));
    }
  }
  /// Of those environments that some expert can solve: the others' losses say nothing about how far the fit is.
  double mean_of_best() {
    constexpr double infinite = std::numeric_limits<double>::infinity();
    best.assign(std::size_t(data.environments), infinite);
    for (std::size_t i = 0; i < solves.size(); ++i) {
      double& of = best[std::size_t(solves[i].environment)];
      of = std::min(of, losses[i]);
    }
    double sum = 0;
    Index solved = 0;
    for (double l : best)
      if (l < infinite) sum += l, ++solved;
    return sum / double(std::max<Index>(solved, 1));
  }
};

}  // namespace detail

/// Finds contexts for new environments with weights and gate frozen (MixER, section 3.3).
///
/// An environment starts where `AdaptOptions::start` says, or with `known` contexts `[K, D]` from that of them, and of 0, which fits
/// it best. Few trajectories leave many local minima, and another environment's context is often in the right one. The contexts
/// returned are those that did best in all steps. Environments do not interact: adapting them together is the same, up to rounding,
/// as one after the other (a drawn start depends on an environment's place among them). With `ExpertSearch::all` the choice of expert
/// is not trapped in what the gate says at the start.
///
/// Errors: no environments; a model without context; a negative number of steps; known contexts of another size, or beside a start that is
/// drawn.
template <class B, class Model>
Adaptation<B> adapt(const Model& model, const Tensor<B>& parameters, const EnvironmentData<B>& data, const AdaptOptions& options = {},
                    const std::type_identity_t<Tensor<B>>& known = {}) {
  const Index environments = data.environments, experts = model.experts.count, d = model.features();
  require(environments > 0, "adapt: no environments");
  require(d > 0, "adapt: the model has no context");
  require(options.steps >= 0, "adapt: ", options.steps, " steps; expected at least 0");
  require(!known || options.start == ContextStart::zero,
          "adapt: contexts start from known ones or are drawn from N(0, 1); expected one of both");
  const Index copies = Model::one_hot && options.search == ExpertSearch::all ? experts : 1;
  Array<B> contexts(Shape{environments * copies, d});
  detail::AdaptProblem<B, Model> problem{EnvironmentStep<B, Model>(model, options.part_size), detail::DeviceAdaptation<B, Model>(model),
                                         data, parameters, contexts, copies};
  const auto rows = std::size_t(environments * copies);
  problem.expert.resize(rows);
  problem.losses.resize(rows);
  problem.kept = Array<B>(contexts.shape());
  problem.least.assign(rows, std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < rows; ++i) problem.expert[i] = Index(i) % copies;
  if (options.start == ContextStart::normal) problem.draw(Random(options.seed, 2));
  if (known) problem.start_from(known);
  problem.plan();
  problem.kept_expert = problem.expert;  // also where no solve ever succeeds
  Index turn = 1;
  if constexpr (Recordable<B>) {
    for (turn = 32; options.steps % turn != 0;) --turn;
    problem.device.begin(data, copies, contexts.shape());
  }
  fit(problem, {{.name = "contexts", .parameters = contexts, .rate = options.rate, .inner_steps = turn}},
      {.iterations = options.steps / turn, .progress = options.progress});
  if constexpr (Recordable<B>) problem.device.fetch(problem.least, problem.kept, problem.kept_expert);
  problem.plan();
  problem.runner(problem.solves, data, parameters, contexts, EnvironmentStep<B, Model>::Wanted::nothing, {}, problem.losses);
  problem.keep();

  Adaptation<B> out;
  out.contexts = Array<B>(Shape{environments, d});
  for (Index e = 0; e < environments; ++e) {
    const auto first = problem.least.begin() + e * copies;
    const Index row = std::min_element(first, first + copies) - problem.least.begin();
    out.loss.push_back(problem.least[std::size_t(row)]);
    out.expert.push_back(problem.kept_expert[std::size_t(row)]);
    B::copy(out.contexts.tensor().rows(e, 1), problem.kept.tensor().rows(row, 1));
  }
  return out;
}

}  // namespace moesaic
