// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <filesystem>
#include <string>
#include <moesaic/core/parallel.hpp>
#include <moesaic/data/forecast/read_series.hpp>
#include <moesaic/train/interrupt.hpp>

#include "common/program.hpp"
#include "decisive.hpp"
#include "options.hpp"
#include "report.hpp"

#ifdef FORECAST_WITH_THRUST
namespace moesaic {
template <class T>
struct Thrust;  // known to the sources that train on it
}
#endif

namespace forecast {
namespace {

namespace fs = std::filesystem;
using moesaic::require;

/// Calls `f` with the jobs of the backend that was asked for.
template <class F>
auto on_backend(Backend backend, const F& f) {
  if (backend == Backend::cpu) return f(Job<moesaic::Cpu<float>>{});
#ifdef FORECAST_WITH_THRUST
  return f(Job<moesaic::Thrust<float>>{});
#else
  moesaic::fail("--backend thrust: this program was built without it; configure with -DMOESAIC_EXAMPLES_THRUST=cuda, or cpp, omp, tbb");
#endif
}

void list(const std::string& data) {
  std::printf("%-14s %8s %8s  %-12s %-20s %s\n", "name", "variates", "rows", "step", "horizons", "file");
  for (const auto& set : moesaic::data::forecast_sets()) {
    std::string horizons;
    for (Index h : set.horizons) horizons += (horizons.empty() ? "" : " ") + std::to_string(h);
    const std::string file = moesaic::data::find_file(set, data);
    std::printf("%-14s %8td %8td  %-12s %-20s %s\n", std::string(set.name).c_str(), set.variates, set.rows,
                std::string(set.step_text).c_str(), horizons.c_str(), file.empty() ? "not in the data folder" : file.c_str());
  }
  std::printf("%-14s %8s %8s  %-12s %-20s %s\n", "synthetic", "", "", "1 hour", "any", "generated: cycles of a day and a week, trend, regimes");
}

void summary(const Options& o) {
  const Prepared series = prepare(o.settings, o.data);
  const Index look_back = o.settings.data.look_back;
  std::printf("%s: %td rows, %td variates:", series.name.c_str(), series.values.shape()[0], series.width());
  for (const auto& v : series.variates) std::printf(" %s", v.c_str());
  std::printf("\nlook-back %td\n%-12s %8s %8s  windows by horizon\n", look_back, "part", "first", "rows");
  const auto part = [&](const char* name, const data::RowRange& rows) {
    std::printf("%-12s %8td %8td ", name, rows.begin, rows.size());
    for (Index h : o.horizons) std::printf("  %td: %td", h, std::max<Index>(0, rows.size() - look_back - h + 1));
    std::printf("\n");
  };
  part("training", series.split.train), part("validation", series.split.validation), part("test", series.split.test);
}

void write_configurations(const Options& o) {
  if (!o.all) return save_yaml(o.output, o.settings), void(std::printf("%s\n", o.output.c_str()));
  common::make_folder("--output", o.output);
  for (const Settings& s : o.runs) save_yaml(o.output + "/" + s.data.name + ".yaml", s);
  std::printf("%zu files in %s\n", o.runs.size(), o.output.c_str());
}

Result pretrain(const Options& o, const Settings& s, const Prepared& series, const Saving& saving) {
  if (fs::exists(saving.flow())) std::fprintf(stderr, "%s is replaced\n", saving.flow().c_str());
  return on_backend(o.backend, [&](auto job) { return job.pretrain(s, series, saving); });
}

/// Whether the folder has a flow that was pretrained to its end, as these settings say and on the same windows.
bool pretrained(const Settings& s, const Prepared& series, const Saving& saving) {
  return fs::exists(saving.flow()) && moesaic::safetensors::File(saving.flow()).metadata() == decisive_for_flow(s, series);
}

/// Trains and scores one model; a run of the same settings that is finished is only scored where `resume` asks for it.
Result train(const Options& o, const Settings& s, const Prepared& series, const std::string& folder) {
  common::make_folder("--output", folder);
  Saving saving{folder, o.resume && fs::exists(folder + "/checkpoint.safetensors"), !o.quiet};
  Result flow;
  if (s.flow.used && s.flow.pretrain_epochs > 0) {
    saving.pretrained = pretrained(s, series, saving);
    if (!saving.pretrained && !saving.resume) {
      if (saving.progress)
        std::fprintf(stderr, "%s, horizon %td, seed %td: the flow\n", s.data.name.c_str(), s.data.horizon, s.training.seed);
      flow = pretrain(o, s, series, saving);
      if (flow.ending != "finished") return flow;
      saving.pretrained = true;
    }
  }
  if (saving.progress) std::fprintf(stderr, "%s, horizon %td, seed %td\n", s.data.name.c_str(), s.data.horizon, s.training.seed);
  Result r = on_backend(o.backend, [&]<class Job>(Job) {
    return composed(s, [&](auto how) { return Job::template train<how()>(s, series, saving); });
  });
  r.pretrain_seconds = flow.seconds;
  try {
    save_yaml(folder + "/config.yaml", s);  // after the model that it belongs to
    save_series(folder, series);
    save_json(folder + "/results.json", {r}, o.threads);
  } catch (const moesaic::Error& e) {  // what was found is still printed
    r.error += (r.error.empty() ? "" : "; ") + std::string(e.what());
  }
  return r;
}

int run(int argc, char** argv) {
  Options o;
  if (!parse(argc, argv, o)) return 0;
  if (o.threads > 0) moesaic::set_thread_count(o.threads);
  o.threads = moesaic::thread_count();
  common::check_file("--json", o.json);
  std::vector<Result> results;
  switch (o.command) {
    case Command::list:
      list(o.data);
      return 0;
    case Command::summary:
      summary(o);
      return 0;
    case Command::config:
      write_configurations(o);
      return 0;
    case Command::pretrain: {
      const Settings& s = o.runs[0];
      require(s.flow.used, "pretrain: flow.used is false; there is nothing to train");
      common::make_folder("--output", o.output);
      results = {pretrain(o, s, prepare(s, o.data), {o.output, false, !o.quiet})};
      print(results[0]);
      std::printf("flow saved in %s; `forecast train --output %s` with the same settings starts from it\n", o.output.c_str(), o.output.c_str());
      break;
    }
    case Command::train: {
      const moesaic::InterruptGuard guard;  // one Ctrl-C ends pretraining and training
      const Prepared series = prepare(o.runs[0], o.data);
      results = {train(o, o.runs[0], series, o.output)};
      print(results[0]);
      if (o.pictures && results[0].test.windows > 0) draw(o.output, results[0], series.variates);
      break;
    }
    case Command::evaluate: {
      const Settings& s = o.settings;
      const Prepared series = prepare(s, o.data);
      const Saving saving{o.model, false, false};
      results = {on_backend(o.backend, [&]<class Job>(Job) {
        return composed(s, [&](auto how) { return Job::template evaluate<how()>(s, series, saving); });
      })};
      print(results[0]);
      if (o.pictures) common::make_folder("--output", o.output), draw(o.output, results[0], series.variates);
      break;
    }
    case Command::predict: {
      common::check_file("--output", o.output);
      const Prepared series = prepare_beyond(o.settings, o.data, o.model);
      const Saving saving{o.model, false, false};
      const auto forecast = on_backend(o.backend, [&]<class Job>(Job) {
        return composed(o.settings, [&](auto how) { return Job::template predict<how()>(o.settings, series, saving); });
      });
      save_forecast(o.output, series, forecast);
      std::printf("%td steps of %td variates, from %td rows of %s: %s\n", o.settings.data.horizon, series.width(),
                  series.values.shape()[0] - o.settings.data.horizon, series.name.c_str(), o.output.c_str());
      return 0;
    }
    case Command::run: {
      common::make_folder("--output", o.output);
      const moesaic::InterruptGuard guard;
      for (std::size_t i = 0; i < o.runs.size(); ++i)  // what is missing shows before hours of training
        if (i == 0 || o.runs[i].data.name != o.runs[i - 1].data.name || o.runs[i].data.horizon != o.runs[i - 1].data.horizon)
          prepare(o.runs[i], o.data);
      for (const Settings& s : o.runs) {
        if (moesaic::InterruptGuard::requested()) break;
        const std::string folder = o.output + "/" + run_name(s);
        const Prepared series = prepare(s, o.data);
        results.push_back(train(o, s, series, folder));
        if (o.pictures && results.back().test.windows > 0) draw(folder, results.back(), series.variates);
        save_csv(o.output + "/results.csv", results);  // so that an interrupted run leaves what it has
      }
      print_table(results);
      std::printf("%s/results.csv\n", o.output.c_str());
      break;
    }
  }
  if (!o.json.empty()) save_json(o.json, results, o.threads);
  std::string failures;
  for (const Result& r : results)
    if (!r.error.empty()) failures += (failures.empty() ? "" : "; ") + r.dataset + ": " + r.error;
  require(failures.empty(), failures);
  return 0;
}

}  // namespace
}  // namespace forecast

int main(int argc, char** argv) {
  return common::guarded("forecast", [&] { return forecast::run(argc, argv); });
}
