// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <moesaic/data/forecast/read_series.hpp>
#include <optional>

namespace forecast {

using moesaic::require;

namespace {

/// What settings may be changed by, in this order: the configuration file, options of their own, `--set`.
struct Changes {
  std::string config;
  std::vector<Index> horizons, seeds;
  std::optional<Index> epochs, look_back;
  std::vector<std::string> sets;

  /// Those asked for, or the set's; of another series one.
  std::vector<Index> horizons_of(const std::string& dataset) const {
    if (!horizons.empty()) return horizons;
    for (const auto& set : moesaic::data::forecast_sets())
      if (set.name == dataset) return {set.horizons.begin(), set.horizons.end()};
    return {96};
  }
  Settings apply(const std::string& dataset, Index horizon, Index seed) const {
    const Settings s = unchecked(dataset, horizon, seed);
    check(s);
    return s;
  }
  Settings unchecked(const std::string& dataset, Index horizon, Index seed) const {
    Settings s = defaults_for(dataset, horizon);
    if (!config.empty()) load_yaml(config, s);
    if (!dataset.empty()) s.data.name = dataset;
    if (horizon > 0) s.data.horizon = horizon;
    if (seed >= 0) s.training.seed = seed;
    if (epochs) s.training.epochs = *epochs;
    if (look_back) s.data.look_back = *look_back;
    for (const std::string& change : sets) {
      const auto equals = change.find('=');
      require(equals != std::string::npos, "--set: expected name=value, got \"", change, "\"");
      set(s, change.substr(0, equals), change.substr(equals + 1));
    }
    return s;
  }
};

}  // namespace

std::string run_name(const Settings& s) {
  return std::filesystem::path(s.data.name).stem().string() + "-" + std::to_string(s.data.horizon) + "-seed" +
         std::to_string(s.training.seed);
}

bool parse(int argc, char** argv, Options& out) {
  CLI::App app{"Forecasts long horizons with M2-MOEP: experts of Fourier features and multi-scale Mamba, routed by a metric-learning gate "
               "behind a Real NVP flow. Without data of your own, the set \"synthetic\" is generated."};
  app.name("forecast");
  app.require_subcommand(1);
  Changes changes;
  std::string dataset = "synthetic", file;
  std::vector<std::string> datasets;
  std::string backend = "cpu";
  long long seed = -1;
  bool no_pictures = false;
  const auto data_option = [&](CLI::App* c) {
    c->add_option("--data", out.data, "folder with the published files, as ETT-small/ETTh1.csv or ETTh1.csv (./data)");
  };
  const auto common = [&](CLI::App* c) {
    data_option(c);
    c->add_option("--output", out.output, "folder for models, tables and pictures (out/forecast)");
    c->add_option("--json", out.json, "write the results to this file, for machines");
    c->add_option("--threads", out.threads, "number of threads (all cores)")->check(CLI::Range(1, 4096));
    c->add_option("--backend", backend, "cpu, or thrust: a GPU, where the program was built for one (cpu)")
        ->check(CLI::IsMember({"cpu", "thrust"}));
    c->add_flag("--no-pictures", no_pictures, "draw none");
    c->add_flag("--quiet", out.quiet, "no progress lines");
  };
  const auto changing = [&](CLI::App* c) {
    c->add_option("--config", changes.config, "YAML file with settings, as `config` writes it");
    c->add_option("--set", changes.sets, "one setting, as expert.width=128; may be repeated");
    c->add_option("--epochs", changes.epochs, "passes over the training windows");
    c->add_option("--look-back", changes.look_back, "steps that a forecast is made from");
  };
  const auto one = [&](CLI::App* c) {
    c->add_option("--dataset", dataset, "a name that `list` prints, \"synthetic\", or a .csv, .txt, .npz or .npy file (synthetic)");
    c->add_option("--horizon", changes.horizons, "steps to forecast (the set's first)")->expected(1);
    c->add_option("--seed", seed, "of weights and the order of windows (0)")->check(CLI::NonNegativeNumber);
  };

  auto* list = app.add_subcommand("list", "the data sets, and which are in the data folder");
  data_option(list);
  auto* summary = app.add_subcommand("summary", "rows, variates, split and windows of a data set");
  summary->add_option("dataset", dataset, "name or file")->required();
  summary->add_option("--look-back", changes.look_back, "steps that a forecast is made from");
  summary->add_option("--horizon", changes.horizons, "steps to forecast (those of the set)")->expected(1);
  data_option(summary);
  auto* config = app.add_subcommand("config", "write the configuration file of a data set");
  config->add_option("dataset", dataset, "name or file");
  config->add_option("--output", file, "file, or with --all folder, to write to")->required();
  config->add_flag("--all", out.all, "one file for every data set");
  changing(config);
  auto* pretrain = app.add_subcommand("pretrain", "train the flow alone; `train` with the same output folder starts from it");
  auto* train = app.add_subcommand("train", "train on one data set and horizon, and score all test windows");
  for (auto* c : {pretrain, train}) one(c), changing(c), common(c);
  train->add_flag("--resume", out.resume, "go on from the checkpoint in the output folder");
  auto* evaluate = app.add_subcommand("evaluate", "score a trained model on all test windows");
  evaluate->add_option("--model", out.model, "folder that `train` wrote")->required();
  common(evaluate);
  auto* predict = app.add_subcommand("predict", "forecast what follows the last row of a series, in its own units, by a trained model");
  predict->add_option("--model", out.model, "folder that `train` wrote")->required();
  predict->add_option("--dataset", dataset, "the series, of the same variates and step (the one that the model was trained on); the phase of "
                      "a cycle is counted from its first row");
  predict->add_option("--output", file, ".csv file to write to: a column of steps, and one a variate")->required();
  predict->add_option("--backend", backend, "cpu, or thrust (cpu)")->check(CLI::IsMember({"cpu", "thrust"}));
  predict->add_option("--threads", out.threads, "number of threads (all cores)")->check(CLI::Range(1, 4096));
  data_option(predict);
  auto* run = app.add_subcommand("run", "train and score several data sets, horizons and seeds, and print a table");
  bool run_all = false;
  run->add_flag("--all", run_all, "every data set whose file is in the data folder");
  run->add_option("--datasets", datasets, "names, separated by commas")->delimiter(',');
  run->add_option("--horizons", changes.horizons, "separated by commas (the set's four)")->delimiter(',');
  run->add_option("--seeds", changes.seeds, "separated by commas (0)")->delimiter(',')->check(CLI::NonNegativeNumber);
  run->add_flag("--resume", out.resume, "take up runs that were interrupted, and keep those that are finished");
  changing(run), common(run);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    app.exit(e);
    return false;
  } catch (const CLI::ParseError& e) {
    throw moesaic::Error(e.what());
  }
  out.backend = backend == "cpu" ? Backend::cpu : Backend::thrust;
  out.pictures = !no_pictures;
  if (out.data.empty()) out.data = "data";
  if (out.output.empty()) out.output = "out/forecast";
  const Index horizon = changes.horizons.empty() ? 0 : changes.horizons[0];
  for (Index h : changes.horizons) require(h >= 1, "--horizon: expected at least 1, got ", h);

  if (*list) {
    out.command = Command::list;
  } else if (*summary) {
    out.command = Command::summary;
    out.horizons = changes.horizons_of(dataset);
    out.settings = changes.unchecked(dataset, out.horizons[0], -1);
    check_windows(out.settings);
  } else if (*config) {
    out.command = Command::config;
    out.output = file;
    if (!out.all) out.settings = changes.apply(dataset, 0, -1);
    else
      for (const auto& set : moesaic::data::forecast_sets()) out.runs.push_back(changes.apply(std::string(set.name), 0, -1));
  } else if (*evaluate) {
    out.command = Command::evaluate;
    load_yaml(out.model + "/config.yaml", out.settings);
    check(out.settings);
  } else if (*predict) {
    out.command = Command::predict;
    load_yaml(out.model + "/config.yaml", out.settings);
    if (predict->count("--dataset") > 0) out.settings.data.name = dataset;
    out.output = file;
    check(out.settings);
  } else if (*run) {
    out.command = Command::run;
    if (run_all)
      for (const auto& set : moesaic::data::forecast_sets())
        if (!moesaic::data::find_file(set, out.data).empty()) datasets.emplace_back(set.name);
    if (datasets.empty()) datasets = {"synthetic"};
    if (changes.seeds.empty()) changes.seeds = {-1};
    for (const std::string& name : datasets)
      for (Index h : changes.horizons_of(name))
        for (Index each : changes.seeds) out.runs.push_back(changes.apply(name, h, each));
    std::map<std::string, std::string> folders;
    for (const Settings& s : out.runs) {
      const auto [other, fresh] = folders.emplace(run_name(s), s.data.name);
      require(fresh, "run: the folder ", run_name(s), " would be written by ", other->second, " and by ", s.data.name);
    }
  } else {
    out.command = *train ? Command::train : Command::pretrain;
    const bool named = (*train ? train : pretrain)->count("--dataset") > 0 || changes.config.empty();
    out.runs = {changes.apply(named ? dataset : "", horizon, Index(seed))};
  }
  return true;
}

}  // namespace forecast
