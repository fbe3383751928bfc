// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include <moesaic/core/shape.hpp>

namespace forecast {

using moesaic::Index;

/// Everything that decides what a run computes. `for_each_setting` names all of it.
struct Settings {
  struct Data {
    std::string name = "synthetic";  ///< a set of the registry, "synthetic", or a file of one's own
    Index look_back = 96, horizon = 96;
    Index cycle = 24;      ///< steps of the cycle that is taken out of every window; 0: none
    double shrinkage = 1;  ///< of its amplitude in a window towards its mean one, see `Windows::take_out`
    bool mask_sentinels = false;
  } data;
  struct Expert {
    Index count = 4;
    std::string tokens = "variate";
    Index width = 64, feed_forward = 2, states = 16;
    std::vector<double> scales = {1, 2, 4};
    std::string step_size = "learned";
    bool bidirectional = false;
    Index frequencies = 16;
    bool instance_norm = true, skip = true;
    bool own_skips = true;    ///< whether every variate may have a linear map of its own
    bool closed_form = true;  ///< whether the skip starts from the least-squares solution
    bool share = true;        ///< whether it may take only a share of that, the rest repeating the last value
    bool train_skip = false;  ///< whether it is trained from there; an optimum only drifts with an adaptive rate
  } expert;
  struct Gate {
    std::string kind = "metric";  ///< or "linear": a softmax of the flow's code
    Index embedding = 16, top_k = 0;
    std::string distance = "squared";
    bool noise = false, learn_temperature = true;
    double temperature = 1, final_temperature = 0;  ///< at the start; at the end, where it is annealed and not learned, or 0
  } gate;
  struct Flow {
    bool used = true;
    bool instance_norm = true;  ///< whether it sees windows without level and scale, as a gate without a flow does
    Index latent = 16, couplings = 4, hidden = 64;
    Index pretrain_epochs = 1;
  } flow;
  struct Loss {
    double mse = 0, mae = 1, huber = 0, reconstruction = 0.1, nll = 0.001, triplet = 0.01, contrastive = 0, consistency = 0.01;
    double balance = 0.01, switch_balance = 0, usage_variance = 0, router_z = 0, separation = 0.01;
    bool learned = false;  ///< whether those of mse, mae, huber and reconstruction are multiplied by learned ones (uncertainty)
  } loss;
  struct Training {
    Index epochs = 5, patience = 2, batch = 64, seed = 0;
    double rate = 2e-4, weight_decay = 0, clip = 1;
  } training;
};

/// Calls `f("data.name", member)` for every setting, in the order of a configuration file.
template <class S, class F>
void for_each_setting(S& s, const F& f) {
  f("data.name", s.data.name), f("data.look_back", s.data.look_back), f("data.horizon", s.data.horizon);
  f("data.cycle", s.data.cycle), f("data.shrinkage", s.data.shrinkage), f("data.mask_sentinels", s.data.mask_sentinels);
  f("expert.count", s.expert.count), f("expert.tokens", s.expert.tokens), f("expert.width", s.expert.width);
  f("expert.feed_forward", s.expert.feed_forward), f("expert.states", s.expert.states), f("expert.scales", s.expert.scales);
  f("expert.step_size", s.expert.step_size), f("expert.bidirectional", s.expert.bidirectional);
  f("expert.frequencies", s.expert.frequencies), f("expert.instance_norm", s.expert.instance_norm);
  f("expert.skip", s.expert.skip), f("expert.own_skips", s.expert.own_skips);
  f("expert.closed_form", s.expert.closed_form), f("expert.share", s.expert.share);
  f("expert.train_skip", s.expert.train_skip);
  f("gate.kind", s.gate.kind);
  f("gate.embedding", s.gate.embedding), f("gate.top_k", s.gate.top_k), f("gate.distance", s.gate.distance);
  f("gate.noise", s.gate.noise), f("gate.learn_temperature", s.gate.learn_temperature);
  f("gate.temperature", s.gate.temperature), f("gate.final_temperature", s.gate.final_temperature);
  f("flow.used", s.flow.used), f("flow.instance_norm", s.flow.instance_norm);
  f("flow.latent", s.flow.latent), f("flow.couplings", s.flow.couplings);
  f("flow.hidden", s.flow.hidden), f("flow.pretrain_epochs", s.flow.pretrain_epochs);
  f("loss.mse", s.loss.mse), f("loss.mae", s.loss.mae), f("loss.huber", s.loss.huber);
  f("loss.reconstruction", s.loss.reconstruction), f("loss.nll", s.loss.nll), f("loss.triplet", s.loss.triplet);
  f("loss.contrastive", s.loss.contrastive), f("loss.consistency", s.loss.consistency), f("loss.balance", s.loss.balance);
  f("loss.switch_balance", s.loss.switch_balance), f("loss.usage_variance", s.loss.usage_variance);
  f("loss.router_z", s.loss.router_z), f("loss.separation", s.loss.separation);
  f("loss.learned", s.loss.learned);
  f("training.epochs", s.training.epochs), f("training.patience", s.training.patience), f("training.batch", s.training.batch);
  f("training.rate", s.training.rate), f("training.weight_decay", s.training.weight_decay), f("training.clip", s.training.clip);
  f("training.seed", s.training.seed);
}

/// A setting's value as text, exactly.
template <class V>
std::string as_text(const V& value) {
  std::ostringstream text;
  text.precision(17);
  if constexpr (requires { text << value; })
    text << value;
  else
    for (const auto& each : value) text << each << ' ';
  return text.str();
}

/// What a data set is run with where nothing else is said: one choice for each family of sets. `horizon` 0: the set's first.
Settings defaults_for(const std::string& dataset, Index horizon = 0);

/// Sets one setting from text, such as `expert.width` from "128". Errors: no such setting, or a text that it cannot be.
void set(Settings& settings, const std::string& name, const std::string& text);

/// Checks that values make sense. Errors name the setting, what is expected and what was met.
void check(const Settings& settings);
/// Only those of the windows: look-back, horizon, cycle.
void check_windows(const Settings& settings);

/// Reads a YAML file: sections data, expert, gate, flow, loss, training; what it does not say stays as it is in `settings`.
/// Errors name file and line.
void load_yaml(const std::string& path, Settings& settings);
void save_yaml(const std::string& path, const Settings& settings);

}  // namespace forecast
