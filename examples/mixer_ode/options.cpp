// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <moesaic/data/catalogue.hpp>
#include <optional>

#include "choose.hpp"

namespace mixer_ode {

using moesaic::require;

Settings settings_for(std::string_view dataset, Backbone backbone, bool as_published) {
  const auto& table = as_published ? published : tuned;
  const DatasetSettings& d =
      *std::find_if(table.begin(), table.end() - 1, [&](const DatasetSettings& row) { return row.dataset == dataset; });
  Settings s;
  s.dataset = dataset;
  s.backbone = backbone;
  s.experts = d.experts;
  s.context = d.experts * d.context[backbone];
  s.single_context = d.single_context[backbone];
  s.width = d.width[backbone];
  s.depth = d.depth[backbone];
  s.interface = d.interface;
  s.outer = d.outer;
  s.contributors = d.contributors;
  s.refit_every = d.refit_every;
  s.substeps = d.substeps;
  s.loss = d.loss;
  s.weight_rate = s.context_rate = d.rate;
  s.adapt_steps = d.adapt_steps;
  s.adapt_rate = d.adapt_rate;
  s.clip = d.clip;
  s.activation = d.activation;
  if (d.choose) s.candidates = {1, d.experts};
  if (!as_published) return s;
  s.variant = Variant::published;
  s.sampling = Sampling::linear;
  s.rates = s.adapt_rates = Rates::steps;
  s.refit = Refit::published;
  s.matching = Matching::greedy;
  s.draw = Draw::neighbours;
  s.saturation = 0;
  s.clip = 0;
  s.search = Search::gate;
  s.start = Start::zero;
  if (!dataset.starts_with("odebench") && !dataset.empty()) s.reweighting = true;
  if (dataset == "odebench-4" || (dataset == "lv" && backbone == Backbone::geps)) s.context_l1 = 1e-3;
  if (dataset == "go" || dataset == "sm") s.shared_state = true;
  if (dataset == "sm") s.rates = Rates::early_steps;
  if (dataset == "sm" && backbone == Backbone::ncf) {
    s.taylor = 2;
    s.pool = 2;
  }
  return s;
}

namespace {

/// A choice among names, left open until the data set has said what it prefers.
struct Choice {
  std::optional<std::string> name;
  template <class Enum, std::size_t N>
  void into(Enum& value, const std::string_view (&names)[N]) const {
    if (!name) return;
    for (std::size_t i = 0; i < N; ++i)
      if (names[i] == *name) value = Enum(i);
  }
};

template <class T>
void override_with(T& value, const std::optional<T>& wanted) {
  if (wanted) value = *wanted;
}

void check(const Settings& s) {
  const auto within = [](const char* option, auto value, decltype(value) least, decltype(value) most) {
    require(value >= least && value <= most, option, ": expected ", least, " to ", most, ", got ", value);
  };
  constexpr Index many = 1'000'000'000, wide = 10'000;
  const auto positive = [](const char* option, double value) {
    require(std::isfinite(value) && value > 0, option, ": expected a positive number, got ", value);
  };
  within("--experts", s.experts, 1, wide);
  within("--context", s.context, 1, wide);
  require(s.context % s.experts == 0, "--context: ", s.context, " is not a multiple of the number of experts, ", s.experts);
  within("--width", s.width, 1, wide);
  within("--depth", s.depth, 1, wide);
  within("--interface", s.interface, 1, wide);
  within("--taylor", s.taylor, 0, 2);
  require(s.saturation >= 0 && std::isfinite(s.saturation), "--saturation: expected 0 or a positive number, got ", s.saturation);
  within("--substeps", s.substeps, 1, wide);
  within("--outer", s.outer, 1, many);
  within("--inner", s.inner, 1, many);
  within("--refit-every", s.refit_every, 1, many);
  within("--contributors", s.contributors, 0, many);
  within("--pool", s.pool, 1, many);
  within("--adapt-steps", s.adapt_steps, 1, many);
  within("--tail", s.tail, 0, 1);
  require(s.context_l1 >= 0 && std::isfinite(s.context_l1), "--context-l1: expected 0 or a positive number, got ", s.context_l1);
  positive("--weight-rate", s.weight_rate);
  positive("--context-rate", s.context_rate);
  positive("--adapt-rate", s.adapt_rate);
  require(s.clip >= 0, "--clip: expected 0 or a positive number, got ", s.clip);
}

void list() {
  std::puts("Data sets (--dataset):");
  for (const auto& entry : moesaic::data::catalogue)
    std::printf("  %-14s %s\n", std::string(entry.name).c_str(), std::string(entry.description).c_str());
  std::puts("Backbones (--backbone):");
  std::puts("  ncf            neural context flows: context net, data net and main net");
  std::puts("  coda           CoDA: every weight moves linearly with the context");
  std::puts("  geps           GEPS: low-rank adaptation of every layer");
  std::puts("Models (--models):");
  std::puts("  single         single learner: one expert with the whole context");
  std::puts("  naive          naive mixture: M experts, every environment goes to one of them, its output times the gate, all by gradient");
  std::puts("  mixer          MixER: one expert an environment, the gate refitted by K-means and least squares");
}

}  // namespace

bool parse(int argc, char** argv, Options& out) {
  CLI::App app{
      "Learns families of dynamical systems from trajectories with a mixture of experts (MixER), beside a single learner\n"
      "and a naive mixture; prints how far off each is and which expert took what, and draws pictures.\n"
      "Where an option names no default, the data set decides it (settings.hpp).\n"};
  app.get_formatter()->column_width(34);
  std::string dataset = "odebench-2", backbone = "ncf";
  bool listing = false, as_published = false, no_pictures = false;
  Choice backend, variant, sampling, activation, loss, rates, refit, matching, draw, search, start;
  std::vector<Index> experts;
  std::optional<Index> context, width, depth, interface, substeps, outer, inner, refit_every, contributors, pool,
      adapt_steps;
  Index seed = 0, data_seed = 0;
  std::optional<int> taylor;
  std::optional<double> tail, context_l1, weight_rate, context_rate, adapt_rate, clip, saturation;
  std::optional<bool> reweighting;
  std::vector<std::string> models;
  const auto choice = [&](const char* group, const char* name, Choice& c, const auto& names, const char* text) {
    app.add_option(name, c.name, text)
        ->group(group)
        ->check(CLI::IsMember(std::vector<std::string>(std::begin(names), std::end(names))));
  };
  const auto option = [&](const char* group, const char* name, auto& value, const char* text) {
    return app.add_option(name, value, text)->group(group);
  };

  const char* group = "Data";
  auto* dataset_option = option(group, "--dataset", dataset, "name of the data set (odebench-2)");
  app.add_flag("--list", listing, "list data sets, backbones and models")->group(group);
  choice(group, "--variant", variant, variant_names, "of ODEBench sets: corrected, or with the published generator's defects");
  choice(group, "--sampling", sampling, sampling_names,
         "what ODEBench sets are fitted to: the observed points, or one window of time an environment, either interpolated "
         "linearly between them, as published, or solved (observed)");
  auto* data_seed_option = option(group, "--data-seed", data_seed,
                                  "lv, go, sm, sp, forced: 0 the published initial states, 1 to 65535 others, to choose settings on (0)");
  auto* train = option(group, "--train", out.files.train,
                       "own trajectories, .npz: X [environment, trajectory, time, state], "
                       "t [time] or [environment, time]");
  option(group, "--test", out.files.test, "other trajectories of the same environments")->needs(train);
  auto* adapt = option(group, "--adapt", out.files.adapt, "trajectories of new environments")->needs(train);
  option(group, "--adapt-test", out.files.adapt_test, "other trajectories of the new environments")->needs(adapt);
  train->excludes(dataset_option);
  train->excludes(data_seed_option);

  group = "Model";
  option(group, "--backbone", backbone, "expert: ncf, coda or geps (ncf)")->check(CLI::IsMember({"ncf", "coda", "geps"}));
  option(group, "--experts", experts, "number of experts; among several, as 1,3, MixER chooses by training environments that it holds out")
      ->delimiter(',');
  option(group, "--context", context, "length of the context: that of all experts in sum (of the largest number of them), and of the single learner");
  option(group, "--width", width, "units of a hidden layer");
  option(group, "--depth", depth, "hidden layers (ncf), layers (coda, geps)");
  option(group, "--interface", interface, "units between the networks of ncf");
  choice(group, "--activation", activation, activation_names, "swish with a learnable factor, or gated linear unit");
  option(group, "--taylor", taylor, "order of the expansion in the context, 0 to 2");
  option(group, "--saturation", saturation, "bend states back beyond this multiple of the largest training state, 0: never (2)");
  option(group, "--substeps", substeps, "RK4 steps between two time points");
  option(group, "--models", models, "of single, naive, mixer (all)")
      ->delimiter(',')
      ->check(CLI::IsMember({"single", "naive", "mixer"}));

  group = "Training";
  option(group, "--outer", outer, "outer iterations: inner steps of the contexts, then of the weights");
  option(group, "--inner", inner, "inner steps (12)");
  choice(group, "--loss", loss, loss_names, "squared error, or relative to the size of the state");
  option(group, "--tail", tail, "relative loss: 0 divides by the state's own square, 1 by the trajectory's mean square (0.3)");
  option(group, "--context-l1", context_l1, "weight of the contexts' mean absolute value in the loss (0)");
  option(group, "--refit-every", refit_every, "steps between two refits of the gate");
  choice(group, "--refit", refit, refit_names, "of the gate: improved, or algorithm 1 as released");
  choice(group, "--matching", matching, matching_names, "of clusters with experts (optimal)");
  option(group, "--contributors", contributors, "environments of a gradient step, 0: all");
  choice(group, "--draw", draw, draw_names, "of these: any (uniform), or a random one and those nearest in context");
  option(group, "--pool", pool, "contexts that an environment is expanded about, with --taylor");
  option(group, "--reweighting", reweighting, "true: hard environments weigh more (false)");
  option(group, "--weight-rate", weight_rate, "learning rate of the weights");
  option(group, "--context-rate", context_rate, "learning rate of the contexts");
  choice(group, "--rates", rates, rates_names,
         "cosine down to 5 %, or times 0.4 at one and two thirds (steps) or sixths (early-steps) (cosine)");
  option(group, "--clip", clip, "largest norm of a gradient, 0: no limit");
  app.add_flag("--published", as_published,
               "all settings of MixER's released code: squared error, K contributors, greedy matching, refit in every step, "
               "stepwise rates, adaptation by the gate and from context 0; options given beside it win")
      ->group(group);
  option(group, "--seed", seed, "of weights and noise (0)");
  choice(group, "--backend", backend, backend_names, "cpu, or thrust: a GPU, where the program was built for one (cpu)");
  option(group, "--threads", out.threads, "number of threads (all cores)")->check(CLI::Range(1, 4096));

  group = "Adaptation to new environments";
  option(group, "--adapt-steps", adapt_steps, "gradient steps on a new context");
  option(group, "--adapt-rate", adapt_rate, "learning rate");
  choice(group, "--search", search, search_names, "experts that are tried: all, or the gate's choice");
  choice(group, "--start", start, start_names, "contexts start from the training environments' that fits best (known), or from 0");

  group = "Files";
  option(group, "--output", out.output, "folder for pictures and trained models (out/DATASET-BACKBONE)");
  option(group, "--json", out.json, "write the results to this file, for machines");
  option(group, "--predict", out.predict, "write the last model's predictions to this file, .npz");
  option(group, "--checkpoint", out.checkpoint, "save every so many outer iterations, beside the end (0)");
  app.add_flag("--resume", out.resume, "go on from the models saved in the output folder")->group(group);
  app.add_flag("--no-pictures", no_pictures, "draw none")->group(group);
  app.add_flag("--quiet", out.quiet, "no progress lines")->group(group);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    app.exit(e);
    return false;
  } catch (const CLI::ParseError& e) {
    throw moesaic::Error(e.what());
  }
  if (listing) {
    list();
    return false;
  }

  Settings& s = out.settings;
  Backbone wanted{};
  Choice{backbone}.into(wanted, backbone_names);
  s = settings_for(out.files.own() ? std::string_view() : std::string_view(dataset), wanted, as_published);
  s.dataset = out.files.own() ? out.files.train : dataset;
  s.seed = std::uint64_t(seed);
  s.data_seed = std::uint64_t(data_seed);
  if (!experts.empty()) {
    std::sort(experts.begin(), experts.end());
    experts.erase(std::unique(experts.begin(), experts.end()), experts.end());
    require(experts.front() >= 1, "--experts: expected at least 1, got ", experts.front());  // before it divides
    const Index most = experts.back(), largest = std::max<Index>(40, s.context);
    s.context = s.experts * std::max<Index>(1, std::min(s.context / s.experts, largest / most));
    s = with_experts(s, most);
    s.candidates = experts.size() > 1 ? experts : std::vector<Index>{};
  }
  if (context) s.context = s.single_context = *context;
  backend.into(out.backend, backend_names);
  override_with(s.width, width);
  override_with(s.depth, depth);
  override_with(s.interface, interface);
  override_with(s.taylor, taylor);
  override_with(s.substeps, substeps);
  override_with(s.outer, outer);
  override_with(s.inner, inner);
  override_with(s.tail, tail);
  override_with(s.context_l1, context_l1);
  override_with(s.refit_every, refit_every);
  override_with(s.contributors, contributors);
  override_with(s.pool, pool);
  if (taylor && *taylor > 0 && !pool) s.pool = std::max<Index>(s.pool, 2);  // an expansion about oneself is none
  override_with(s.reweighting, reweighting);
  override_with(s.weight_rate, weight_rate);
  override_with(s.context_rate, context_rate);
  override_with(s.clip, clip);
  override_with(s.saturation, saturation);
  override_with(s.adapt_steps, adapt_steps);
  override_with(s.adapt_rate, adapt_rate);
  variant.into(s.variant, variant_names);
  sampling.into(s.sampling, sampling_names);
  activation.into(s.activation, activation_names);
  loss.into(s.loss, loss_names);
  rates.into(s.rates, rates_names);
  refit.into(s.refit, refit_names);
  matching.into(s.matching, matching_names);
  draw.into(s.draw, draw_names);
  search.into(s.search, search_names);
  start.into(s.start, start_names);
  check(s);
  constexpr Index largest_seed = Index{1} << 53;  // larger numbers that the command line cannot hold would become the largest it can
  require(seed >= 0 && seed <= largest_seed, "--seed: expected 0 to ", largest_seed, ", got ", seed);
  require(data_seed >= 0 && data_seed < 65536, "--data-seed: expected 0 to 65535, got ", data_seed);
  require(data_seed == 0 || !s.dataset.starts_with("odebench"), "--data-seed: the initial states of ", s.dataset, " are fixed");
  require(out.checkpoint >= 0, "--checkpoint: expected at least 0, got ", out.checkpoint);

  if (!models.empty()) {
    out.models.clear();
    for (std::size_t k = 0; k < std::size(kind_names); ++k)
      if (std::find(models.begin(), models.end(), kind_names[k]) != models.end()) out.models.push_back(Kind(k));
  }
  out.pictures = !no_pictures;
  if (out.output.empty()) out.output = "out/" + (out.files.own() ? "own" : dataset) + "-" + backbone;
  return true;
}

}  // namespace mixer_ode
