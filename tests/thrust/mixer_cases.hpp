// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <vector>

#include <moesaic/expert/context_flow.hpp>
#include <moesaic/flow/identity.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/ode/dopri5.hpp>
#include <moesaic/train/adapt.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>

/// Short MixER runs that every backend must end alike.
namespace thrust_test {

using namespace moesaic;

/// What a run ended with.
struct Trained {
  std::vector<double> losses, parameters, contexts;
  std::vector<Index> expert;
};

enum class Case {
  neural_context_flow,
  coda_in_single_precision,
  naive_geps,
  neighbours_expanded_about_random_contexts,
  neighbours_expanded_about_small_contexts,
  one_environment_at_a_time,
  turns_that_may_end_early,
  naive_mixture_of_hard_environments,
  all_environments_coda,
  all_environments_naive_geps,
  all_environments_in_single_precision,
  adaptation_in_single_precision,
  adaptation_by_the_gate,
  adaptation_of_a_naive_mixture,
  adaptation_where_an_expert_diverges,
  adaptation_where_an_expert_is_not_a_number,
  adaptation_by_an_adaptive_solver
};

/// The same on the CPU backend, compiled once for all device systems.
Trained on_cpu(Case which);

/// Six environments of two kinds.
inline data::Trajectories two_kinds() {
  constexpr Index environments = 6, trajectories = 3, points = 7;
  Array<Cpu<double>> states({environments, trajectories, points, 2}), times({environments, points});
  for (Index e = 0; e < environments; ++e) {
    const double speed = 0.8 + 0.1 * double(e);
    for (Index t = 0; t < points; ++t) {
      times.data()[e * points + t] = 0.1 * double(t);
      for (Index j = 0; j < trajectories; ++j) {
        double* const x = states.data() + ((e * trajectories + j) * points + t) * 2;
        const double phase = speed * 0.1 * double(t) + 0.5 * double(j);
        x[0] = e % 2 ? std::exp(-phase) : std::cos(phase);
        x[1] = e % 2 ? 0.5 * std::exp(-2 * phase) : -std::sin(phase);
      }
    }
  }
  return data::measured(std::move(states), times, "two kinds");
}

template <class B>
std::vector<double> on_host(const Array<B>& x) {
  const auto host = to_host(x.tensor());
  return {host.begin(), host.end()};
}

/// 20 steps, or fewer where turns end early, the gate refitted after every fifth.
template <class B, class Model>
Trained train(const Model& model, EnvironmentOptions options, double tolerance = 0) {
  const EnvironmentData<B> data(two_kinds());
  options.part_size = 4;
  options.seed = 3;
  EnvironmentTraining<B, Model> training(model, data, options);
  auto players = training.players(0.01, 0.02, 5);
  for (auto& player : players) player.tolerance = tolerance;
  const auto run = fit(training, std::span<const Player<B>>(players), {.iterations = 2, .clip = {.norm = 0.5}, .seed = 1});
  Trained out;
  for (const char* player : {"contexts.total", "weights.total"})
    for (const double loss : run.history.values(player)) out.losses.push_back(loss);
  out.parameters = on_host(training.parameters);
  out.contexts = on_host(training.contexts);
  const auto routing = training.routing();
  out.expert.assign(routing.begin(), routing.end());
  return out;
}

/// Steps on new environments, with the parameters of the second expert so many times as large.
template <class B, class Model>
Trained adapted(const Model& model, ExpertSearch search = ExpertSearch::all, double second = 1, Index steps = 20) {
  const EnvironmentData<B> data(two_kinds());
  const auto parameters = model.template initial<B>(Random(2));
  const auto of_second = view(parameters.tensor(), model.expert_size, {model.expert_size});
  B::map(of_second, functor::Scale{second}, of_second);
  const auto found = adapt<B>(model, parameters, data, {.steps = steps, .rate = 0.01, .search = search, .start = ContextStart::normal});
  return {found.loss, {}, on_host(found.contexts), found.expert};
}

template <class Field, class Gate>
auto model_of(Field field, const Gate& gate, int taylor = 0, bool split_context = true) {
  field.context = 2;
  field.width = 6;
  field.depth = 2;
  auto bank = experts(2, ContextFlow<Field>{.field = field, .solver = {.substeps = 2}, .taylor = taylor});
  bank.same_start = true;
  bank.split_context = split_context;
  return mixture(bank, gate, flow::Identity{}, loss::relative(0.3));
}

template <template <class> class Backend>
Trained run(Case which) {
  const gate::KMeansLeastSquares refitted{.refit_every = 5};
  const auto coda = model_of(Coda<>{}, refitted);
  const auto naive_geps = model_of(Geps<>{}, gate::Softmax{.top_k = 1, .renormalise = false}, 0, false);  // experts see the whole context
  const EnvironmentOptions five{.contributors = 5, .pool_size = 2};
  ThreeNetworks<> three_networks;
  three_networks.interface = 4;
  switch (which) {
    case Case::neural_context_flow: return train<Backend<double>>(model_of(three_networks, refitted, 2), five);
    case Case::coda_in_single_precision: return train<Backend<float>>(coda, five);
    case Case::naive_geps: return train<Backend<double>>(naive_geps, five);
    case Case::neighbours_expanded_about_random_contexts:
      return train<Backend<double>>(model_of(three_networks, refitted, 1),
                                    {.contributors = 4, .draw = Draw::neighbours, .pool_size = 3, .pool = Pool::random});
    case Case::neighbours_expanded_about_small_contexts:
      return train<Backend<double>>(model_of(Geps<>{}, gate::Softmax{.top_k = 1, .renormalise = false}, 2, false),
                                    {.contributors = 4, .draw = Draw::neighbours, .pool_size = 2, .pool = Pool::smallest});
    case Case::one_environment_at_a_time:
      return train<Backend<double>>(model_of(three_networks, refitted, 1),
                                    {.contributors = 1, .pool_size = 2, .pool = Pool::nearest_others, .reweighting = Reweighting::softmax});
    case Case::turns_that_may_end_early: return train<Backend<double>>(model_of(three_networks, refitted, 2), five, 1e-4);
    case Case::naive_mixture_of_hard_environments:
      return train<Backend<double>>(model_of(Geps<>{}, gate::Softmax{.top_k = 1, .renormalise = false}, 1, false),
                                    {.pool_size = 2, .pool = Pool::nearest_others, .reweighting = Reweighting::softmax});
    case Case::all_environments_coda: return train<Backend<double>>(coda, {});
    case Case::all_environments_naive_geps: return train<Backend<double>>(naive_geps, {});
    case Case::all_environments_in_single_precision: return train<Backend<float>>(coda, {});
    case Case::adaptation_in_single_precision: return adapted<Backend<float>>(coda);
    case Case::adaptation_by_the_gate: return adapted<Backend<double>>(coda, ExpertSearch::gate);
    case Case::adaptation_of_a_naive_mixture: return adapted<Backend<double>>(naive_geps);
    case Case::adaptation_where_an_expert_diverges: return adapted<Backend<double>>(coda, ExpertSearch::all, 1e30);
    case Case::adaptation_where_an_expert_is_not_a_number: return adapted<Backend<double>>(coda, ExpertSearch::all, NAN, 7);
    case Case::adaptation_by_an_adaptive_solver: {
      Coda<> field{{.state = 2, .context = 2, .width = 6, .depth = 2}};
      auto bank = experts(2, ContextFlow<Coda<>, ode::Dopri5>{.field = field, .solver = {.control = ode::Adaptive{.relative = 1e-3}}});
      bank.split_context = true;
      return adapted<Backend<double>>(mixture(bank, refitted, flow::Identity{}, loss::relative(0.3)), ExpertSearch::all, 1e30, 5);
    }
  }
  return {};
}

}  // namespace thrust_test
