// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <moesaic/data/environments.hpp>
#include <moesaic/io/safetensors.hpp>

#include "settings.hpp"

namespace mixer_ode {

using Host = moesaic::Cpu<float>;  ///< where results are kept, whatever the backend that trains

enum class Kind { single, naive, mixer };
inline constexpr std::string_view kind_names[] = {"single", "naive", "mixer"};                   ///< in files
inline constexpr std::string_view kind_titles[] = {"single learner", "naive mixture", "MixER"};  ///< in tables

/// Predicted states of one split and how far they are off, a number for each environment (MixER, section 4: rel-MSE and MSE).
struct Scores {
  moesaic::Array<Host> prediction;  ///< [environment, trajectory, time, state]; NaN where the solve diverged
  std::vector<double> relative, squared;
};

/// How far off a number of experts was in each of the environments held out, see `try_candidates`.
struct Trial {
  Index experts;
  std::vector<double> errors;
};

/// What became of one model.
struct Result {
  Kind kind = Kind::mixer;
  std::string device;  ///< what it ran on
  Index experts = 0, context = 0;
  Index expert_parameters = 0, parameters = 0;  ///< of one expert; of all with the gate

  std::string ending;  ///< finished, interrupted, ...
  std::string error;   ///< of a failed run, whose best parameters were kept
  Index iterations = 0;
  double seconds = 0, adapt_seconds = 0;
  std::vector<double> loss;  ///< of every outer iteration

  moesaic::Array<Host> contexts;  ///< [environment, D]
  std::vector<Index> expert;        ///< of every environment
  std::vector<Trial> trials;        ///< where the number of experts was chosen
  Scores test;                      ///< on the training trajectories where there are no others

  bool adapted = false;
  moesaic::Array<Host> adapt_contexts;
  std::vector<Index> adapt_expert;
  std::vector<double> adapt_loss;
  Scores adapt_test;

  /// State predicted for time `t` of trajectory `j` in environment `e`.
  const float* prediction_of(Index e, Index j, Index t) const {
    const auto& s = test.prediction.shape();
    return test.prediction.data() + ((e * s[1] + j) * s[2] + t) * s[3];
  }
};

/// Where a run is saved and whether it goes on from there.
struct Saving {
  std::string path;
  Index every = 0;  ///< outer iterations; 0: only at the end
  bool resume = false;
  bool progress = true;
  moesaic::safetensors::Metadata settings = {};  ///< what a resumed run must share
};

/// On backend `B`: trains one model, scores it, adapts it to new environments and scores that. `sets` are as `load` gives them.
template <class B>
struct Study {
  static Result ncf(const Settings& s, Kind kind, const moesaic::data::Environments& sets, const Saving& saving);
  static Result coda(const Settings& s, Kind kind, const moesaic::data::Environments& sets, const Saving& saving);
  static Result geps(const Settings& s, Kind kind, const moesaic::data::Environments& sets, const Saving& saving);
};

}  // namespace mixer_ode
