// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <moesaic/core/parallel.hpp>
#include <moesaic/train/interrupt.hpp>
#include <sstream>

#include "choose.hpp"
#include "common/fingerprint.hpp"
#include "common/program.hpp"
#include "report.hpp"
#include "sets.hpp"

#ifdef MIXER_ODE_WITH_THRUST
namespace moesaic {
template <class T>
struct Thrust;  // known to the sources that train on it
}
#endif

namespace mixer_ode {
namespace {

namespace fs = std::filesystem;
using moesaic::require;

template <class B>
Result study_on(const Settings& s, Kind kind, const moesaic::data::Environments& sets, const Saving& saving) {
  switch (s.backbone) {
    case Backbone::ncf:
      return Study<B>::ncf(s, kind, sets, saving);
    case Backbone::coda:
      return Study<B>::coda(s, kind, sets, saving);
    case Backbone::geps:
      return Study<B>::geps(s, kind, sets, saving);
  }
  moesaic::fail("unknown backbone");
}

Result study(Backend backend, const Settings& s, Kind kind, const moesaic::data::Environments& sets, const Saving& saving) {
  if (backend == Backend::cpu) return study_on<moesaic::Cpu<float>>(s, kind, sets, saving);
#ifdef MIXER_ODE_WITH_THRUST
  return study_on<moesaic::Thrust<float>>(s, kind, sets, saving);
#else
  moesaic::fail("--backend thrust: this program was built without it; configure with -DMOESAIC_EXAMPLES_THRUST=cuda, or cpp, omp, tbb");
#endif
}

/// What can be known to fail at the end is refused at the beginning.
void prepare(const Options& o) {
  common::make_folder("--output", o.output);
  common::check_file("--json", o.json), common::check_file("--predict", o.predict);
  require(o.json.empty() || o.json != o.predict, "--json, --predict: both would write to ", o.json);
}

void check(const Settings& s, const std::vector<Kind>& models, const moesaic::data::Environments& sets) {
  const Index environments = sets.train.environments();
  const bool single_only = models == std::vector{Kind::single};
  require(single_only || s.experts <= environments, "--experts: ", s.experts, " experts for the ", environments,
          " environments of ", sets.name, "; an expert needs an environment of its own");
  if (!s.candidates.empty() && std::find(models.begin(), models.end(), Kind::mixer) != models.end()) check_candidates(s, sets);
  require(s.contributors <= environments, "--contributors: expected at most ", environments, ", the environments of ", sets.name,
          ", got ", s.contributors);
  require(s.pool <= environments, "--pool: expected at most ", environments, ", the environments of ", sets.name, ", got ",
          s.pool);
}

/// What decides the training beside the sizes of its arrays and the number of iterations, which a resumed run may raise.
moesaic::safetensors::Metadata decisive(const Settings& s, const moesaic::data::Trajectories& train) {
  moesaic::safetensors::Metadata out;
  const auto add = [&](const char* name, const auto& value) {
    std::ostringstream text;
    text.precision(17);
    text << std::boolalpha << value;
    out[name] = text.str();
  };
  add("data", common::fingerprint(train.states) + ", times " + common::fingerprint(train.times));
  add("--activation", activation_names[std::size_t(s.activation)]), add("--taylor", s.taylor), add("--saturation", s.saturation);
  add("--substeps", s.substeps), add("--inner", s.inner), add("--loss", loss_names[std::size_t(s.loss)]), add("--tail", s.tail);
  add("--context-l1", s.context_l1), add("shared state", s.shared_state);
  add("--refit-every", s.refit_every), add("--refit", refit_names[std::size_t(s.refit)]);
  add("--matching", matching_names[std::size_t(s.matching)]), add("--contributors", s.contributors);
  add("--draw", draw_names[std::size_t(s.draw)]), add("--pool", s.pool), add("--reweighting", s.reweighting);
  add("--weight-rate", s.weight_rate), add("--context-rate", s.context_rate), add("--rates", rates_names[std::size_t(s.rates)]);
  add("--clip", s.clip);
  return out;
}

/// Trains the models one after the other; Ctrl-C ends the current one and leaves out the others.
std::vector<Result> train_all(const Options& o, const moesaic::data::Environments& sets) {
  const moesaic::InterruptGuard guard;
  std::vector<Result> results;
  bool any_saved = false;
  const auto file_of = [&](Kind kind) { return o.output + "/" + std::string(kind_names[std::size_t(kind)]) + ".safetensors"; };
  for (Kind kind : o.models) {
    if (moesaic::InterruptGuard::requested()) break;
    Saving saving;
    saving.path = file_of(kind);
    saving.every = o.checkpoint;
    saving.progress = !o.quiet;
    saving.resume = o.resume && fs::exists(saving.path);
    any_saved = any_saved || saving.resume || (kind == Kind::mixer && any_trial(o.settings, saving));
    require(!o.resume || any_saved || kind != o.models.back(), "--resume: there is no saved model in ", o.output);
    if (!o.quiet)
      std::fprintf(stderr, "%s%s\n", std::string(kind_titles[std::size_t(kind)]).c_str(), saving.resume ? ", resumed" : "");
    const auto train = [&](const Settings& s, const moesaic::data::Environments& on, Saving into) {
      into.settings.merge(decisive(s, on.train));
      return study(o.backend, s, kind, on, into);
    };
    if (kind != Kind::mixer || o.settings.candidates.empty()) {
      results.push_back(train(o.settings, sets, saving));
    } else {
      const auto trials = try_candidates(o.settings, sets, saving, o.resume, train);
      if (trials.size() < o.settings.candidates.size()) break;  // Ctrl-C
      const Settings chosen = with_experts(o.settings, fewest(trials));
      const bool has_single = !results.empty() && results[0].kind == Kind::single && results[0].ending == "finished";
      if (chosen.experts == 1 && has_single && !saving.resume) {  // the same model: it is not trained twice
        fs::copy_file(file_of(Kind::single), saving.path, fs::copy_options::overwrite_existing);
        saving.resume = true;
      }
      results.push_back(train(chosen, sets, saving));
      results.back().trials = trials;
    }
    require(results.back().error.empty() || results.back().iterations > 0, kind_titles[std::size_t(kind)], ": ",
            results.back().error);
  }
  return results;
}

int run(int argc, char** argv) {
  Report report;
  Options& o = report.options;
  if (!parse(argc, argv, o)) return 0;
  if (o.threads > 0) moesaic::set_thread_count(o.threads);
  o.threads = moesaic::thread_count();
  const auto start = std::chrono::steady_clock::now();
  report.sets = load(o.settings, o.files);
  check(o.settings, o.models, report.sets);
  prepare(o);
  report.results = train_all(o, report.sets);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.peak_megabytes = common::peak_megabytes();
  require(!report.results.empty(), "interrupted before a model was trained");
  print(report);
  if (!o.json.empty()) save_json(o.json, report);
  if (!o.predict.empty()) save_predictions(o.predict, report.results.back(), report.sets);
  if (o.pictures) draw(report);
  std::string failures;
  for (const Result& m : report.results)
    if (!m.error.empty())
      failures += (failures.empty() ? "" : "; ") + std::string(kind_titles[std::size_t(m.kind)]) + ": " + m.error;
  require(failures.empty(), failures);
  return 0;
}

}  // namespace
}  // namespace mixer_ode

int main(int argc, char** argv) {
  return common::guarded("mixer_ode", [&] { return mixer_ode::run(argc, argv); });
}
