// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/data/metrics.hpp>

#include "common/json.hpp"
#include "report.hpp"

namespace mixer_ode {

namespace data = moesaic::data;
using common::Json;

namespace {

void write(Json& j, const Settings& s) {
  j.open('{');
  j.member("dataset", s.dataset);
  j.member("data_seed", s.data_seed);
  j.member("variant", variant_names[std::size_t(s.variant)]);
  j.member("sampling", sampling_names[std::size_t(s.sampling)]);
  j.member("backbone", backbone_names[std::size_t(s.backbone)]);
  j.member("experts", s.experts);
  if (!s.candidates.empty()) j.member("candidates", s.candidates);
  j.member("context", s.context);
  j.member("single_context", s.single_context);
  j.member("width", s.width);
  j.member("depth", s.depth);
  j.member("interface", s.interface);
  j.member("activation", activation_names[std::size_t(s.activation)]);
  j.member("taylor", s.taylor);
  j.member("saturation", s.saturation);
  j.member("substeps", s.substeps);
  j.member("outer", s.outer);
  j.member("inner", s.inner);
  j.member("loss", loss_names[std::size_t(s.loss)]);
  j.member("tail", s.tail);
  j.member("context_l1", s.context_l1);
  j.member("weight_rate", s.weight_rate);
  j.member("context_rate", s.context_rate);
  j.member("rates", rates_names[std::size_t(s.rates)]);
  j.member("refit_every", s.refit_every);
  j.member("refit", refit_names[std::size_t(s.refit)]);
  j.member("matching", matching_names[std::size_t(s.matching)]);
  j.member("contributors", s.contributors);
  j.member("draw", draw_names[std::size_t(s.draw)]);
  j.member("pool", s.pool);
  j.member("reweighting", s.reweighting);
  j.member("shared_state", s.shared_state);
  j.member("clip", s.clip);
  j.member("adapt_steps", s.adapt_steps);
  j.member("adapt_rate", s.adapt_rate);
  j.member("adapt_rates", rates_names[std::size_t(s.adapt_rates)]);
  j.member("search", search_names[std::size_t(s.search)]);
  j.member("start", start_names[std::size_t(s.start)]);
  j.member("seed", s.seed);
  j.close('}');
}

void write(Json& j, const Scores& scores, const data::Trajectories& set) {
  j.open('{');
  j.member("relative", data::mean(scores.relative));
  j.member("mse", data::mean(scores.squared));
  j.member("percent_below_0.1", data::percent_below(scores.relative));
  j.key("families").open('[');
  const auto relative = data::by_family(scores.relative, set), squared = data::by_family(scores.squared, set);
  for (std::size_t f = 0; f < relative.size(); ++f)
    j.open('{')
        .member("family", relative[f].name)
        .member("environments", relative[f].environments)
        .member("relative", relative[f].mean)
        .member("mse", squared[f].mean)
        .close('}');
  j.close(']');
  j.member("relative_by_environment", scores.relative);
  j.member("mse_by_environment", scores.squared);
  j.close('}');
}

void write(Json& j, const Result& m, const data::Environments& sets) {
  j.open('{');
  j.member("model", kind_names[std::size_t(m.kind)]);
  j.member("experts", m.experts);
  j.member("context", m.context);
  if (!m.trials.empty()) {
    j.key("trials").open('[');
    for (const Trial& t : m.trials) j.open('{').member("experts", t.experts).member("error_by_environment", t.errors).close('}');
    j.close(']');
  }
  j.member("expert_parameters", m.expert_parameters);
  j.member("parameters", m.parameters);
  j.member("ending", m.ending);
  if (!m.error.empty()) j.member("error", m.error);
  j.member("iterations", m.iterations);
  j.member("seconds", m.seconds);
  j.member("loss", m.loss);
  j.member("routing", m.expert);
  j.member("family_of_environment", sets.train.family);
  j.key(sets.test.empty() ? "train" : "test");
  write(j, m.test, sets.test.empty() ? sets.train : sets.test);
  if (m.adapted) {
    j.key("adaptation").open('{');
    j.member("seconds", m.adapt_seconds);
    j.member("routing", m.adapt_expert);
    j.member("loss_by_environment", m.adapt_loss);
    j.key(sets.adapt_test.empty() ? "train" : "test");
    write(j, m.adapt_test, sets.adapt_test.empty() ? sets.adapt : sets.adapt_test);
    j.close('}');
  }
  j.close('}');
}

}  // namespace

void save_json(const std::string& path, const Report& r) {
  Json j;
  j.open('{');
  j.member("program", "mixer_ode");
  j.key("settings");
  write(j, r.options.settings);
  j.member("device", r.results[0].device);
  j.member("threads", r.options.threads);
  j.member("seconds", r.seconds);
  j.member("peak_megabytes", r.peak_megabytes);
  j.key("families").open('[');
  for (const auto& f : r.sets.train.families) j.value(f.name);
  j.close(']');
  j.key("models").open('[');
  for (const Result& m : r.results) write(j, m, r.sets);
  j.close(']').close('}');
  j.save(path);
}

}  // namespace mixer_ode
