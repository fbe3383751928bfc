// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <moesaic/ops/gather.hpp>
#include <moesaic/ops/one_hot.hpp>
#include <moesaic/train/environment_draw.hpp>
#include <moesaic/train/environment_step.hpp>
#include <moesaic/train/readings.hpp>

namespace moesaic {

/// Takes a step of environments of which the host learns nothing: routing, solves, loss and gradient, all solves at once.
template <class B, class Model>
class DeviceStep {
  using X = Var<Tensor<B>>;
  using T = typename B::Scalar;

 public:
  using Wanted = typename EnvironmentStep<B, Model>::Wanted;

  explicit DeviceStep(const Model& model) : model_(model) {}

  /// Brings the data of the solves together: those of the environments `row [solve]`, as many every time.
  void prepare(const Tensor<B>& row, const EnvironmentData<B>& data) {
    if (!data_.initial) reserve(row.size(), data);
    const Scratch<typename B::Memory> scratch;
    const auto when = rule::map(functor::Plus{}, first_row_.tensor(), row.reshape({1, row.size()}));
    B::copy(data_.initial, gather(data.initial.tensor(), row));
    B::copy(data_.rate, gather(data.rate.tensor(), row));
    B::copy(data_.states, gather(data.states.tensor(), when.reshape({when.size()})));
  }

  /// The losses of the solves, and the gradient of their sum as reweighted with respect to the model's parameters (flat; it may end
  /// before the gate's) or to the contexts `[R, D]`. `data` where every environment is solved, else those that were prepared.
  Readings<B> operator()(const EnvironmentDraw<B>& drawn, const EnvironmentData<B>& data, Reweighting reweighting,
                         const Tensor<B>& parameters, const Tensor<B>& contexts, Wanted wanted, const Tensor<B>& gradient) {
    require(drawn.takes_all() || bool(data_.initial), "EnvironmentTraining: set_off without a prepare before");
    const ode::Unattended unattended;
    Readings<B> readings;
    lanes_.run(1, [&](Tape<Tensor<B>>& tape, Index) {
      X experts(view(parameters, 0, {model_.experts.count, model_.expert_size}));
      X gate(view(parameters, model_.gate_offset(), {model_.gate_size})), rows(contexts);
      if (wanted == Wanted::weights)
        experts = tape.leaf(experts.value), gate = tape.leaf(gate.value);
      else
        rows = tape.leaf(rows.value);
      const X at = drawn.takes_all() ? rows : X(gather(rows, drawn.at()));
      const X about = drawn.expands() ? X(gather(rows, drawn.about())) : at;
      const auto expert = number_of_largest(model_.weigh(parameters, about.value).logits);
      const X own = gather(experts, expert);  // every solve's copy of its expert's parameters
      const Outcome<X> outcome = forward(drawn.takes_all() ? data : data_, expert, own.active() ? own : tape.constant(own.value), gate,
                                         at, about, drawn.expands());
      sweep_losses(outcome, drawn, reweighting, readings);
      if (wanted == Wanted::contexts) return store(rows, gradient);
      store(experts, view(gradient, 0, shape(experts)));
      if (gradient.size() > model_.gate_offset()) store(gate, view(gradient, model_.gate_offset(), {model_.gate_size}));
    });
    return readings;
  }

  /// The loss `[solve]` of each of the prepared solves at its own row of `contexts`, by its `expert [solve]`, and their gradients.
  void each(const Tensor<B>& expert, const Tensor<B>& parameters, const Tensor<B>& contexts, const Tensor<B>& losses,
            const Tensor<B>& gradient) {
    const ode::Unattended unattended;
    lanes_.run(1, [&](Tape<Tensor<B>>& tape, Index) {
      const X rows = tape.leaf(contexts);
      const X own = tape.constant(gather(view(parameters, 0, {model_.experts.count, model_.expert_size}), expert));
      const X gate(view(parameters, model_.gate_offset(), {model_.gate_size}));
      const X loss = model_.loss.evaluate(forward(data_, expert, own, gate, rows, rows, false), [](std::string_view, const X&) {});
      B::copy(losses, primal(loss));
      const auto seed = make_tensor<B>(losses.shape());
      B::fill(seed, T(1));
      sweep(loss, seed);
      store(rows, gradient);
    });
  }
  /// Bytes of workspace held.
  std::size_t capacity() const { return lanes_.capacity(); }

 private:
  void reserve(Index solves, const EnvironmentData<B>& data) {
    std::vector<T> first;
    for (Index t = 0; t < data.points; ++t) first.push_back(T(t * data.environments));
    first_row_ = Array<B>({data.points, 1}, first);
    data_.environments = solves;
    data_.trajectories = data.trajectories, data_.points = data.points, data_.state = data.state, data_.times = data.times;
    data_.initial = Array<B>({solves, data.trajectories, data.state});
    data_.states = Array<B>({data.points * solves, data.trajectories * data.state});
    data_.rate = Array<B>({solves, 1});
  }

  /// What the solves come to, each by its own expert, number `expert [solve]`, with `parameters [solve, P]`.
  Outcome<X> forward(const EnvironmentData<B>& data, const Tensor<B>& expert, const X& parameters, const X& gate, const X& at,
                     const X& about, bool expanded) const {
    const Index n = data.environments, k = model_.experts.count;
    const auto chosen = one_hot(expert, k).reshape({n, 1, k});
    const auto own = [&](const X& of_all) {  // each solve's part of what it has for every expert
      const Index width = shape(of_all).back() / k;
      return reshape(X(matmul(chosen, reshape(of_all, {n, k, width}))), {n, width});
    };
    const auto seen = [&](const X& context) { return model_.experts.split_context ? own(context) : context; };
    Situation<X> s;
    s.context = seen(about);
    if (expanded) s.displacement = seen(at) - s.context;
    s.initial = data.initial.tensor();
    s.times = data.times;
    X rate(data.rate.tensor());
    Outcome<X> out;
    if constexpr (!Model::one_hot) {
      Slots<X> slots(gate);
      const auto g = model_.gate(slots, about, k, nullptr);
      rate = rate * own(g.weights);
      detail::supply(out, g);
    }
    s.rate = reshape(rate, {n, 1, 1});
    out.prediction = model_.experts.prototype(parameters, s);
    out.target = X(data.states.tensor().reshape({data.points, n, data.trajectories, data.state}));
    out.sample_axis = 1;
    out.context = at;
    return out;
  }

  void sweep_losses(const Outcome<X>& outcome, const EnvironmentDraw<B>& drawn, Reweighting reweighting, Readings<B>& readings) const {
    std::array<std::pair<std::string_view, Tensor<B>>, std::size_t(Losses::capacity)> terms;
    std::size_t count = 0;
    const X loss = model_.loss.evaluate(outcome, [&](std::string_view name, const X& each) { terms[count++] = {name, primal(each)}; });
    const auto [weight, slope] = weights_of(primal(loss), drawn, reweighting);
    for (std::size_t i = 0; i < count; ++i) readings.add(terms[i].first, rule::map(functor::Times{}, terms[i].second, weight), 1);
    readings.set_total(rule::map(functor::Times{}, primal(loss), weight), 1);
    sweep(loss, slope);
  }
  struct Weights {
    Tensor<B> weight, slope;  ///< `[solve]`: of its loss in the total, and the total's derivative with respect to it
  };
  /// An environment's loss is the mean over its pool. The derivative of `sum s_e l_e` with respect to `l_e` is `s_e (1 + l_e - sum s l)`.
  static Weights weights_of(const Tensor<B>& loss, const EnvironmentDraw<B>& drawn, Reweighting reweighting) {
    const Index n = drawn.environments(), pool = drawn.pool();
    if (reweighting == Reweighting::none) {
      const auto alike = make_tensor<B>({n * pool});
      B::fill(alike, T(1 / double(n * pool)));
      return {alike, alike};
    }
    const auto each = scale(reshape(sum_to(reshape(loss, {n, pool}), {n, 1}), {1, n}), 1 / double(pool));
    const auto share = softmax(each), slope = share * (each - sum_last(share * each) + 1.0);
    const auto of_solves = [&](const Tensor<B>& x) {
      return reshape(Tensor<B>(broadcast_to(scale(reshape(x, {n, 1}), 1 / double(pool)), {n, pool})), {n * pool});
    };
    return {of_solves(share), of_solves(slope)};
  }

  static void store(const X& x, const Tensor<B>& to) { B::copy(to, detail::or_zeros(x.node->adjoint, x.value)); }

  const Model& model_;
  EnvironmentData<B> data_;  ///< of what was drawn
  Array<B> first_row_;       ///< of every time
  Lanes<Tensor<B>> lanes_;
};

}  // namespace moesaic
