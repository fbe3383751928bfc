// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/data/forecast/cycle.hpp>
#include <moesaic/data/forecast/scaler.hpp>
#include <moesaic/data/forecast/split.hpp>

#include "settings.hpp"

namespace forecast {

namespace data = moesaic::data;
using Host = moesaic::Cpu<float>;

/// A series as models see it: standardised by its training rows.
struct Prepared {
  std::string name;
  std::vector<std::string> variates;
  moesaic::Array<Host> values;  ///< [time, variate]
  moesaic::Array<Host> cycle;   ///< [time, variate], the mean of every row's phase over the training rows; absent: none
  data::ForecastSplit split;
  data::Scaler scaler;
  data::Cycle profile;  ///< of the standardised series, where a cycle is taken out

  Index width() const { return values.shape()[1]; }
};

/// Errors on the test windows, on the scaled data.
struct Scores {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
  Index windows = 0;  ///< 0: nothing was scored
  double mse = none, mae = none, rmse = none, r2 = none;
};

/// What a run found.
struct Result {
  Settings settings;
  std::string dataset, device, ending, error;
  Index parameters = 0, epochs = 0, steps = 0;
  double seconds = 0, pretrain_seconds = 0, evaluate_seconds = 0;
  double validation = 0, validation_at_start = 0;  ///< mean squared error after training, and before it
  std::optional<double> share = {};  ///< of what the networks add to the linear start that is kept, see `shrink_networks`
  /// What was chosen for the linear maps that experts start from, see `LinearStart`.
  struct Start {
    bool keeps_level;
    double shrinkage, share, error;
    double test;  ///< mean squared error on the test windows, before any training
  };
  std::optional<Start> start = {};
  std::vector<double> loss, validations;  ///< by epoch; the latter of the term `validated_by`
  std::string validated_by;
  Scores test;
  std::vector<double> usage;           ///< mean gate weight of every expert on the test windows
  std::vector<Index> chosen;           ///< test windows whose largest weight is an expert's
  std::vector<double> error_of;        ///< mean squared error of the forecasts of these windows
  std::vector<double> error_alone;     ///< of an expert alone on all test windows
  double entropy = 0;                  ///< of the usage, 1: all experts alike, 0: one expert alone
  std::vector<float> routing;          ///< [window, expert], every `routing_stride`-th test window
  Index routing_stride = 1;
  struct Shown {
    Index window, variate;
    std::vector<float> past, truth, forecast;
  };
  std::vector<Shown> shown;  ///< some forecasts, for the picture
};

/// Where a run's files are, and how it is shown.
struct Saving {
  std::string folder;
  bool resume = false, progress = true;
  bool pretrained = false;  ///< whether the flow starts from the file `flow()`
  std::string model() const { return folder + "/model.safetensors"; }
  std::string checkpoint() const { return folder + "/checkpoint.safetensors"; }
  std::string flow() const { return folder + "/flow.safetensors"; }
};

/// How the policies are composed, by the settings; one source each.
enum class Composition {
  whole,         ///< the metric gate sees a code, that a Real NVP has mapped
  without_flow,  ///< it sees the windows themselves
  linear_gate,   ///< a softmax gate sees the code; losses of embeddings are left out
};
inline Composition composition_of(const Settings& s) {
  return s.gate.kind == "linear" ? Composition::linear_gate : s.flow.used ? Composition::whole : Composition::without_flow;
}

/// The jobs, on backend `B`.
template <class B>
struct Job {
  /// Trains the flow alone and saves its parameters.
  static Result pretrain(const Settings& settings, const Prepared& series, const Saving& saving);
  template <Composition>
  static Result train(const Settings& settings, const Prepared& series, const Saving& saving);
  /// Scores a saved model on all test windows.
  template <Composition>
  static Result evaluate(const Settings& settings, const Prepared& series, const Saving& saving);
  /// The last `horizon` rows of `series` by a saved model, whatever stands there: `[horizon, variate]`, standardised.
  template <Composition>
  static std::vector<float> predict(const Settings& settings, const Prepared& series, const Saving& saving);
};

/// Calls `f` with the composition as a constant.
template <class F>
auto composed(const Settings& s, const F& f) {
  switch (composition_of(s)) {
    case Composition::whole: return f(std::integral_constant<Composition, Composition::whole>{});
    case Composition::without_flow: return f(std::integral_constant<Composition, Composition::without_flow>{});
    default: return f(std::integral_constant<Composition, Composition::linear_gate>{});
  }
}

/// Reads a set from the folder `data`, or generates one; standardises and splits it.
Prepared prepare(const Settings& settings, const std::string& data);

/// Writes mean, scale and cycle of a series to `series.safetensors` in a folder.
void save_series(const std::string& folder, const Prepared& series);
/// Reads a set or file and `horizon` rows beyond its end, standardised as the series of the model in a folder was. Errors: other
/// variates; fewer rows than a look-back.
Prepared prepare_beyond(const Settings& settings, const std::string& data, const std::string& model);
/// Writes a standardised forecast `[horizon, variate]` in the units of the data: a column of steps from 1 on, and one a variate.
void save_forecast(const std::string& path, const Prepared& series, const std::vector<float>& forecast);

}  // namespace forecast
