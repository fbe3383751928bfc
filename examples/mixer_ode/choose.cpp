// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "choose.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <moesaic/core/random.hpp>
#include <moesaic/data/metrics.hpp>
#include <moesaic/train/interrupt.hpp>
#include <numeric>
#include <sstream>

#include "options.hpp"

namespace mixer_ode {

namespace data = moesaic::data;
using moesaic::require;

namespace {

Index held_out(Index environments) { return (environments + 3) / 4; }

/// Some of the training environments, drawn by the seed, become new environments; the published tests are not touched.
data::Environments with_held_out(const data::Environments& sets, std::uint64_t seed) {
  const Index environments = sets.train.environments();
  const auto fresh_count = std::size_t(held_out(environments));
  std::vector<Index> order(static_cast<std::size_t>(environments));
  std::iota(order.begin(), order.end(), Index{0});
  moesaic::Random random(seed, 0x486f6c646f7574);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.next_below(i)]);
  std::sort(order.begin(), order.begin() + held_out(environments));
  std::sort(order.begin() + held_out(environments), order.end());
  const std::span<const Index> all(order);
  const auto fresh = data::select(sets.train, all.first(fresh_count));
  data::Environments out;
  out.name = sets.name;
  out.train = data::select(sets.train, all.subspan(fresh_count));
  out.adapt = data::trajectories(fresh, 0, 1);
  out.adapt_test = data::trajectories(fresh, 1, fresh.trajectories() - 1);
  return out;
}

/// How a trial is scored decides the choice, so that a resumed one must score alike.
moesaic::safetensors::Metadata adaptation(const Settings& s) {
  std::ostringstream rate;
  rate << s.adapt_rate;
  return {{"--adapt-steps", std::to_string(s.adapt_steps)},
          {"--adapt-rate", rate.str()},
          {"--search", std::string(search_names[std::size_t(s.search)])},
          {"--start", std::string(start_names[std::size_t(s.start)])}};
}

std::string path_of_trial(const Saving& saving, Index count) {
  const std::filesystem::path model(saving.path);
  return (model.parent_path() / (model.stem().string() + "-trial-" + std::to_string(count))).string() + ".safetensors";
}

}  // namespace

Settings with_experts(Settings s, Index count) {
  s.context = count == 1 ? s.single_context : s.context / s.experts * count;
  s.experts = count;
  s.candidates.clear();
  return s;
}

void check_candidates(const Settings& s, const data::Environments& sets) {
  const Index environments = sets.train.environments(), left = environments - held_out(environments);
  require(s.experts <= left, "--experts: ", s.experts, " experts for the ", left, " environments of ", sets.name,
          " that are left after holding out ", held_out(environments), " to choose by; an expert needs an environment of its own");
  require(sets.train.trajectories() >= 2, "--experts: expected 2 trajectories an environment at least to choose the number by, one "
          "to adapt to and one to predict; ", sets.name, " has one: give one number");
}

std::vector<Trial> try_candidates(const Settings& s, const data::Environments& sets, const Saving& saving, bool resume,
                                  const Train& train) {
  const auto seen = with_held_out(sets, s.seed);
  const Index environments = seen.train.environments();
  std::vector<Trial> trials;
  for (Index count : s.candidates) {
    Settings trial = with_experts(s, count);
    trial.outer = std::max<Index>(1, s.outer / 3);
    trial.contributors = std::min(s.contributors, environments);
    trial.pool = std::min(s.pool, environments);
    Saving kept = saving;
    kept.path = path_of_trial(saving, count);
    kept.settings = adaptation(s);
    kept.resume = resume && std::filesystem::exists(kept.path);
    if (saving.progress)
      std::fprintf(stderr, "  %td of %td numbers to choose from: %td expert%s, %td of %td environments\n", Index(trials.size()) + 1,
                   Index(s.candidates.size()), count, count == 1 ? "" : "s", environments, sets.train.environments());
    Result result = train(trial, seen, kept);
    if (moesaic::InterruptGuard::requested()) break;
    if (!result.error.empty()) std::fprintf(stderr, "  with %td: %s\n", count, result.error.c_str());
    trials.push_back({count, s.loss == Loss::mse ? std::move(result.adapt_test.squared) : std::move(result.adapt_test.relative)});
    if (!result.error.empty()) trials.back().errors.assign(1, std::numeric_limits<double>::infinity());
  }
  return trials;
}

bool any_trial(const Settings& s, const Saving& saving) {
  return std::any_of(s.candidates.begin(), s.candidates.end(),
                     [&](Index count) { return std::filesystem::exists(path_of_trial(saving, count)); });
}

Index fewest(const std::vector<Trial>& all) {
  // An environment where no candidate has an error says nothing: the relative one of states that are zero, or all diverged.
  std::size_t environments = 0;
  for (const Trial& t : all) environments = std::max(environments, t.errors.size());
  std::vector<Trial> trials = all;
  for (std::size_t e = environments; e-- > 0;) {
    const auto silent = [&](const Trial& t) { return t.errors.size() != environments || std::isnan(t.errors[e]); };
    if (!std::all_of(all.begin(), all.end(), silent)) continue;
    for (Trial& t : trials)
      if (t.errors.size() > e) t.errors.erase(t.errors.begin() + std::ptrdiff_t(e));
  }
  const auto error_of = [](const Trial& t) {
    const double mean = t.errors.empty() ? std::numeric_limits<double>::quiet_NaN() : data::mean(t.errors);
    return std::isfinite(mean) ? mean : std::numeric_limits<double>::infinity();
  };
  const Trial& best =
      *std::min_element(trials.begin(), trials.end(), [&](const Trial& a, const Trial& b) { return error_of(a) < error_of(b); });
  require(std::isfinite(error_of(best)), "--experts: in the environments held out no number of experts has a finite error; give one number");
  const double n = double(best.errors.size());
  for (const Trial& t : trials) {
    if (!std::isfinite(error_of(t))) continue;
    const double mean = error_of(t) - error_of(best);
    double squares = 0;
    for (std::size_t e = 0; e < best.errors.size(); ++e)
      squares += std::pow(t.errors[e] - best.errors[e] - mean, 2);
    if (mean <= (n > 1 ? std::sqrt(squares / (n - 1) / n) : 0)) return t.experts;
  }
  return best.experts;
}

}  // namespace mixer_ode
