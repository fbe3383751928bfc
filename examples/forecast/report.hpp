// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "job.hpp"

namespace forecast {

/// Prints one result: errors, and what the gate did with the experts.
void print(const Result& result);

/// Prints a line for every data set and horizon, means and standard deviations over seeds, and averages over horizons.
void print_table(const std::vector<Result>& results);

/// Results for machines.
void save_json(const std::string& path, const std::vector<Result>& results, int threads);
void save_csv(const std::string& path, const std::vector<Result>& results);

/// Draws forecasts and routing through gnuplot into `folder` and says where they are.
void draw(const std::string& folder, const Result& result, const std::vector<std::string>& variates);

}  // namespace forecast
