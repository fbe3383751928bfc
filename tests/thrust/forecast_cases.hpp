// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <vector>

#include <moesaic/expert/spectral_mamba.hpp>
#include <moesaic/flow/encoder.hpp>
#include <moesaic/flow/standardise.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/loss/balance.hpp>
#include <moesaic/loss/consistency.hpp>
#include <moesaic/loss/metric_learning.hpp>
#include <moesaic/loss/prototypes.hpp>
#include <moesaic/loss/reconstruction.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/linear_start.hpp>
#include <moesaic/train/supervised.hpp>

/// Short trainings on the windows of a series that every backend must end alike.
namespace thrust_test {

using namespace moesaic;

/// What it ended with.
struct Forecaster {
  std::vector<double> start;  ///< maps and biases of the linear start
  std::vector<double> losses, parameters, forecasts;
};

/// The same on the CPU backend, compiled once for all device systems.
Forecaster forecaster_on_cpu();
Forecaster m2_moep_on_cpu(bool noise);

/// One linear map of the look-back for all variates.
struct LinearForecast {
  Index look_back, horizon, variates;
  Index inputs() const { return look_back * variates; }
  void layout(Layout& l) const {
    l.add("weight", {look_back, horizon}, init::fan_in(look_back));
    l.add("bias", {horizon}, init::constant(0));
  }
  template <class X>
  X operator()(const X& parameters, const X& x) const {
    Slots<X> slots(parameters);
    const X window = transpose(X(reshape(x, {shape(x)[0], look_back, variates}))), weight = slots.take({look_back, horizon});
    return transpose(X(linear(window, weight, slots.take({horizon}))));
  }
};

constexpr Index variates = 2, look_back = 12, horizon = 4;

template <class B>
Windows<B> windows_without_season() {
  constexpr Index rows = 90;
  using T = typename B::Scalar;
  std::vector<T> values, cycle;
  for (Index t = 0; t < rows; ++t)
    for (Index v = 0; v < variates; ++v) {
      cycle.push_back(T(std::sin(0.7 * double(t % 9))));
      values.push_back(T(std::sin(0.7 * double(t % 9)) + 0.3 * std::cos(0.11 * double(t * (v + 1)))));
    }
  Windows<B> windows(Array<B>({rows, variates}, values), 0, rows, look_back, horizon);
  windows.take_out(Array<B>({rows, variates}, cycle), 0.5);
  return windows;
}
template <class B>
std::vector<double> widened(const Array<B>& x) {
  const auto host = to_host(x.tensor());
  return {host.begin(), host.end()};
}

/// A metric gate whose temperature follows a schedule, two of three experts each, frozen biases.
template <class B>
Forecaster forecaster() {
  const auto windows = windows_without_season<B>();
  Forecaster out;
  const auto start = linear_start(windows);
  out.start = start.weight;
  out.start.insert(out.start.end(), start.bias.begin(), start.bias.end());

  const gate::Metric<> gate{.embedding = {6, 3}, .top_k = 2, .learn_temperature = true};
  const auto model = mixture(experts<3>(LinearForecast{look_back, horizon, variates}), gate, flow::Identity{},
                             loss::mae + 0.1 * loss::switch_balance + 0.05 * loss::triplet(0.5));
  const auto frozen = parameters_where(layout_of(model), [](const std::string& name) { return name.ends_with(".bias"); });
  Supervised problem(model, windows,
                     {.batch = 25, .seed = 4, .frozen = frozen, .temperature = schedule::Linear{.from = 2, .to = 0.5, .steps = 12}});
  const auto run = fit(problem, problem.players(1e-2, AdamW{.weight_decay = 1e-3}), {.iterations = 4, .clip = {.norm = 1}, .seed = 2});
  out.losses = run.history.values("total");
  const Scratch<typename B::Memory> scratch;
  out.parameters = widened(problem.parameters);
  out.forecasts = widened(predict(model, problem.parameters, Array<B>(windows.range(3, 8).x)));
  return out;
}

/// M2-MOEP: spectral Mamba experts, a metric gate on the code of an encoder, every loss term; with `noise` the gate's distances are
/// perturbed.
inline auto m2_moep(bool noise) {
  SpectralMamba expert{.look_back = look_back, .horizon = horizon, .variates = variates};
  expert.width = 6, expert.states = 3, expert.scales = {1, 2}, expert.frequencies = 4, expert.own_skips = true;
  gate::Metric<> gate{.embedding = {6, 3}, .distance = gate::Distance::squared, .learn_temperature = true, .noise = noise};
  const flow::Encoder<> flow{.features = look_back * variates,
                             .flow = {.features = 4, .couplings = 2, .hidden = {6}, .act_norm = true},
                             .hidden = {8},
                             .variates = variates};
  const auto of_gate = 0.1 * loss::importance + 0.1 * loss::switch_balance + 0.1 * loss::triplet() + 0.1 * loss::contrastive() +
                       0.1 * loss::consistency(0.3) + 0.1 * loss::prototype_separation();
  return mixture(experts<3>(expert), gate, flow, loss::mae + of_gate + loss::learned(loss::reconstruction) + 0.01 * loss::nll);
}
/// Steps of five passes over the windows, of 12 each.
template <class B, class Model>
Forecaster trained(const Model& model, Index iterations = 5) {
  const auto windows = windows_without_season<B>();
  Supervised problem(model, windows, {.batch = 12, .seed = 4});
  const auto run = fit(problem, problem.players(1e-2), {.iterations = iterations, .validation_every = 100, .clip = {.norm = 1}, .seed = 2});
  const Scratch<typename B::Memory> scratch;
  const auto forecasts = predict(model, problem.parameters, Array<B>(windows.range(3, 8).x));
  return {{}, run.history.values("total"), widened(problem.parameters), widened(forecasts)};
}

}  // namespace thrust_test
