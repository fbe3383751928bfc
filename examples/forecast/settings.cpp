// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <yaml-cpp/yaml.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <moesaic/core/errors.hpp>
#include <moesaic/data/forecast/sets.hpp>
#include <moesaic/io/file.hpp>
#include <moesaic/io/text.hpp>
#include <set>
#include <sstream>
#include <type_traits>

namespace forecast {

using moesaic::fail;
using moesaic::require;

namespace {

/// A value of YAML as a setting of type `T`.
template <class T>
T parse(const std::string& where, const std::string& name, const YAML::Node& node) {
  constexpr const char* kind = std::is_same_v<T, bool>          ? "true or false"
                               : std::is_same_v<T, Index>       ? "a whole number"
                               : std::is_same_v<T, double>      ? "a number"
                               : std::is_same_v<T, std::string> ? "a text"
                                                                : "a list of numbers";
  try {
    return node.as<T>();
  } catch (const YAML::Exception&) {
    std::ostringstream text;
    text << node;
    fail(where, name, ": expected ", kind, ", got ", moesaic::io::in_quotes(text.str()));
  }
}

constexpr Index many = 1'000'000;

void within(const char* name, Index value, Index least, Index most) {
  require(value >= least && value <= most, name, ": expected ", least, " to ", most, ", got ", value);
}

std::string at_line(const std::string& path, const YAML::Mark& mark) { return path + ":" + std::to_string(mark.line + 1) + ": "; }

/// Whether `name` is a setting; sets it.
bool assign(Settings& settings, const std::string& where, const std::string& name, const YAML::Node& node) {
  bool found = false;
  for_each_setting(settings, [&](const char* known, auto& member) {
    if (name != known) return;
    found = true;
    member = parse<std::remove_reference_t<decltype(member)>>(where, name, node);
  });
  return found;
}

}  // namespace

Settings defaults_for(const std::string& dataset, Index horizon) {
  Settings s;
  s.data.name = dataset;
  for (const auto& set : moesaic::data::forecast_sets()) {
    if (set.name != dataset) continue;
    s.data.look_back = set.look_back;
    s.data.horizon = set.horizons[0];
    s.data.cycle = set.cycle;
    s.expert.own_skips = set.variates <= 32;  // hundreds of maps would be most of the parameters
  }
  // Cycle and shrinkage are chosen by the validation error of the linear start, the rest by that and by the time that a run takes.
  if (dataset == "illness") s.data.cycle = 0, s.expert.share = false;
  if (dataset.starts_with("ETT")) s.data.shrinkage = 2;
  if (dataset.starts_with("ETTm")) s.training.batch = 128, s.training.epochs = 2;
  if (dataset == "weather" || dataset == "solar") {
    s.data.shrinkage = 0.5;
    s.expert.count = 2;
    s.expert.instance_norm = false;
    s.training.batch = 128;
    s.training.epochs = 2;
  }
  if (dataset == "synthetic") {
    s.flow.instance_norm = false;  // its levels do not drift, and tell the regimes apart
    s.expert.closed_form = false;
    s.loss.mse = 1, s.loss.mae = 0;
    s.training.rate = 1e-3;
  }
  if (horizon > 0) s.data.horizon = horizon;
  return s;
}

void set(Settings& settings, const std::string& name, const std::string& text) {
  YAML::Node node;
  try {
    node = YAML::Load(text);
  } catch (const YAML::Exception&) {
    fail(name, ": ", moesaic::io::in_quotes(text), " is no value");
  }
  require(assign(settings, "", name, node), name, ": no such setting; `config` writes a file with all of them");
}

void check_windows(const Settings& s) {
  within("data.look_back", s.data.look_back, 2, many), within("data.horizon", s.data.horizon, 1, many);
  within("data.cycle", s.data.cycle, 0, many);
}

void check(const Settings& s) {
  const auto among = [](const char* name, const std::string& value, std::initializer_list<const char*> names) {
    std::string all;
    for (const char* n : names) {
      if (value == n) return;
      all += (all.empty() ? "" : ", ") + std::string(n);
    }
    fail(name, ": expected one of ", all, ", got ", moesaic::io::in_quotes(value));
  };
  check_windows(s);
  within("expert.count", s.expert.count, 1, 1000), within("expert.width", s.expert.width, 1, 10'000);
  within("expert.feed_forward", s.expert.feed_forward, 0, 100), within("expert.states", s.expert.states, 1, 1000);
  within("expert.frequencies", s.expert.frequencies, 0, s.data.look_back / 2 + 1);
  among("expert.tokens", s.expert.tokens, {"variate", "time"});
  among("expert.step_size", s.expert.step_size, {"fixed", "learned", "dynamic", "pooled"});
  among("gate.kind", s.gate.kind, {"metric", "linear"});
  require(s.flow.used || s.gate.kind == "metric", "gate.kind: a linear gate reads the flow's code, and flow.used is false");
  require(s.gate.final_temperature == 0 || s.gate.kind == "metric", "gate.final_temperature: the temperature of a linear gate is fixed");
  among("gate.distance", s.gate.distance, {"euclidean", "squared", "cosine"});
  within("gate.embedding", s.gate.embedding, 1, 10'000), within("gate.top_k", s.gate.top_k, 0, s.expert.count);
  within("flow.latent", s.flow.latent, 2, 10'000), within("flow.couplings", s.flow.couplings, 1, 100);
  within("flow.hidden", s.flow.hidden, 1, 10'000), within("flow.pretrain_epochs", s.flow.pretrain_epochs, 0, many);
  within("training.epochs", s.training.epochs, 0, many), within("training.patience", s.training.patience, 0, many);
  within("training.batch", s.training.batch, 1, many), within("training.seed", s.training.seed, 0, Index{1} << 53);
  require(s.gate.temperature > 0, "gate.temperature: expected a positive number, got ", s.gate.temperature);
  require(s.loss.mse > 0 || s.loss.mae > 0 || s.loss.huber > 0, "loss.mse, loss.mae, loss.huber: expected a positive weight of one of them");
  require(s.training.rate > 0 && std::isfinite(s.training.rate), "training.rate: expected a positive number, got ", s.training.rate);
  for_each_setting(s, [](const std::string& name, const auto& member) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, double>)
      require(member >= 0 && std::isfinite(member), name, ": expected a number not below 0, got ", member);
  });
  for (double scale : s.expert.scales) {
    require(scale > 0 && std::isfinite(scale), "expert.scales: expected positive numbers, got ", scale);
    require(s.expert.step_size != "pooled" || (scale == std::floor(scale) && scale <= double(many)),
            "expert.scales: expected whole numbers of tokens to pool, got ", scale);
  }
}

void load_yaml(const std::string& path, Settings& settings) {
  require(std::filesystem::is_regular_file(path), path, ": there is no such file");
  YAML::Node file;
  try {
    file = YAML::LoadFile(path);
  } catch (const YAML::Exception& e) {
    fail(at_line(path, e.mark), e.msg);
  }
  require(file.IsMap(), path, ": expected sections such as data and expert");
  std::set<std::string> seen;
  const auto once = [&](const std::string& where, const std::string& name) {
    require(seen.insert(name).second, where, name, ": stands here for the second time");
  };
  for (const auto& section : file) {
    const auto name = section.first.as<std::string>();
    const std::string where = at_line(path, section.first.Mark());
    once(where, name);
    require(section.second.IsMap(), where, moesaic::io::in_quotes(name), " has no settings in it");
    for (const auto& entry : section.second) {
      const std::string full = name + "." + entry.first.as<std::string>(), line = at_line(path, entry.first.Mark());
      require(assign(settings, line, full, entry.second), line, full, ": no such setting");
      once(line, full);
    }
  }
}

void save_yaml(const std::string& path, const Settings& settings) {
  YAML::Emitter out;
  std::string open;
  out << YAML::BeginMap;
  for_each_setting(settings, [&](const std::string& name, const auto& member) {
    const auto dot = name.find('.');
    if (const std::string section = name.substr(0, dot); section != open) {
      if (!open.empty()) out << YAML::EndMap;
      out << YAML::Key << section << YAML::Value << YAML::BeginMap;
      open = section;
    }
    out << YAML::Key << name.substr(dot + 1) << YAML::Value << YAML::Flow << member;
  });
  out << YAML::EndMap << YAML::EndMap;
  moesaic::io::OutputFile file(path);
  file.write(std::string(out.c_str()) + "\n");
  file.commit();
}

}  // namespace forecast
