// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "choose.hpp"

#include <cstdio>
#include <filesystem>
#include <limits>
#include <moesaic/core/random.hpp>
#include <moesaic/data/metrics.hpp>
#include <moesaic/train/interrupt.hpp>
#include <numeric>

namespace mixer_ode {

namespace data = moesaic::data;

namespace {

/// A quarter of the training environments, drawn by the seed, become new environments; the published tests are not touched.
data::Environments with_held_out(const data::Environments& sets, std::uint64_t seed) {
  const Index environments = sets.train.environments(), held_out = (environments + 3) / 4;
  std::vector<Index> order(static_cast<std::size_t>(environments));
  std::iota(order.begin(), order.end(), Index{0});
  moesaic::Random random(seed, 0x486f6c646f7574);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.next_below(i)]);
  std::sort(order.begin(), order.begin() + held_out);
  std::sort(order.begin() + held_out, order.end());
  const std::span<const Index> all(order);
  const auto fresh = data::select(sets.train, all.first(std::size_t(held_out)));
  data::Environments out;
  out.name = sets.name;
  out.train = data::select(sets.train, all.subspan(std::size_t(held_out)));
  out.adapt = data::trajectories(fresh, 0, 1);
  if (fresh.trajectories() > 1) out.adapt_test = data::trajectories(fresh, 1, fresh.trajectories() - 1);
  return out;
}

}  // namespace

Settings with_experts(Settings s, Index count) {
  s.context = count == 1 ? s.single_context : s.context / s.experts * count;
  s.experts = count;
  s.candidates.clear();
  return s;
}

std::vector<Trial> try_candidates(const Settings& s, const data::Environments& sets, const Saving& saving, const Train& train) {
  const auto seen = with_held_out(sets, s.seed);
  const Index environments = seen.train.environments();
  moesaic::require(s.experts <= environments, "--experts: ", s.experts, " experts for the ", environments, " environments of ",
                   sets.name, " that are left when a quarter is held out; an expert needs an environment of its own");
  std::vector<Trial> trials;
  for (Index count : s.candidates) {
    Settings trial = with_experts(s, count);
    trial.outer = std::max<Index>(1, s.outer / 3);
    trial.contributors = std::min(s.contributors, environments);
    trial.pool = std::min(s.pool, environments);
    Saving kept = saving;
    kept.path += ".trial-" + std::to_string(count);
    kept.resume = saving.resume && std::filesystem::exists(kept.path);
    if (saving.progress)
      std::fprintf(stderr, "  %td of %td candidates: %td expert%s, %td of %td environments\n", Index(trials.size()) + 1,
                   Index(s.candidates.size()), count, count == 1 ? "" : "s", environments, sets.train.environments());
    const Result result = train(trial, seen, kept);
    if (moesaic::InterruptGuard::requested()) break;
    const double error = data::mean(s.loss == Loss::mse ? result.adapt_test.squared : result.adapt_test.relative);
    trials.push_back({count, std::isfinite(error) ? error : std::numeric_limits<double>::infinity()});
  }
  return trials;
}

Index best(const std::vector<Trial>& trials) {
  return std::min_element(trials.begin(), trials.end(), [](const Trial& a, const Trial& b) { return a.error < b.error; })->experts;
}

}  // namespace mixer_ode
