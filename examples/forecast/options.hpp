// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "settings.hpp"

namespace forecast {

enum class Command { list, summary, config, pretrain, train, evaluate, predict, run };
enum class Backend { cpu, thrust };

/// What the command line asks for.
struct Options {
  Command command = Command::list;
  std::vector<Settings> runs;  ///< of pretrain, train and run: one for each data set, horizon and seed
  Settings settings;           ///< of summary, config, evaluate and predict
  std::vector<Index> horizons; ///< of summary
  bool all = false;            ///< config: of every data set
  std::string data, output, json, model;
  Backend backend = Backend::cpu;
  bool resume = false, quiet = false, pictures = true;
  int threads = 0;  ///< 0: OpenMP's setting
};

/// The folder of one of several runs.
std::string run_name(const Settings& settings);

/// Reads the command line; false where only `--help` was asked for, and has been printed. Errors: `moesaic::Error`, in one line.
bool parse(int argc, char** argv, Options& options);

}  // namespace forecast
