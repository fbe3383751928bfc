// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "study.hpp"

namespace mixer_ode {

/// The user's own trajectories; without a `train` file a data set of the catalogue is computed.
struct Files {
  std::string train, test, adapt, adapt_test;
  bool own() const { return !train.empty(); }
};

enum class Backend { cpu, thrust };

/// What the command line asks for.
struct Options {
  Settings settings;
  Backend backend = Backend::cpu;
  std::vector<Kind> models{Kind::single, Kind::naive, Kind::mixer};
  Files files;
  std::string output, json, predict;
  Index checkpoint = 0;
  bool resume = false, quiet = false, pictures = true;
  int threads = 0;  ///< 0: OpenMP's setting
};

/// Reads the command line; false where only `--help` or `--list` was asked for, and has been printed.
/// Errors: `moesaic::Error`, in one line.
bool parse(int argc, char** argv, Options& options);

/// Names of the values of `Backend`, `Backbone`, ..., as the command line and the result file have them.
inline constexpr std::string_view backend_names[] = {"cpu", "thrust"};
inline constexpr std::string_view backbone_names[] = {"ncf", "coda", "geps"};
inline constexpr std::string_view activation_names[] = {"swish", "glu"};
inline constexpr std::string_view loss_names[] = {"mse", "relative"};
inline constexpr std::string_view rates_names[] = {"cosine", "steps", "early-steps"};
inline constexpr std::string_view refit_names[] = {"improved", "published"};
inline constexpr std::string_view matching_names[] = {"optimal", "greedy"};
inline constexpr std::string_view draw_names[] = {"uniform", "neighbours"};
inline constexpr std::string_view search_names[] = {"all", "gate"};
inline constexpr std::string_view start_names[] = {"known", "zero"};
inline constexpr std::string_view sampling_names[] = {"observed", "linear", "solved"};
inline constexpr std::string_view variant_names[] = {"published", "corrected"};

}  // namespace mixer_ode
