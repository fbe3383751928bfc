// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <tuple>

#include <moesaic/data/forecast/score.hpp>
#include <moesaic/expert/spectral_mamba.hpp>
#include <moesaic/flow/encoder.hpp>
#include <moesaic/flow/instance_norm.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/balance.hpp>
#include <moesaic/loss/consistency.hpp>
#include <moesaic/loss/metric_learning.hpp>
#include <moesaic/loss/prototypes.hpp>
#include <moesaic/loss/reconstruction.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/train/checkpoint.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/linear_start.hpp>
#include <moesaic/train/supervised.hpp>

#include "common/device.hpp"
#include "decisive.hpp"
#include "job.hpp"

/// M2-MOEP as a composition of the four policies, and its training: templates that with_flow.cpp, without_flow.cpp and with_linear_gate.cpp instantiate.
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
  expert.step_size = e.step_size == "fixed"     ? StepSize::fixed
                     : e.step_size == "learned" ? StepSize::learned
                     : e.step_size == "pooled"  ? StepSize::pooled
                                                : StepSize::dynamic;
  expert.bidirectional = e.bidirectional;
  expert.frequencies = e.frequencies;
  expert.instance_norm = e.instance_norm;
  expert.skip = e.skip;
  expert.own_skips = e.own_skips;
  return expert;
}

inline gate::Metric<> gate_of(const Settings& s) {
  gate::Metric<> gate{.embedding = {2 * s.gate.embedding, s.gate.embedding}};
  gate.distance = s.gate.distance == "euclidean" ? gate::Distance::euclidean
                  : s.gate.distance == "cosine"  ? gate::Distance::cosine
                                                 : gate::Distance::squared;
  gate.top_k = int(s.gate.top_k);
  gate.noise = s.gate.noise;
  gate.learn_temperature = s.gate.learn_temperature || s.gate.final_temperature > 0;
  gate.temperature = s.gate.temperature;
  return gate;
}

// docs: model
/// An encoder whose code goes through a Real NVP.
inline flow::Encoder<> flow_of(const Settings& s, Index variates) {
  return {.features = s.data.look_back * variates,
          .flow = {.features = s.flow.latent, .couplings = int(s.flow.couplings), .hidden = {s.flow.hidden}, .act_norm = true},
          .hidden = {s.flow.hidden},
          .variates = s.flow.instance_norm ? variates : 0};
}

/// A term with a weight that is fixed, or beside that a learned one.
template <class Term>
loss::Scaled<Term> weighed(double weight, const Term& term, bool learned) {
  return {term, weight, learned && weight > 0};
}

/// Of forecasts and routing.
inline auto forecast_loss(const Settings& s) {
  const auto& w = s.loss;
  return weighed(w.mse, loss::mse, w.learned) + weighed(w.mae, loss::mae, w.learned) + weighed(w.huber, loss::huber(), w.learned) +
         w.balance * loss::importance + w.switch_balance * loss::switch_balance + w.usage_variance * loss::usage_variance +
         w.router_z * loss::router_z;
}
/// Of a metric gate's embeddings.
inline auto embedding_loss(const Settings& s) {
  const auto& w = s.loss;
  return w.triplet * loss::triplet() + w.contrastive * loss::contrastive() + w.consistency * loss::consistency() +
         w.separation * loss::prototype_separation();
}
/// Of the flow and the code in front of it.
inline auto flow_loss(const Settings& s) {
  return weighed(s.loss.reconstruction, loss::reconstruction, s.loss.learned) + s.loss.nll * loss::nll;
}

inline auto model_with_flow(const Settings& s, Index variates) {
  return mixture(experts(s.expert.count, expert_of(s, variates)), gate_of(s), flow_of(s, variates),
                 forecast_loss(s) + embedding_loss(s) + flow_loss(s));
}
// docs: end
inline auto model_without_flow(const Settings& s, Index variates) {
  return mixture(experts(s.expert.count, expert_of(s, variates)), gate_of(s), flow::InstanceNorm{s.data.look_back, variates},
                 forecast_loss(s) + embedding_loss(s));
}
inline auto model_with_linear_gate(const Settings& s, Index variates) {
  const gate::Softmax gate{.top_k = int(s.gate.top_k), .temperature = s.gate.temperature, .noise = s.gate.noise};
  return mixture(experts(s.expert.count, expert_of(s, variates)), gate, flow_of(s, variates), forecast_loss(s) + flow_loss(s));
}
template <Composition C>
auto model_of(const Settings& s, Index variates) {
  if constexpr (C == Composition::whole)
    return model_with_flow(s, variates);
  else if constexpr (C == Composition::without_flow)
    return model_without_flow(s, variates);
  else
    return model_with_linear_gate(s, variates);
}

/// The windows of a part of the series.
template <class B>
Windows<B> windows_of(const Settings& s, const Prepared& series, const data::RowRange& rows) {
  const auto on_device = [](const Array<Host>& x) { return Array<B>(x.shape(), std::span<const float>(x.data(), std::size_t(x.size()))); };
  Windows<B> windows(on_device(series.values), rows.begin, rows.size(), s.data.look_back, s.data.horizon);
  if (series.cycle) windows.take_out(on_device(series.cycle), s.data.shrinkage);
  return windows;
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

/// Forecasts or targets of windows, and what was taken out of them.
template <class B>
std::vector<float> with_season(const Batch<B>& batch, const Tensor<B>& y) {
  auto out = to_host(y);
  if (!batch.season) return out;
  const auto season = to_host(batch.season);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += season[i];
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
  std::vector<data::ForecastScore> alone(static_cast<std::size_t>(count));
  for_each_outcome(model, parameters, windows, [&](Index first, const Batch<B>& batch, const Outcome<Tensor<B>>& part) {
    const auto prediction = with_season(batch, part.prediction), target = with_season(batch, part.target);
    const auto weights = to_host(part.weights);
    for (Index k = 0; k < count; ++k) {
      const auto own = with_season(batch, model.expert(parameters.tensor(), k, batch.x));
      alone[std::size_t(k)].add(std::span<const float>(own), std::span<const float>(target));
    }
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
    out.error_of[k] = out.chosen[k] > 0 ? out.error_of[k] / double(out.chosen[k]) : Scores::none;
    out.error_alone.push_back(alone[k].mse());
    if (out.usage[k] > 0 && count > 1) out.entropy -= out.usage[k] * std::log(out.usage[k]) / std::log(double(count));
  }
  out.test = {windows.size(), total.mse(), total.mae(), total.rmse(), total.r2()};
  out.evaluate_seconds = seconds_since(start);
}

/// Mean squared error over all windows.
template <class B, class Model>
double error_of(const Model& model, const Array<B>& parameters, const Windows<B>& windows) {
  double sum = 0;
  for_each_outcome(model, parameters, windows, [&](Index, const Batch<B>&, const Outcome<Tensor<B>>& part) {
    for (const auto e : to_host(loss::mse(part))) sum += double(e);
  });
  return sum / double(windows.size());
}

// docs: undecayed
/// A Mamba block's decays and its skip, which its authors train without weight decay.
inline std::vector<std::pair<Index, Index>> undecayed(const Layout& layout) {
  const auto chosen = [](const std::string& name) { return name.ends_with(".log_decay") || name.ends_with(".skip"); };
  return parameters_where(layout, chosen);
}
// docs: end

/// Multiplies what the networks add to the linear forecasts: their last layer, which is linear and has no bias.
template <class B>
void scale_networks(const Layout& layout, const Array<B>& parameters, double factor) {
  for (const auto& entry : layout.entries())
    if (entry.name.ends_with(".head.weight")) {
      const auto head = view(parameters.tensor(), entry.offset, {entry.shape.size()});
      const Scratch<typename B::Memory> scratch;
      B::copy(head, scale(head, factor));
    }
}

/// Takes back as much of what the networks add to the linear start as does not hold on the validation windows. The forecast is linear in
/// their share, so that its error is a parabola, which three errors determine: those of shares 0 (the start), 1/2 and 1. Returns the
/// best share in [0, 1] and its error. (Stacked regressions: Breiman, Machine learning 24, 1996.) Where all validation windows have a
/// target row in common they are one observation, on which nothing can be chosen, and the share is 0.
template <class B, class Model>
std::pair<double, double> shrink_networks(const Model& model, const Array<B>& parameters, const Windows<B>& windows, double at_start) {
  const Layout layout = layout_of(model);
  Workspace<typename B::Memory> workspace;
  const typename Workspace<typename B::Memory>::Scope scope(workspace);
  const double whole = error_of(model, parameters, windows);
  const Array<B> trial(parameters);
  scale_networks(layout, trial, 0.5);
  const double half = error_of(model, trial, windows), bend = 2 * (at_start + whole - 2 * half);
  const bool judged = windows.size() > windows.horizon() && bend > 0;
  const double share = judged ? std::clamp((at_start - whole + bend) / (2 * bend), 0.0, 1.0) : 0.0;
  scale_networks(layout, parameters, share);
  return {share, at_start + share * (whole - at_start - bend) + share * share * bend};
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
  const bool starts_linear = s.expert.skip && s.expert.closed_form;
  SupervisedOptions options{.batch = std::min(s.training.batch, training.size()), .seed = std::uint64_t(s.training.seed)};
  options.validate_by = s.loss.mse > 0 ? "mse" : s.loss.mae > 0 ? "mae" : "huber";
  const Index steps = std::max<Index>(1, s.training.epochs * ((training.size() + options.batch - 1) / options.batch));
  if (s.gate.final_temperature > 0)
    options.temperature = schedule::Exponential{s.gate.temperature, s.gate.final_temperature / s.gate.temperature, steps};
  const Layout layout = layout_of(model);
  if (starts_linear && !s.expert.train_skip)
    options.frozen = parameters_where(layout, [](const std::string& name) { return name.find(".skip.") != std::string::npos; });
  out.validated_by = options.validate_by;
  Supervised problem(model, training, options);
  if (starts_linear) {
    const auto maps = linear_start(training, {.own = s.expert.own_skips, .shares = s.expert.share});
    start_from(maps, layout, problem.parameters.tensor());
    out.start = {maps.keeps_level, maps.shrinkage, maps.share, maps.error,
                 error_of(model, problem.parameters, windows_of<B>(s, series, series.split.test))};
  }
  if constexpr (Model::encodes) {
    if (saving.pretrained) {
      const auto of_flow = load_parameters<B>(saving.flow(), layout_of(model.flow));
      B::copy(view(problem.parameters.tensor(), model.flow_offset(), of_flow.shape()), of_flow);
    }
  }
  const auto validation = windows_of<B>(s, series, series.split.validation);
  problem.validate_on(validation);
  out.validation_at_start = error_of(model, problem.parameters, validation);
  AdamW optimiser{.weight_decay = s.training.weight_decay};
  if (optimiser.weight_decay > 0) optimiser.undecayed = undecayed(layout);
  const auto players = problem.players(schedule::Cosine{s.training.rate, steps, 0.01}, optimiser);
  try {
    keep(out, fit(problem, std::span<const Player<B>>(players),
                  {.iterations = s.training.epochs,
                   .progress = saving.progress,
                   .validation_every = 1,
                   .patience = s.training.patience,
                   .clip = {.norm = s.training.clip > 0 ? s.training.clip : std::numeric_limits<double>::infinity()},
                   .seed = std::uint64_t(s.training.seed)},
                  Checkpoint{saving.checkpoint(), 1, saving.resume, decisive_for_training(s, series)}));
  } catch (const FitError<B>& e) {
    keep(out, *e.run);
  }
  if (starts_linear && !s.expert.train_skip)
    std::tie(out.share.emplace(), out.validation) = shrink_networks(model, problem.parameters, validation, out.validation_at_start);
  else
    out.validation = error_of(model, problem.parameters, validation);
  score(out, model, s, series, problem.parameters);
  try {
    save_parameters(saving.model(), layout, problem.parameters.tensor());
  } catch (const Error& e) {  // what was found is still printed
    if (out.error.empty()) out.error = e.what();
  }
  return out;
}

template <class B, class Model>
Result evaluate_model(const Model& model, const Settings& s, const Prepared& series, const Saving& saving) {
  Result out = begin(model, s, series);
  score(out, model, s, series, load_parameters<B>(saving.model(), layout_of(model)));
  out.ending = "evaluated";
  return out;
}

/// The windows whose forecast is wanted are the last one.
template <class B, class Model>
std::vector<float> predict_last(const Model& model, const Settings& s, const Prepared& series, const Saving& saving) {
  const Index rows = s.data.look_back + s.data.horizon, all = series.values.shape()[0];
  std::vector<float> out;
  for_each_outcome(model, load_parameters<B>(saving.model(), layout_of(model)), windows_of<B>(s, series, {all - rows, all}),
                   [&](Index, const Batch<B>& batch, const Outcome<Tensor<B>>& part) {
    out = with_season(batch, part.prediction);
  });
  return out;
}

template <class B>
template <Composition C>
std::vector<float> Job<B>::predict(const Settings& s, const Prepared& series, const Saving& saving) {
  return predict_last<B>(model_of<C>(s, series.width()), s, series, saving);
}

template <class B>
template <Composition C>
Result Job<B>::train(const Settings& s, const Prepared& series, const Saving& saving) {
  return train_model<B>(model_of<C>(s, series.width()), s, series, saving);
}

template <class B>
template <Composition C>
Result Job<B>::evaluate(const Settings& s, const Prepared& series, const Saving& saving) {
  return evaluate_model<B>(model_of<C>(s, series.width()), s, series, saving);
}

}  // namespace forecast
