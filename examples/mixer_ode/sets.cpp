// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "sets.hpp"

#include <filesystem>
#include <moesaic/data/catalogue.hpp>
#include <moesaic/data/windows.hpp>

#include "common/npz_codec.hpp"

namespace mixer_ode {

using namespace moesaic;

namespace {

data::Trajectories read(const std::string& path, const std::string& family) {
  const npz::File file = npz::open(path, common::npz_codec);
  auto set = data::measured(file.at("X").array<double>(4), file.at("t").array<double>(), path);
  set.families[0].name = family;
  return set;
}

/// The trajectories that are predicted: a split for tests, or where there is none the one that was learnt from.
const data::Trajectories& scored(const data::Trajectories& test, const data::Trajectories& fitted) {
  return test.empty() ? fitted : test;
}

}  // namespace

data::Environments load(const Settings& s, const Files& files) {
  data::Environments sets;
  if (files.own()) {
    sets.name = std::filesystem::path(files.train).filename().string();
    sets.train = read(files.train, sets.name);
    if (!files.test.empty()) sets.test = read(files.test, sets.name);
    if (!files.adapt.empty()) sets.adapt = read(files.adapt, sets.name);
    if (!files.adapt_test.empty()) sets.adapt_test = read(files.adapt_test, sets.name);
    data::validate(sets);
  } else {
    data::Options options;
    options.variant = s.variant == Variant::corrected ? data::Variant::corrected : data::Variant::published;
    if (s.data_seed > 0) options.seed = s.data_seed;
    sets = data::make(s.dataset, options);
    if (s.dataset.starts_with("odebench")) {
      constexpr Index stride = 5;
      const auto filled = s.sampling == Sampling::linear ? data::Sampling::linear : data::Sampling::solved;
      sets = s.sampling == Sampling::observed ? data::every(sets, stride) : data::windowed(sets, {.sampling = filled}, stride);
    }
  }
  return sets;
}

void save_predictions(const std::string& path, const Result& result, const data::Environments& sets) {
  const auto integers = [](const std::vector<Index>& v) { return std::vector<std::int64_t>(v.begin(), v.end()); };
  const auto expert = integers(result.expert), adapt_expert = integers(result.adapt_expert);
  std::vector<NamedArray> arrays{{"X", result.test.prediction},
                                 {"t", scored(sets.test, sets.train).times},
                                 {"expert", expert},
                                 {"context", result.contexts}};
  if (result.adapted) {
    arrays.emplace_back("adapt_X", result.adapt_test.prediction);
    arrays.emplace_back("adapt_t", scored(sets.adapt_test, sets.adapt).times);
    arrays.emplace_back("adapt_expert", adapt_expert);
    arrays.emplace_back("adapt_context", result.adapt_contexts);
  }
  npz::save(path, arrays);
}

}  // namespace mixer_ode
