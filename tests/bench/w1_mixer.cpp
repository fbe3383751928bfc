// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// W1: a training step of 10 neural-ODE experts, 4 environments of 4 trajectories each. Expert k's vector field is an MLP
// 42-64-64-64-2 of [x; context of the environment], swish in between; RK4, 20 steps of 0.05; mean squared error over all states;
// Adam on all weights and contexts.
#include <moesaic/train/optimiser.hpp>

#include "support/context_field.hpp"
#include "support/harness.hpp"

namespace {

using namespace bench;

template <class T>
class MixerStep {
  using B = Cpu<T>;
  static constexpr Index experts = 10, environments = 4, trajectories = 4, rows = environments * trajectories;
  static constexpr Index state = 2, context = 40, hidden = 64;
  static constexpr int steps = 20;
  static constexpr Mlp<> field() { return {{state + context, hidden, hidden, hidden, state}}; }

 public:
  const char* name = "W1_mixer_step";
  std::string sizes() const { return "\"experts\": 10, \"envs\": 40, \"traj\": 4, \"hidden\": 64, \"rk4_steps\": 20"; }
  double flops() const {
    const double forward = 2.0 * experts * (rows * 4 * steps * hidden * (2 * state + 2 * hidden) + environments * context * hidden);
    return 3 * forward;
  }

  explicit MixerStep(Problem<T>& problem) {
    layout_.add_module("field", field());
    layout_.add("contexts", {environments, context}, {});
    const Shape all{experts, layout_.size()};
    parameters_ = Array<B>(all);
    gradient_ = Array<B>(all);
    adam_ = initial_state(Adam{}, parameters_.tensor());
    for (const auto& e : layout_.entries()) {
      const Index inputs = e.shape.rank() == 2 ? e.shape[0] : hidden, each = e.shape.size();
      const auto values = from_peer(e, problem.weights("param_" + peer_name(e), {experts, each}, inputs));
      for (Index k = 0; k < experts; ++k) B::copy(view(row(parameters_, k), e.offset, {each}), values.tensor().rows(k, 1));
    }
    x0_ = by_expert(problem.array("in_x0", {environments, experts, trajectories * state}));
    const auto target = by_expert(problem.array("in_target", {environments, experts, trajectories * steps * state}));
    target_ = Array<B>({experts, steps, rows, state});  // there [row, step, state]
    for (Index k = 0; k < experts; ++k)
      for (Index r = 0; r < rows; ++r)
        for (Index s = 0; s < steps; ++s)
          std::copy_n(target.data() + ((k * rows + r) * steps + s) * state, state,
                      target_.data() + ((k * steps + s) * rows + r) * state);
    for (Index r = 0; r < rows; ++r) environment_of_row_[std::size_t(r)] = std::int32_t(r / trajectories);
  }

  void check(Problem<T>& problem) {
    Array<B> loss(Shape{});
    loss.data()[0] = gradients();
    problem.compare("loss", loss);
    for (const auto& e : layout_.entries()) {
      Array<B> ours({experts, e.shape.size()});
      for (Index k = 0; k < experts; ++k) B::copy(ours.tensor().rows(k, 1), view(row(gradient_, k), e.offset, {1, e.shape.size()}));
      problem.compare("grad_" + peer_name(e), e.name == "contexts" ? by_environment(ours) : ours);
    }
  }

  T step() {
    const T loss = gradients();
    update(Adam{}, adam_, parameters_.tensor(), gradient_.tensor(), 1e-3);
    return loss;
  }
  std::size_t bytes() const { return lanes_.capacity(); }

 private:
  /// Loss of one expert on its environments, for any array type of the parameters.
  template <class X>
  X loss_of(const X& parameters, const Tensor<B>& x0, const Tensor<B>& target) const {
    Slots<X> slots(parameters);
    const auto net = field().bind(slots);
    const X contexts = slots.take({environments, context});
    const ContextField<X> f(net, contexts, state, environment_of_row_);
    const X states = ode::solve(ode::Rk4{}, f, x0, save_times<steps>(0.05));
    return mean(map(functor::SquaredDifference{}, slice(states, 0, 1, steps), target));
  }

  /// Fills the gradient; returns the loss.
  T gradients() {
    std::array<T, experts> losses;
    lanes_.run(experts, [&](Tape<Tensor<B>>& tape, Index k) {
      const auto parameters = tape.leaf(row(parameters_, k));
      const auto loss = loss_of(parameters, row(x0_, k).reshape({rows, state}), row(target_, k).reshape({steps, rows, state}));
      sweep(scale(loss, 1.0 / experts), one<B>());
      B::copy(row(gradient_, k), parameters.node->adjoint);
      losses[std::size_t(k)] = loss.value.data()[0];
    });
    T sum = 0;
    for (T l : losses) sum += l;
    return sum / T(experts);
  }

  /// Row `k` of the first axis, flat.
  static Tensor<B> row(const Array<B>& a, Index k) { return a.tensor().rows(k, 1).reshape({a.size() / a.shape()[0]}); }
  /// The peer's `W1, b1 ... contexts` for `field.weight1, field.bias1 ... contexts`.
  static std::string peer_name(const Layout::Entry& e) {
    if (e.name == "contexts") return e.name;
    return (e.shape.rank() == 2 ? "W" : "b") + e.name.substr(e.name.size() - 1);
  }
  /// Environment e = j * experts + k belongs to expert k: `[environments, experts, ...]` to `[experts, environments, ...]`.
  static Array<B> by_expert(const Array<B>& a) { return swapped(a, environments, experts); }
  static Array<B> by_environment(const Array<B>& a) { return swapped(a, experts, environments); }
  static Array<B> swapped(const Array<B>& a, Index outer, Index inner) {
    const Index each = a.size() / (outer * inner);
    Array<B> out({inner, outer, each});
    for (Index o = 0; o < outer; ++o)
      for (Index i = 0; i < inner; ++i) std::copy_n(a.data() + (o * inner + i) * each, each, out.data() + (i * outer + o) * each);
    return out;
  }
  static Array<B> from_peer(const Layout::Entry& e, Array<B> a) { return e.name == "contexts" ? by_expert(a) : std::move(a); }

  Layout layout_;
  Array<B> parameters_, gradient_;  ///< [experts, layout]
  Array<B> x0_, target_;            ///< [experts, ...]
  std::array<std::int32_t, rows> environment_of_row_;
  OptimiserState<B> adam_;
  Lanes<Tensor<B>> lanes_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<MixerStep>(argc, argv); }
