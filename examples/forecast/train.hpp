// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <numeric>

#include <moesaic/data/forecast/score.hpp>
#include <moesaic/expert/spectral_mamba.hpp>
#include <moesaic/flow/encoder.hpp>
#include <moesaic/flow/instance_norm.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/loss/balance.hpp>
#include <moesaic/loss/consistency.hpp>
#include <moesaic/loss/metric_learning.hpp>
#include <moesaic/loss/prototypes.hpp>
#include <moesaic/loss/reconstruction.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/train/checkpoint.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/supervised.hpp>

#include "closed_form.hpp"
#include "common/device.hpp"
#include "job.hpp"

/// M2-MOEP as a composition of the four policies, and its training: templates that with_flow.cpp and without_flow.cpp instantiate.
namespace forecast {

using namespace moesaic;
using common::Device;
using common::device_name;

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline SpectralMamba expert_of(const Settings& s, Index variates) {
  const auto& e = s.expert;
  SpectralMamba expert{.look_back = s.data.look_back, .horizon = s.data.horizon, .variates = variates};
  expert.tokens = e.tokens == "time" ? Tokens::time : Tokens::variate;
  expert.width = e.width;
  expert.feed_forward = e.feed_forward;
  expert.states = e.states;
  expert.scales = Scales(std::span<const double>(e.scales));
  expert.step_size = e.step_size == "fixed" ? StepSize::fixed : e.step_size == "learned" ? StepSize::learned : StepSize::dynamic;
  expert.bidirectional = e.bidirectional;
  expert.frequencies = e.frequencies;
  expert.instance_norm = e.instance_norm;
  expert.skip = e.skip;
  return expert;
}

inline gate::Metric<> gate_of(const Settings& s) {
  gate::Metric<> gate{.embedding = {2 * s.gate.embedding, s.gate.embedding}};
  gate.distance = s.gate.distance == "euclidean" ? gate::Distance::euclidean
                  : s.gate.distance == "cosine"  ? gate::Distance::cosine
                                                 : gate::Distance::squared;
  gate.top_k = int(s.gate.top_k);
  gate.noise = s.gate.noise;
  gate.learn_temperature = s.gate.learn_temperature;
  return gate;
}

// docs: model
/// An encoder whose code goes through a Real NVP.
inline flow::Encoder<> flow_of(const Settings& s, Index variates) {
  return {.features = s.data.look_back * variates,
          .flow = {.features = s.flow.latent, .couplings = int(s.flow.couplings), .hidden = {s.flow.hidden}, .act_norm = true},
          .hidden = {s.flow.hidden},
          .variates = variates};
}

/// The terms that need no flow.
inline auto loss_of(const Settings& s) {
  const auto& w = s.loss;
  return w.mse * loss::mse + w.mae * loss::mae + w.triplet * loss::triplet() + w.consistency * loss::consistency() +
         w.balance * loss::importance + w.router_z * loss::router_z + w.separation * loss::prototype_separation();
}

inline auto model_with_flow(const Settings& s, Index variates) {
  return mixture(experts(s.expert.count, expert_of(s, variates)), gate_of(s), flow_of(s, variates),
                 loss_of(s) + s.loss.reconstruction * loss::reconstruction + s.loss.nll * loss::nll);
}
// docs: end
inline auto model_without_flow(const Settings& s, Index variates) {
  return mixture(experts(s.expert.count, expert_of(s, variates)), gate_of(s), flow::InstanceNorm{s.data.look_back, variates}, loss_of(s));
}

/// The windows of a part of the series.
template <class B>
Windows<B> windows_of(const Settings& s, const Prepared& series, const data::RowRange& rows) {
  const auto on_device = [](const Array<Host>& x) { return Array<B>(x.shape(), std::span<const float>(x.data(), std::size_t(x.size()))); };
  Windows<B> windows(on_device(series.values), rows.begin, rows.size(), s.data.look_back, s.data.horizon);
  if (series.cycle) windows.take_out(on_device(series.cycle), s.data.shrinkage);
  return windows;
}

/// Calls `f(entry, is the bias)` for the linear forecasts of all experts in the layout of a model.
template <class F>
void for_each_skip(const Layout& layout, const F& f) {
  for (const auto& entry : layout.entries())
    if (entry.name.ends_with(".skip.weight") || entry.name.ends_with(".skip.bias")) f(entry, entry.name.ends_with(".skip.bias"));
}

/// Lets every expert start from the linear forecast that is best on the training windows.
template <class B, class Model>
void start_from_closed_form(const Model& model, const Windows<B>& windows, const Tensor<B>& parameters) {
  const auto linear = closed_form(windows, model.experts.prototype.instance_norm);
  for_each_skip(layout_of(model), [&](const Layout::Entry& entry, bool bias) {
    B::from_host(view(parameters, entry.offset, {entry.shape.size()}), (bias ? linear.bias : linear.weight).data());
  });
}

/// Variate `v` of a window whose first row is `row`, beside what was forecast.
inline Result::Shown shown(const Settings& s, const Prepared& series, Index row, Index window, Index v, std::span<const float> forecast) {
  Result::Shown out{window, v, {}, {}, {}};
  const Index d = series.width();
  const auto value = [&](Index t) { return series.values.data()[(row + t) * d + v]; };
  for (Index t = 0; t < s.data.look_back; ++t) out.past.push_back(value(t));
  for (Index h = 0; h < s.data.horizon; ++h) {
    out.truth.push_back(value(s.data.look_back + h));
    out.forecast.push_back(forecast[std::size_t(h * d + v)]);
  }
  return out;
}

/// Routing and errors on the test windows.
template <class B, class Model>
void score(Result& out, const Model& model, const Settings& s, const Prepared& series, const Array<B>& parameters) {
  const auto start = std::chrono::steady_clock::now();
  const auto windows = windows_of<B>(s, series, series.split.test);
  const Index d = series.width(), each = s.data.horizon * d, count = model.experts.count;
  out.routing_stride = std::max<Index>(1, windows.size() / 400);
  out.usage.assign(std::size_t(count), 0);
  out.chosen.assign(std::size_t(count), 0);
  out.error_of.assign(std::size_t(count), 0);
  data::ForecastScore total;
  for_each_outcome(model, parameters, windows, [&](Index first, const Batch<B>& batch, const Outcome<Tensor<B>>& part) {
    auto prediction = to_host(part.prediction), target = to_host(part.target);
    if (batch.season) {
      const auto season = to_host(batch.season);
      for (std::size_t i = 0; i < season.size(); ++i) prediction[i] += season[i], target[i] += season[i];
    }
    const auto weights = to_host(part.weights);
    for (Index i = 0; i < part.samples(); ++i) {
      const std::span forecast(prediction.data() + i * each, std::size_t(each)), truth(target.data() + i * each, std::size_t(each));
      data::ForecastScore own;
      own.add(std::span<const float>(forecast), std::span<const float>(truth));
      total.merge(own);
      const auto* w = weights.data() + i * count;
      const auto best = std::size_t(std::max_element(w, w + count) - w);
      ++out.chosen[best];
      out.error_of[best] += own.mse();
      for (Index k = 0; k < count; ++k) out.usage[std::size_t(k)] += double(w[k]) / double(windows.size());
      const Index window = first + i;
      if (window % out.routing_stride == 0) out.routing.insert(out.routing.end(), w, w + count);
      for (Index part_of_test : {1, 3, 5})
        if (window == part_of_test * windows.size() / 6)
          for (Index v = d - 1; v >= std::max<Index>(0, d - 2); --v) out.shown.push_back(shown(s, series, windows.first_row() + window, window, v, forecast));
    }
  });
  for (std::size_t k = 0; k < std::size_t(count); ++k) {
    out.error_of[k] /= double(std::max<Index>(out.chosen[k], 1));
    if (out.usage[k] > 0 && count > 1) out.entropy -= out.usage[k] * std::log(out.usage[k]) / std::log(double(count));
  }
  out.test = {windows.size(), total.mse(), total.mae(), total.rmse(), total.r2()};
  out.evaluate_seconds = seconds_since(start);
}

/// Mean squared error of every window.
template <class B, class Model>
std::vector<double> errors_of(const Model& model, const Array<B>& parameters, const Windows<B>& windows) {
  std::vector<double> errors;
  for_each_outcome(model, parameters, windows, [&](Index, const Batch<B>&, const Outcome<Tensor<B>>& part) {
    for (const auto e : to_host(loss::mse(part))) errors.push_back(double(e));
  });
  return errors;
}

inline double mean_of(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0) / double(x.size()); }

/// Whether errors fell from `before` to `after` by more than the standard error of their difference (the one-standard-error rule:
/// Breiman et al., Classification and regression trees, 1984). Windows that overlap are no independent evidence: they are averaged
/// over stretches of `length`, and fewer than four stretches say nothing.
inline bool better(const std::vector<double>& before, const std::vector<double>& after, Index length) {
  const Index stretches = Index(before.size()) / length;
  if (stretches < 4) return false;
  double sum = 0, squares = 0;
  for (Index i = 0; i < stretches; ++i) {
    double gain = 0;
    for (Index j = i * length; j < (i + 1) * length; ++j) gain += (before[std::size_t(j)] - after[std::size_t(j)]) / double(length);
    sum += gain, squares += gain * gain;
  }
  const double n = double(stretches), mean = sum / n, variance = std::max(0.0, squares / n - mean * mean) * n / (n - 1);
  return mean > std::sqrt(variance / n);
}

template <class Model>
Result begin(const Model& model, const Settings& s, const Prepared& series) {
  Result out;
  out.settings = s;
  out.dataset = series.name;
  out.device = device_name;
  out.parameters = layout_of(model).size();
  return out;
}

template <class B>
void keep(Result& out, const Run<B>& run) {
  constexpr const char* endings[] = {"finished", "stopped early", "interrupted", "failed"};
  out.ending = endings[std::size_t(run.ending)];
  out.error = run.error;
  out.epochs = run.iterations;
  out.steps = run.steps;
  out.seconds = run.seconds;
  out.validation = run.best_validation;
  if (run.history.contains("total")) out.loss = run.history.values("total");
  if (run.history.contains("validation")) out.validations = run.history.values("validation");
}

template <class B, class Model>
Result train_model(const Model& model, const Settings& s, const Prepared& series, const Saving& saving) {
  Result out = begin(model, s, series);
  const auto training = windows_of<B>(s, series, series.split.train);
  const bool linear_start = s.expert.skip && s.expert.closed_form;
  SupervisedOptions options{.batch = std::min(s.training.batch, training.size()), .seed = std::uint64_t(s.training.seed)};
  options.validate_by = s.loss.mse > 0 ? "mse" : "mae";
  if (linear_start && !s.expert.train_skip)
    for_each_skip(layout_of(model), [&](const Layout::Entry& entry, bool) {
      options.frozen.emplace_back(entry.offset, entry.shape.size());
    });
  Supervised problem(model, training, options);
  if (linear_start) start_from_closed_form<B>(model, training, problem.parameters);
  if constexpr (Model::encodes) {
    if (std::filesystem::exists(saving.flow())) {
      const auto of_flow = load_parameters<B>(saving.flow(), layout_of(model.flow));
      B::copy(view(problem.parameters.tensor(), model.flow_offset(), of_flow.shape()), of_flow);
    }
  }
  const auto validation = windows_of<B>(s, series, series.split.validation);
  problem.validate_on(validation);
  const std::vector<double> before = errors_of(model, problem.parameters, validation);
  const Array<B> start(problem.parameters);
  const Index steps = std::max<Index>(1, s.training.epochs * problem.steps());
  const auto players = problem.players(schedule::Cosine{s.training.rate, steps, 0.01}, AdamW{.weight_decay = s.training.weight_decay});
  try {
    keep(out, fit(problem, std::span<const Player<B>>(players),
                  {.iterations = s.training.epochs,
                   .progress = saving.progress,
                   .validation_every = 1,
                   .patience = s.training.patience,
                   .clip = {.norm = s.training.clip > 0 ? s.training.clip : std::numeric_limits<double>::infinity()},
                   .seed = std::uint64_t(s.training.seed)},
                  Checkpoint{saving.checkpoint(), 1, saving.resume}));
  } catch (const FitError<B>& e) {
    keep(out, *e.run);
  }
  const std::vector<double> after = errors_of(model, problem.parameters, validation);
  out.validation_at_start = mean_of(before);
  out.validation = mean_of(after);
  out.kept_start = !better(before, after, s.data.look_back + s.data.horizon);
  if (out.kept_start) B::copy(problem.parameters, start);
  save_parameters(saving.model(), layout_of(model), problem.parameters.tensor());
  score(out, model, s, series, problem.parameters);
  return out;
}

template <class B, class Model>
Result evaluate_model(const Model& model, const Settings& s, const Prepared& series, const Saving& saving) {
  Result out = begin(model, s, series);
  score(out, model, s, series, load_parameters<B>(saving.model(), layout_of(model)));
  out.ending = "evaluated";
  return out;
}

}  // namespace forecast
