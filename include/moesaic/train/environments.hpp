// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <moesaic/cluster/gate_refit.hpp>
#include <moesaic/train/context_distance.hpp>
#include <moesaic/train/environment_step.hpp>
#include <moesaic/train/player.hpp>
#include <moesaic/train/problem.hpp>

namespace moesaic {

/// Which environments' contexts the field is expanded about (neural context flows, section 3.1).
enum class Pool {
  nearest,         ///< NF: the nearest, the environment itself among them
  nearest_others,  ///< NF*: the nearest without itself
  random,          ///< RA
  smallest,        ///< SF: those with the smallest contexts
};

/// Which environments contribute to a gradient step, where not all do.
enum class Draw {
  uniform,     ///< any, every one as likely as another: a step sees every family
  neighbours,  ///< a random one and those nearest to it in context (MixER, its code): a step sees about one family
};

/// How losses of environments are added.
enum class Reweighting {
  none,     ///< mean
  softmax,  ///< `sum_e softmax(l)_e l_e`, with the gradient through the softmax: hard environments weigh more (MixER, its code)
};

/// Options of `EnvironmentTraining`.
struct EnvironmentOptions {
  Index contributors = 0;  ///< environments of a gradient step; 0: all
  Draw draw = Draw::uniform;
  /// Contexts that every environment is expanded about; without effect at Taylor order 0. With `Pool::nearest` the first of them is the
  /// environment itself, where there is nothing to expand: 2 or more do something.
  Index pool_size = 1;
  Pool pool = Pool::nearest;
  Reweighting reweighting = Reweighting::none;
  Index part_size = 8;     ///< environments that a thread solves together
  std::uint64_t seed = 0;
};

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
        model_(model), data_(data), options_(options), runner_(model_, options.part_size) {
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
    near_.resize(std::size_t(e));
    expert_.resize(std::size_t(e));
    losses_.resize(std::size_t(e * options.pool_size));
    environment_loss_.resize(std::size_t(e));
    solves_.reserve(std::size_t(e * std::max(options.pool_size, model.experts.count)));
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
    Random random = step.random;
    choose_contributors(random);
    plan(random);
    if (options_.reweighting == Reweighting::softmax) reweight();
    runner_(solves_, data_, parameters, contexts, step.player == contexts_player ? Runner::Wanted::contexts : Runner::Wanted::weights,
            gradient, losses_);
    Losses losses(weighted_loss());
    for (const auto& term : runner_.terms()) losses.add(term.name, term.value);
    return losses;
  }

  /// Whether the steps of a player differ in their environments alone, and in nothing that the host has to ask for: on another device,
  /// without Taylor expansion, reweighting and drawn neighbours.
  bool sets_off() const {
    return Runner::at_once && taylor_order() == 0 && options_.reweighting != Reweighting::softmax &&
           (contributors() == data_.environments || options_.draw == Draw::uniform);
  }
  /// Brings the environments of a step together.
  void prepare(const Step& step) {
    if (contributors() == data_.environments) return;
    Random random = step.random;
    choose_contributors(random);
    if (!drawn_numbers_) reserve_drawn();
    const Scratch<HostMemory> scratch;
    const auto rows = host_scratch<std::int32_t>(chosen_.size()), when = host_scratch<std::int32_t>(chosen_.size() * std::size_t(data_.points));
    for (std::size_t i = 0; i < chosen_.size(); ++i) rows[i] = std::int32_t(chosen_[i]);
    for (std::size_t i = 0; i < when.size(); ++i)
      when[i] = std::int32_t(Index(i / chosen_.size()) * data_.environments + chosen_[i % chosen_.size()]);
    B::gather(drawn_numbers_, numbers_, rows.data());
    B::gather(drawn_.initial, data_.initial, rows.data());
    B::gather(drawn_.rate, data_.rate, rows.data());
    B::gather(drawn_.states, data_.states, when.data());
  }
  Readings<B> set_off(const Step& step, const Tensor<B>& gradient) {
    const auto wanted = step.player == contexts_player ? Runner::Wanted::contexts : Runner::Wanted::weights;
    if (contributors() == data_.environments) return runner_.set_off(data_, parameters, contexts, {}, wanted, gradient);
    require(bool(drawn_numbers_), "EnvironmentTraining: set_off without a prepare before");
    const auto selection = rule::map(functor::Same{}, drawn_numbers_.tensor(), numbers_.tensor().reshape({1, data_.environments}));
    return runner_.set_off(drawn_, parameters, contexts, selection, wanted, gradient);
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
  std::size_t capacity() const { return runner_.capacity(); }

 private:
  static constexpr bool refits = Model::one_hot && gate::Refitted<std::remove_cvref_t<decltype(std::declval<const Model&>().gate)>>;

  /// Environments of a step.
  Index contributors() const { return options_.contributors == 0 ? data_.environments : options_.contributors; }
  void reserve_drawn() {
    const Index n = contributors();
    std::vector<T> numbers(static_cast<std::size_t>(data_.environments));
    std::iota(numbers.begin(), numbers.end(), T(0));
    numbers_ = Array<B>({data_.environments, 1}, numbers);
    drawn_.environments = n, drawn_.trajectories = data_.trajectories, drawn_.points = data_.points, drawn_.state = data_.state;
    drawn_.times = data_.times;
    drawn_.initial = Array<B>({n, data_.trajectories, data_.state});
    drawn_.states = Array<B>({data_.points * n, data_.trajectories * data_.state});
    drawn_.rate = Array<B>({n, 1});
    drawn_numbers_ = Array<B>({n, 1});
  }
  double weighted_loss() const {
    double total = 0;
    for (std::size_t i = 0; i < solves_.size(); ++i) total += solves_[i].weight * losses_[i];
    return total;
  }
  double host_context(Index e, Index i) const { return double(host_contexts_[std::size_t(e * contexts.shape()[1] + i)]); }
  double distance(Index a, Index b) const {
    const Index d = contexts.shape()[1];
    return context_distance(host_contexts_.data() + a * d, host_contexts_.data() + b * d, d);
  }
  /// The first `count` of `near_` become those of `candidates` with the smallest key, the lower index on ties.
  template <class Key>
  void nearest(std::size_t candidates, std::size_t count, const Key& key) {
    std::partial_sort(near_.begin(), near_.begin() + std::ptrdiff_t(count), near_.begin() + std::ptrdiff_t(candidates),
                      [&](Index a, Index b) {
                        const double x = key(a), y = key(b);
                        return x < y || (x == y && a < b);
                      });
  }
  /// The first `count` of `near_` become a random choice of `candidates`.
  void draw(std::size_t candidates, std::size_t count, Random& random) {
    for (std::size_t i = 0; i < count; ++i) std::swap(near_[i], near_[i + std::size_t(random.next_below(candidates - i))]);
  }

  /// Before contexts are compared.
  void fetch_contexts() {
    host_contexts_.resize(std::size_t(contexts.size()));
    B::to_host(host_contexts_.data(), contexts);
  }
  void choose_contributors(Random& random) {
    const Index e = data_.environments;
    const Index count = contributors();
    std::iota(near_.begin(), near_.end(), Index{0});
    if (count < e && options_.draw == Draw::uniform) {
      draw(std::size_t(e), std::size_t(count), random);
    } else if (count < e) {
      fetch_contexts();
      const auto centre = Index(random.next_below(std::uint64_t(e)));
      nearest(std::size_t(e), std::size_t(count), [&](Index i) { return i == centre ? -1 : distance(centre, i); });
    }
    chosen_.assign(near_.begin(), near_.begin() + count);
    std::sort(chosen_.begin(), chosen_.end());
  }

  void plan(Random& random) {
    routing();
    const bool expanded = taylor_order() > 0;
    if (expanded) fetch_contexts();
    solves_.clear();
    const double weight = 1.0 / double(Index(chosen_.size()) * (expanded ? pool_count() : 1));
    for (Index e : chosen_) {
      if (!expanded) {
        solves_.push_back({e, e, e, expert_[std::size_t(e)], weight});
        continue;
      }
      fill_pool(e, random);
      for (Index j = 0; j < pool_count(); ++j) {
        const Index about = near_[std::size_t(j)];
        solves_.push_back({e, e, about, expert_[std::size_t(about)], weight});
      }
    }
  }
  int taylor_order() const {
    if constexpr (requires { model_.experts.prototype.taylor; })
      return model_.experts.prototype.taylor;
    else
      return 0;
  }
  Index pool_count() const {
    const auto available = Index(chosen_.size()) - (options_.pool == Pool::nearest_others ? 1 : 0);
    return std::max<Index>(1, std::min(options_.pool_size, available));
  }
  void fill_pool(Index e, Random& random) {
    std::size_t n = 0;
    for (Index c : chosen_)
      if (options_.pool != Pool::nearest_others || c != e || chosen_.size() == 1) near_[n++] = c;
    const auto count = std::size_t(pool_count());
    switch (options_.pool) {
      case Pool::nearest:
      case Pool::nearest_others: return nearest(n, count, [&](Index i) { return i == e ? -1 : distance(e, i); });
      case Pool::smallest: return nearest(n, count, [&](Index i) { return norm(i); });
      case Pool::random:
        draw(n, count, random);
    }
  }
  double norm(Index e) const {
    const Index d = contexts.shape()[1];
    double sum = 0;
    for (Index i = 0; i < d; ++i) sum += std::abs(host_context(e, i));
    return sum;
  }

  /// Weighs the solves by the softmax of their environments' losses, after a pass without gradients. The derivative of
  /// `sum s_e l_e` with respect to `l_e` is `s_e (1 + l_e - sum s l)`.
  void reweight() {
    runner_(solves_, data_, parameters, contexts, Runner::Wanted::nothing, {}, losses_);
    const double each = 1.0 / double(solves_.size() / chosen_.size());  // an environment's loss is the mean over its pool
    std::fill(environment_loss_.begin(), environment_loss_.end(), 0.0);
    for (std::size_t i = 0; i < solves_.size(); ++i) environment_loss_[std::size_t(solves_[i].environment)] += each * losses_[i];
    double largest = -std::numeric_limits<double>::infinity(), partition = 0, mean = 0;
    for (Index e : chosen_) largest = std::max(largest, environment_loss_[std::size_t(e)]);
    const auto share = [&](Index e) { return std::exp(environment_loss_[std::size_t(e)] - largest); };
    for (Index e : chosen_) partition += share(e);
    for (Index e : chosen_) mean += share(e) / partition * environment_loss_[std::size_t(e)];
    for (Solve& s : solves_) {
      s.weight = each * share(s.environment) / partition;
      s.slope = s.weight * (1 + environment_loss_[std::size_t(s.environment)] - mean);
    }
  }

  const Model& model_;
  const EnvironmentData<B>& data_;
  std::optional<EnvironmentData<B>> validation_;
  EnvironmentOptions options_;
  Runner runner_;
  std::vector<Index> near_, chosen_, expert_;
  std::vector<Solve> solves_;
  std::vector<double> losses_, all_losses_, environment_loss_;
  std::vector<T> host_contexts_, host_losses_;
  Array<B> own_losses_;
  EnvironmentData<B> drawn_;            ///< the environments of a step that is set off
  Array<B> drawn_numbers_, numbers_;    ///< theirs, and those of all environments
  Array<B> centroids_;        ///< of the last refit, from which the next one starts; absent where that starts afresh
  Array<B> spare_centroids_;  ///< their memory in the meantime
};

}  // namespace moesaic
