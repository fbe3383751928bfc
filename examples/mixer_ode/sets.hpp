// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include "options.hpp"

namespace mixer_ode {

/// Computes the data set of the catalogue or reads the user's own. Errors name file, array and field.
moesaic::data::Environments load(const Settings& s, const Files& files);

/// Writes what a model predicts: `X` and `t` for the test trajectories, `adapt_X` and `adapt_t` for those of new environments,
/// and the experts and contexts behind them.
void save_predictions(const std::string& path, const Result& result, const moesaic::data::Environments& sets);

}  // namespace mixer_ode
