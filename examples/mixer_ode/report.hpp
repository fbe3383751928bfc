// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include "options.hpp"

namespace mixer_ode {

/// Everything that a run found.
struct Report {
  Options options;
  moesaic::data::Environments sets;
  std::vector<Result> results;
  double seconds = 0;
  double peak_megabytes = 0;  ///< most memory that the process has held
};

/// Prints models, routing table and errors by family, the models side by side.
void print(const Report& report);

/// The same for machines.
void save_json(const std::string& path, const Report& report);

/// Draws pictures through gnuplot into the output folder and says where they are; without gnuplot it leaves data and scripts.
void draw(const Report& report);

}  // namespace mixer_ode
