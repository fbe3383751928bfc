// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <span>
#include <string>

#include <moesaic/data/forecast/split.hpp>

namespace moesaic::data {

/// What is known about a published data set for long-horizon forecasting, and how it is commonly used.
struct ForecastSet {
  std::string_view name;
  Index variates, rows;  ///< as published
  Index step;            ///< minutes
  std::string_view step_text;
  Index cycle;  ///< steps of the longest period worth modelling, a day, a week or a year; 0: none
  SplitRule split;
  std::array<Index, 4> horizons;
  Index look_back;                        ///< of most published tables
  std::array<std::string_view, 4> paths;  ///< where the file may lie in a folder of data sets; unused ones are empty
  std::string_view looks;                 ///< what the file must look like
  std::string_view published;             ///< where
};

namespace detail {

inline constexpr std::string_view dated = "comma-separated text, a line of names, the first of them \"date\"";
inline constexpr std::string_view undated = "comma-separated numbers, one row a line, without names and dates";
inline constexpr std::string_view pems = "an array \"data\" [time, node, feature], of which feature 0 is forecast";
inline constexpr std::string_view ett_at = "github.com/zhouhaoyi/ETDataset (ETT-small)";
inline constexpr std::string_view autoformer_at =
    "the data folders that github.com/thuml/Autoformer and github.com/thuml/Time-Series-Library link to";
inline constexpr std::string_view lstnet_at = "github.com/laiguokun/multivariate-time-series-data (packed with gzip)";
inline constexpr std::string_view pems_at =
    "the data folders that github.com/cure-lab/SCINet and github.com/thuml/iTransformer link to";

using Paths = std::array<std::string_view, 4>;

inline constexpr std::array<Index, 4> long_horizons{96, 192, 336, 720}, short_horizons{12, 24, 48, 96}, weeks{24, 36, 48, 60};

constexpr ForecastSet ett_set(std::string_view name, Index step, std::string_view step_text, const Paths& paths) {
  const Index day = 24 * 60 / step;
  return {name, 7, 17420 * 60 / step, step, step_text, day, {.month = 30 * day}, long_horizons, 96, paths, dated, ett_at};
}
constexpr ForecastSet pems_set(std::string_view name, Index variates, Index rows, const Paths& paths) {
  const SplitRule split{.train = 0.6, .test = 0.2, .overlap = false, .borders = true};
  return {name, variates, rows, 5, "5 minutes", 288, split, short_horizons, 96, paths, pems, pems_at};
}
constexpr ForecastSet dated_set(std::string_view name, Index variates, Index rows, Index step, std::string_view step_text,
                                Index cycle, const Paths& paths) {
  return {name, variates, rows, step, step_text, cycle, {}, long_horizons, 96, paths, dated, autoformer_at};
}

inline constexpr Paths solar_paths{"solar/solar_AL.txt", "Solar/solar_AL.txt", "solar_AL.txt"};
inline constexpr Paths illness_paths{"illness/national_illness.csv", "ILI/national_illness.csv", "national_illness.csv"};

inline constexpr std::array forecast_sets{
    ett_set("ETTh1", 60, "1 hour", {"ETT-small/ETTh1.csv", "ETT/ETTh1.csv", "ETTh1.csv"}),
    ett_set("ETTh2", 60, "1 hour", {"ETT-small/ETTh2.csv", "ETT/ETTh2.csv", "ETTh2.csv"}),
    ett_set("ETTm1", 15, "15 minutes", {"ETT-small/ETTm1.csv", "ETT/ETTm1.csv", "ETTm1.csv"}),
    ett_set("ETTm2", 15, "15 minutes", {"ETT-small/ETTm2.csv", "ETT/ETTm2.csv", "ETTm2.csv"}),
    dated_set("electricity", 321, 26304, 60, "1 hour", 168,
              {"electricity/electricity.csv", "ECL/electricity.csv", "electricity.csv", "electricity.txt"}),
    dated_set("traffic", 862, 17544, 60, "1 hour", 168, {"traffic/traffic.csv", "traffic.csv", "traffic.txt"}),
    dated_set("weather", 21, 52696, 10, "10 minutes", 144, {"weather/weather.csv", "weather.csv"}),
    dated_set("exchange_rate", 8, 7588, 24 * 60, "1 day", 0,
              {"exchange_rate/exchange_rate.csv", "exchange_rate/exchange_rate.txt", "exchange_rate.csv", "exchange_rate.txt"}),
    ForecastSet{"solar", 137, 52560, 10, "10 minutes", 144, {}, long_horizons, 96, solar_paths, undated, lstnet_at},
    ForecastSet{"illness", 7, 966, 7 * 24 * 60, "1 week", 52, {}, weeks, 36, illness_paths, dated, autoformer_at},
    pems_set("PEMS03", 358, 26208, {"PEMS/PEMS03.npz", "PEMS03.npz"}),
    pems_set("PEMS04", 307, 16992, {"PEMS/PEMS04.npz", "PEMS04.npz"}),
    pems_set("PEMS07", 883, 28224, {"PEMS/PEMS07.npz", "PEMS07.npz"}),
    pems_set("PEMS08", 170, 17856, {"PEMS/PEMS08.npz", "PEMS08.npz"}),
};

}  // namespace detail

/// The 14 data sets that most tables of the literature share.
inline std::span<const ForecastSet> forecast_sets() { return detail::forecast_sets; }

/// The data set of that name. Errors: there is none; the known ones are named.
inline const ForecastSet& forecast_set(std::string_view name) {
  std::string known;
  for (const auto& set : forecast_sets()) {
    if (set.name == name) return set;
    known += (known.empty() ? "" : ", ") + std::string(set.name);
  }
  fail("forecasting data set \"", name, "\" is not known; the known ones are ", known);
}

/// The parts of a known set of `rows` rows; see above. Errors: as above.
inline ForecastSplit split_rows(const ForecastSet& set, Index rows, Index look_back, Index horizon) {
  return split_rows(set.split, rows, look_back, horizon, set.name);
}

}  // namespace moesaic::data
