// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <filesystem>
#include <moesaic/data/forecast/cycle.hpp>
#include <moesaic/data/forecast/read_series.hpp>
#include <moesaic/data/forecast/synthetic.hpp>

#include "job.hpp"

namespace forecast {

namespace {

using moesaic::Array;
using moesaic::Cpu;

Array<Host> rounded(const Array<Cpu<double>>& values) {
  return {values.shape(), std::vector<float>(values.data(), values.data() + values.size())};
}

const data::ForecastSet* registered(const std::string& name) {
  for (const auto& set : data::forecast_sets())
    if (set.name == name) return &set;
  return nullptr;
}

data::Series read(const Settings& s, const std::string& folder, const data::ForecastSet* set) {
  if (s.data.name == "synthetic") return data::synthetic();
  const data::SeriesOptions options{.mask_sentinels = s.data.mask_sentinels};
  if (set) return data::read_series(*set, folder, options);
  moesaic::require(std::filesystem::exists(s.data.name), "data set \"", s.data.name,
                   "\" is not known, and there is no such file; `forecast list` prints the names");
  return data::read_series(s.data.name, options);
}

}  // namespace

Prepared prepare(const Settings& s, const std::string& folder) {
  const data::ForecastSet* set = registered(s.data.name);
  const data::Series series = read(s, folder, set);
  Prepared out;
  out.name = set ? s.data.name : std::filesystem::path(s.data.name).stem().string();
  out.variates = series.variates;
  out.split = data::split_rows(set ? set->split : data::SplitRule{}, series.rows(), s.data.look_back, s.data.horizon, out.name);
  const auto values = data::standardised(series.values, data::fit_scaler(series.values, out.split.train));
  out.values = rounded(values);
  if (s.data.cycle > 0) {
    const auto cycle = data::fit_cycle(values, out.split.train, s.data.cycle);
    Array<Cpu<double>> rows(values.shape());
    cycle.add(std::span(rows.data(), std::size_t(rows.size())), 0);
    out.cycle = rounded(rows);
  }
  return out;
}

}  // namespace forecast
