// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <moesaic/train/environment_step.hpp>
#include <moesaic/train/fit.hpp>

namespace moesaic {

/// Which experts are tried on a new environment.
enum class ExpertSearch {
  gate,  ///< the one that the gate chooses at the current context, as in MixER; it can change while the context moves
  /// Every expert has a context of its own; the one that ends with the smallest loss is kept. With a gate that scales its choice by
  /// a weight it is the same as `gate`: the weight of an expert that is not chosen says nothing.
  all,
};

/// Options of `adapt`.
struct AdaptOptions {
  Index steps = 1500;
  Schedule rate = 1e-3;
  ExpertSearch search = ExpertSearch::all;
  bool progress = false;
  Index part_size = 8;  ///< solves that a thread runs together; with 1, other environments do not change an environment's last bit
};

/// What `adapt` found for each new environment.
template <class B>
struct Adaptation {
  Array<B> contexts;           ///< [environment, D]
  std::vector<Index> expert;   ///< of each environment
  std::vector<double> loss;    ///< on the adaptation trajectories, infinite where the solve diverged
};

namespace detail {

/// The problem that `adapt` fits: contexts alone move, weights and gate stand still.
template <class B, class Model>
struct AdaptProblem {
  using Backend = B;
  EnvironmentStep<B, Model> runner;
  const EnvironmentData<B>& data;
  Tensor<B> parameters, contexts;
  Index copies;                     ///< contexts per environment
  std::vector<Index> expert{};      ///< of every context
  std::vector<Solve> solves{};
  std::vector<double> losses{}, best{};

  void plan() {
    if (copies == 1) runner.route(parameters, contexts, expert);
    solves.clear();
    for (Index row = 0; row < contexts.shape()[0]; ++row)
      solves.push_back({row / copies, row, row, expert[std::size_t(row)], 1.0});
  }
  Losses evaluate(const Step&, const Tensor<B>& gradient) {
    plan();
    runner(solves, data, parameters, contexts, EnvironmentStep<B, Model>::Wanted::contexts, gradient, losses, Divergence::scores);
    return Losses(mean_of_best());
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

/// Finds contexts for new environments, starting from 0, with weights and gate frozen (MixER, section 3.3).
///
/// Environments do not interact: adapting them together is the same, up to rounding, as one after the other. With `ExpertSearch::all` the choice of
/// expert is not trapped in what the gate says at context 0.
template <class B, class Model>
Adaptation<B> adapt(const Model& model, const Tensor<B>& parameters, const EnvironmentData<B>& data, const AdaptOptions& options = {}) {
  const Index environments = data.environments, experts = model.experts.count, d = model.features();
  require(environments > 0, "adapt: no environments");
  const Index copies = Model::one_hot && options.search == ExpertSearch::all ? experts : 1;
  Array<B> contexts(Shape{environments * copies, d});
  detail::AdaptProblem<B, Model> problem{EnvironmentStep<B, Model>(model, options.part_size), data, parameters, contexts, copies};
  problem.expert.resize(std::size_t(environments * copies));
  problem.losses.resize(problem.expert.size());
  for (std::size_t i = 0; i < problem.expert.size(); ++i) problem.expert[i] = Index(i) % copies;
  fit(problem, {{.name = "contexts", .parameters = contexts, .rate = options.rate}},
      {.iterations = options.steps, .progress = options.progress});

  problem.plan();
  problem.runner(problem.solves, data, parameters, contexts, EnvironmentStep<B, Model>::Wanted::nothing, {}, problem.losses);
  Adaptation<B> out;
  out.contexts = Array<B>(Shape{environments, d});
  out.expert.assign(std::size_t(environments), 0);
  out.loss.assign(std::size_t(environments), std::numeric_limits<double>::infinity());
  std::vector<bool> found(std::size_t(environments), false);
  for (std::size_t i = 0; i < problem.solves.size(); ++i) {
    const auto& s = problem.solves[i];
    const auto e = std::size_t(s.environment);
    if (found[e] && !(problem.losses[i] < out.loss[e])) continue;
    found[e] = true;
    out.loss[e] = problem.losses[i];
    out.expert[e] = s.expert;
    B::copy(out.contexts.tensor().rows(s.environment, 1), contexts.tensor().rows(s.context, 1));
  }
  return out;
}

}  // namespace moesaic
