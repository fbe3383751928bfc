// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <moesaic/cluster/gate_refit.hpp>
#include <moesaic/train/device_step.hpp>
#include <moesaic/train/environment_draw.hpp>
#include <moesaic/train/environment_options.hpp>
#include <moesaic/train/environment_step.hpp>
#include <moesaic/train/player.hpp>
#include <moesaic/train/problem.hpp>

namespace moesaic {

/// A contextual mixture and the environments it learns: contexts start at 0, weights and contexts are trained in turn, and the
/// gate is refitted in between (MixER, algorithm 2).
///
/// It is the problem that `fit` is given: player 0 trains the contexts, player 1 the weights. Model and data are referred to, and must
/// outlive it. After `validate_on` the contexts, weights and gate that do best on held-out trajectories are kept, else the last.
template <class B, class Model>
class EnvironmentTraining {
 public:
  using Backend = B;
  using T = typename B::Scalar;
  using Runner = EnvironmentStep<B, Model>;
  static constexpr std::size_t contexts_player = 0, weights_player = 1;

  Array<B> parameters;  ///< of the model, flat
  Array<B> contexts;    ///< [environment, D]

  EnvironmentTraining(const Model&&, const EnvironmentData<B>&, const EnvironmentOptions& = {}) = delete;  // they would be gone
  EnvironmentTraining(const Model&, const EnvironmentData<B>&&, const EnvironmentOptions& = {}) = delete;
  EnvironmentTraining(const Model& model, const EnvironmentData<B>& data, const EnvironmentOptions& options = {})
      : parameters(model.template initial<B>(Random(options.seed, 1))),
        contexts(Shape{data.environments, model.features()}),
        model_(model), data_(data), options_(options), runner_(model_, options.part_size),
        draw_(data.environments, options, taylor_order(model)), device_step_(model_) {
    const Index e = data.environments;
    require(e > 0, "EnvironmentTraining: no environments");
    require(data.state == model.experts.prototype.state(), "EnvironmentTraining: the data have ", data.state,
            " states, the expert has ", model.experts.prototype.state());
    if constexpr (refits)
      require(model.gate.refit_every >= 1, "EnvironmentTraining: the gate is refitted every ", model.gate.refit_every,
              " steps; expected at least 1");
    require(options.contributors >= 0 && options.contributors <= e, "EnvironmentTraining: ", options.contributors,
            " contributors; expected 0 to the number of environments, ", e);
    require(options.pool_size >= 1 && options.pool_size <= e, "EnvironmentTraining: a pool of ", options.pool_size,
            "; expected 1 to the number of environments, ", e);
    if constexpr (Model::one_hot)
      require(model.experts.count <= e, "EnvironmentTraining: ", model.experts.count, " experts for ", e,
              " environments; the gate cannot give every expert an environment of its own");
    expert_.resize(std::size_t(e));
    environment_loss_.resize(std::size_t(e));
    for (auto* const drawn : {&at_, &about_}) drawn->resize(std::size_t(draw_.solves()));
    losses_.resize(std::max(std::size_t(e), at_.size()));
    solves_.reserve(std::size_t(std::max(draw_.solves(), e * model.experts.count)));
    own_losses_ = Array<B>(Shape{e, model.experts.count});
  }

  /// Held-out trajectories of the training environments, in their order, with any number of trajectories and times: `fit` keeps
  /// what does best on them, but for the centroids, which are only where the next refit starts. Errors: another number of
  /// environments or states.
  void validate_on(EnvironmentData<B> held_out) {
    require(held_out.environments == data_.environments, "EnvironmentTraining: held-out trajectories of ", held_out.environments,
            " environments; expected those of the ", data_.environments, " that are trained on");
    require(held_out.state == data_.state, "EnvironmentTraining: the held-out trajectories have ", held_out.state,
            " states; expected ", data_.state);
    validation_ = std::move(held_out);
  }

  /// The players in their order: contexts first, then the weights, `inner_steps` each and proximal weight 10 (MixER). A gate that
  /// is refitted instead takes no steps; it is kept with the others.
  std::vector<Player<B>> players(const Schedule& weights_rate, const Schedule& contexts_rate, Index inner_steps = 12) const {
    const Tensor<B> all = parameters;
    std::vector<Player<B>> out(2);  // member by member: g++ 12 crashes on designated initialisers here
    out[contexts_player].name = "contexts";
    out[contexts_player].parameters = contexts;
    out[contexts_player].rate = contexts_rate;
    out[weights_player].name = "weights";
    out[weights_player].parameters = Model::one_hot ? all.rows(0, model_.gate_offset()) : all;
    out[weights_player].rate = weights_rate;
    const Layout names = layout_of(model_);
    for (const auto& e : names.entries())
      if (e.offset < out[weights_player].parameters.size()) out[weights_player].layout.add(e.name, e.shape, e.initialiser);
    for (auto& player : out) {
      player.inner_steps = inner_steps;
      player.proximal = 10;
    }
    if constexpr (Model::one_hot) {
      Player<B>& gate = out.emplace_back();
      gate.name = "gate";
      gate.parameters = all.rows(model_.gate_offset(), all.size() - model_.gate_offset());
      gate.inner_steps = 0;
    }
    return out;
  }

  Losses evaluate(const Step& step, const Tensor<B>& gradient) {
    plan(step.random);
    if (options_.reweighting == Reweighting::softmax) reweight();
    runner_(solves_, data_, parameters, contexts, wanted(step), gradient, losses_);
    Losses losses(weighted_loss());
    for (const auto& term : runner_.terms()) losses.add(term.name, term.value);
    return losses;
  }

  /// Whether the steps of a player are set off at once, on another device: they differ in what `prepare` draws for them, and in nothing
  /// that the host has to ask for.
  bool sets_off() const { return Runner::at_once; }
  /// Draws the environments of a step and the contexts that each is expanded about.
  void prepare(const Step& step) {
    if (draw_.takes_all()) return;
    draw_(step.random, contexts);
    device_step_.prepare(draw_.at(), data_);
  }
  Readings<B> set_off(const Step& step, const Tensor<B>& gradient) {
    return device_step_(draw_, data_, options_.reweighting, parameters, contexts, wanted(step), gradient);
  }

  void after_step(const Step& step) {
    if constexpr (refits)
      if ((step.count + 1) % model_.gate.refit_every == 0) refit_gate(step.random.fork(1));
  }
  bool validates() const { return validation_.has_value(); }
  /// The model's loss on the held-out trajectories, the mean over the environments: each by the expert that the gate chooses for
  /// it, at its own context and without expansion. Infinite where a solve diverges. Errors: nothing is held out.
  double validate() {
    require(validates(), "EnvironmentTraining: no trajectories to validate on; expected a call of validate_on before");
    routing();
    solves_.clear();
    const double weight = 1.0 / double(data_.environments);
    for (Index e = 0; e < data_.environments; ++e) solves_.push_back({e, e, e, expert_[std::size_t(e)], weight});
    runner_(solves_, *validation_, parameters, contexts, Runner::Wanted::nothing, {}, losses_);
    return weighted_loss();
  }
  template <class Archive>
  void state(Archive& archive) {
    archive("parameters", parameters);
    archive("centroids", centroids_);
  }

  /// Refits a gate that has no gradient; true if its weights changed.
  bool refit_gate(const Random& random) {
    if constexpr (!refits) {
      return false;
    } else {
      const Index experts = model_.experts.count, environments = data_.environments;
      if (experts == 1) return false;
      const Tensor<B> losses = expert_losses();
      const Scratch<HostMemory> host_memory;
      const Scratch<typename B::Memory> scratch;
      const cluster::GateRefitMemory<B> found{
          make_tensor<B>({model_.features() + 1, experts}), make_tensor<B>({experts, model_.features()}),
          host_scratch<std::int32_t>(std::size_t(environments)), host_scratch<std::int32_t>(std::size_t(experts)),
          host_scratch<std::int32_t>(std::size_t(environments))};
      const auto refit = cluster::refit_gate(contexts.tensor(), losses, centroids_.tensor(), random, model_.gate.refit, found);
      if (refit.outcome != cluster::GateRefitOutcome::Refitted) {
        if (centroids_) spare_centroids_ = std::move(centroids_);
        return false;
      }
      if (!centroids_) centroids_ = spare_centroids_ ? std::move(spare_centroids_) : Array<B>(found.centroids.shape());
      B::copy(centroids_, found.centroids);
      B::copy(view(parameters.tensor(), model_.gate_offset(), {model_.gate_size}), found.weights);
      return true;
    }
  }

  /// Loss of every expert alone on every environment, `[E, M]`; no gradient, no expansion, infinite where the solve diverges.
  const Array<B>& expert_losses() {
    solves_.clear();
    for (Index e = 0; e < data_.environments; ++e)
      for (Index k = 0; k < model_.experts.count; ++k) solves_.push_back({e, e, e, k, 1});
    all_losses_.resize(solves_.size());
    runner_(solves_, data_, parameters, contexts, Runner::Wanted::nothing, {}, all_losses_);
    host_losses_.resize(solves_.size());
    for (std::size_t i = 0; i < solves_.size(); ++i)
      host_losses_[std::size_t(solves_[i].environment * model_.experts.count + solves_[i].expert)] = T(all_losses_[i]);
    B::from_host(own_losses_, host_losses_.data());
    return own_losses_;
  }

  /// The expert of every environment.
  std::span<const Index> routing() {
    runner_.route(parameters, contexts, expert_);
    return expert_;
  }

  Runner& runner() { return runner_; }
  const Model& model() const { return model_; }
  const EnvironmentData<B>& data() const { return data_; }
  /// Bytes of workspace held.
  std::size_t capacity() const { return runner_.capacity() + device_step_.capacity(); }

 private:
  static constexpr bool refits = Model::one_hot && gate::Refitted<std::remove_cvref_t<decltype(std::declval<const Model&>().gate)>>;

  static typename Runner::Wanted wanted(const Step& step) {
    return step.player == contexts_player ? Runner::Wanted::contexts : Runner::Wanted::weights;
  }
  static int taylor_order(const Model& model) {
    if constexpr (requires { model.experts.prototype.taylor; })
      return model.experts.prototype.taylor;
    else
      return 0;
  }
  double weighted_loss() const {
    double total = 0;
    for (std::size_t i = 0; i < solves_.size(); ++i) total += solves_[i].weight * losses_[i];
    return total;
  }
  /// The solves of a step, each by the expert of the environment about whose context it is expanded.
  void plan(const Random& random) {
    draw_(random, contexts);
    B::to_host(at_.data(), draw_.at());
    B::to_host(about_.data(), draw_.about());
    routing();
    solves_.clear();
    const double weight = 1.0 / double(draw_.solves());
    for (std::size_t i = 0; i < at_.size(); ++i) {
      const Index e = Index(at_[i]), about = Index(about_[i]);
      solves_.push_back({e, e, about, expert_[std::size_t(about)], weight});
    }
  }

  /// Weighs the solves by the softmax of their environments' losses, after a pass without gradients. The derivative of
  /// `sum s_e l_e` with respect to `l_e` is `s_e (1 + l_e - sum s l)`.
  void reweight() {
    runner_(solves_, data_, parameters, contexts, Runner::Wanted::nothing, {}, losses_);
    const double each = 1.0 / double(draw_.pool());  // an environment's loss is the mean over its pool
    const auto own = [&](const Solve& s) -> double& { return environment_loss_[std::size_t(s.environment)]; };
    std::fill(environment_loss_.begin(), environment_loss_.end(), 0.0);
    for (std::size_t i = 0; i < solves_.size(); ++i) own(solves_[i]) += each * losses_[i];
    double largest = -std::numeric_limits<double>::infinity(), partition = 0, mean = 0;
    for (const Solve& s : solves_) largest = std::max(largest, own(s));
    const auto share = [&](const Solve& s) { return each * std::exp(own(s) - largest); };
    for (const Solve& s : solves_) partition += share(s);
    for (const Solve& s : solves_) mean += share(s) / partition * own(s);
    for (Solve& s : solves_) {
      s.weight = share(s) / partition;
      s.slope = s.weight * (1 + own(s) - mean);
    }
  }

  const Model& model_;
  const EnvironmentData<B>& data_;
  std::optional<EnvironmentData<B>> validation_;
  EnvironmentOptions options_;
  Runner runner_;
  EnvironmentDraw<B> draw_;
  DeviceStep<B, Model> device_step_;
  std::vector<Index> expert_;
  std::vector<Solve> solves_;
  std::vector<double> losses_, all_losses_, environment_loss_;
  std::vector<T> at_, about_;  ///< what was drawn
  std::vector<T> host_losses_;
  Array<B> own_losses_;
  Array<B> centroids_;        ///< of the last refit, from which the next one starts; absent where that starts afresh
  Array<B> spare_centroids_;  ///< their memory in the meantime
};

}  // namespace moesaic
