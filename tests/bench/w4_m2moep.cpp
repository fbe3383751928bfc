// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// W4: a training step of a small mixture of Mamba forecasters, 32 windows, Adam on all parameters. The gate measures distances
// from the window's embedding to 4 prototypes and takes the 2 nearest. Beside it, a flow on a linear code of the window: its
// likelihood and what a linear decoder makes of its image, without the flow's inverse, are terms of the loss.
#include <numbers>

#include <moesaic/flow/real_nvp.hpp>
#include <moesaic/loss/reconstruction.hpp>
#include <moesaic/train/optimiser.hpp>

#include "support/m2moep.hpp"

namespace {

using namespace bench;

/// What the loss says of the windows' codes.
struct Code {
  Mlp<> encoder{{m2moep::features, m2moep::latents}}, decoder{{m2moep::latents, m2moep::features}};
  flow::RealNvp<> flow{.features = m2moep::latents, .couplings = m2moep::couplings, .hidden = {64}};

  void layout(Layout& l) const {
    l.add_module("encoder", encoder);
    l.add_module("flow", flow);
    l.add_module("decoder", decoder);
  }
  template <class X>
  void operator()(Slots<X>& slots, const X& x, Outcome<X>& to) const {
    const X code = encoder.bind(slots)(x);
    const auto image = flow.forward(slots, code);
    to.input = x;
    to.latent = image.z;
    to.log_det = image.log_det;
    to.reconstruction = decoder.bind(slots)(image.z);
  }
};

template <class T>
class ForecasterStep {
  using B = Cpu<T>;
  static constexpr Index samples = 32;
  static constexpr double of_code = 0.1, of_likelihood = 0.01 / m2moep::latents;

 public:
  const char* name = "W4_m2moep_step";
  std::string sizes() const {
    return "\"B\": 32, \"L\": 96, \"C\": 7, \"H\": 96, \"experts\": 4, \"scales\": 2, \"d_model\": 64, \"d_state\": 16";
  }
  double flops() const {
    using m2moep::features, m2moep::latents;
    const double code = 2.0 * (2 * features * latents + m2moep::couplings * (latents / 2 * 64 + 64 * latents));
    return 3 * (m2moep::flops(samples) + samples * code);
  }

  explicit ForecasterStep(Problem<T>& problem)
      : x_(problem.array("in_x", {samples, m2moep::features})),
        y_(problem.array("in_y", {samples, m2moep::horizon, m2moep::variates})) {
    model_.layout(layout_);
    code_at_ = layout_.size();
    layout_.add_module("latent", code_);
    parameters_ = m2moep::first_parameters(problem, layout_);
    gradient_ = Array<B>(parameters_.shape());
    adam_ = initial_state(Adam{}, parameters_.tensor());
  }

  void check(Problem<T>& problem) {
    Array<B> loss(Shape{});
    loss.data()[0] = gradients();
    problem.compare("loss", loss);
    m2moep::compare_gradient(problem, layout_, gradient_);
  }

  T step() {
    const T loss = gradients();
    update(Adam{}, adam_, parameters_.tensor(), gradient_.tensor(), 1e-3);
    return loss;
  }
  std::size_t bytes() const { return lanes_.capacity(); }

 private:
  template <class X>
  X loss_of(const X& parameters) const {
    const X x(x_.tensor());
    auto outcome = model_(parameters, x, y_.tensor());
    Slots<X> slots(parameters, code_at_);
    code_(slots, x, outcome);
    const auto loss = model_.loss + of_code * (loss::reconstruction + of_likelihood * loss::nll);
    return mean(loss.evaluate(outcome, [](std::string_view, const X&) {}));
  }

  /// Fills the gradient; returns the loss.
  T gradients() {
    const double log_two_pi = std::log(2 * std::numbers::pi);
    const double left_out = of_code * of_likelihood * m2moep::latents * log_two_pi / 2;  // by the peer
    T loss = 0;
    lanes_.run(1, [&](Tape<Tensor<B>>& tape, Index) {
      const auto parameters = tape.leaf(parameters_.tensor());
      const auto y = loss_of(parameters);
      sweep(y, one<B>());
      B::copy(gradient_, parameters.node->adjoint);
      loss = T(double(y.value.data()[0]) - left_out);
    });
    for (const auto& e : layout_.entries())  // of tanh, which is 1 there
      if (e.name.ends_with(".scale")) B::fill(view(gradient_.tensor(), e.offset, e.shape), T(0));
    return loss;
  }

  const decltype(m2moep::forecaster()) model_ = m2moep::forecaster();
  const Code code_;
  Layout layout_;
  Index code_at_;
  Array<B> x_, y_, parameters_, gradient_;
  OptimiserState<B> adam_;
  Lanes<Tensor<B>> lanes_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<ForecasterStep>(argc, argv); }
