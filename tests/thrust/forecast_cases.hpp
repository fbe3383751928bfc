// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <vector>

#include <moesaic/flow/standardise.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/loss/balance.hpp>
#include <moesaic/loss/metric_learning.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/linear_start.hpp>
#include <moesaic/train/supervised.hpp>

/// A short training on the windows of a series that every backend must end alike.
namespace thrust_test {

using namespace moesaic;

/// What it ended with.
struct Forecaster {
  std::vector<double> start;  ///< maps and biases of the linear start
  std::vector<double> losses, parameters, forecasts;
};

/// The same on the CPU backend, compiled once for all device systems.
Forecaster forecaster_on_cpu();

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

/// Windows without their season, a metric gate whose temperature follows a schedule, two of three experts each, frozen biases.
template <class B>
Forecaster forecaster() {
  constexpr Index rows = 90, variates = 2, look_back = 12, horizon = 4;
  using T = typename B::Scalar;
  std::vector<T> values, cycle;
  for (Index t = 0; t < rows; ++t)
    for (Index v = 0; v < variates; ++v) {
      cycle.push_back(T(std::sin(0.7 * double(t % 9))));
      values.push_back(T(std::sin(0.7 * double(t % 9)) + 0.3 * std::cos(0.11 * double(t * (v + 1)))));
    }
  Windows<B> windows(Array<B>({rows, variates}, values), 0, rows, look_back, horizon);
  windows.take_out(Array<B>({rows, variates}, cycle), 0.5);

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
  const auto on_host = [](const Array<B>& x) {
    const auto host = to_host(x.tensor());
    return std::vector<double>(host.begin(), host.end());
  };
  out.parameters = on_host(problem.parameters);
  out.forecasts = on_host(predict(model, problem.parameters, Array<B>(windows.range(3, 8).x)));
  return out;
}

}  // namespace thrust_test
