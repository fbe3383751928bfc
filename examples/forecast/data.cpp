// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <moesaic/data/forecast/read_series.hpp>
#include <moesaic/data/forecast/synthetic.hpp>
#include <moesaic/io/safetensors.hpp>

#include "common/npz_codec.hpp"
#include "job.hpp"

namespace forecast {

namespace {

using moesaic::Array;
using moesaic::Cpu;

/// Errors: a number that is too large for a float; `what` it belongs to.
Array<Host> rounded(const Array<Cpu<double>>& values, const std::string& what) {
  const Index width = values.shape()[1];
  for (Index i = 0; i < values.size(); ++i)
    moesaic::require(std::abs(values.data()[i]) <= double(std::numeric_limits<float>::max()), what, ": row ", i / width, ", column ",
                     i % width, " is ", values.data()[i], " after standardising; too large for the model's numbers");
  return {values.shape(), std::vector<float>(values.data(), values.data() + values.size())};
}

const data::ForecastSet* registered(const std::string& name) {
  for (const auto& set : data::forecast_sets())
    if (set.name == name) return &set;
  return nullptr;
}

data::Series read(const Settings& s, const std::string& folder, const data::ForecastSet* set) {
  if (s.data.name == "synthetic") return data::synthetic();
  const data::SeriesOptions options{.mask_sentinels = s.data.mask_sentinels, .codec = common::npz_codec};
  if (set) return data::read_series(*set, folder, options);
  moesaic::require(std::filesystem::exists(s.data.name), "data set \"", s.data.name,
                   "\" is not known, and there is no such file; `forecast list` prints the names");
  return data::read_series(s.data.name, options);
}

/// The cycle's share of every row, the first of which has phase 0.
Array<Host> rows_of(const data::Cycle& cycle, const moesaic::Shape& shape, const std::string& what) {
  Array<Cpu<double>> rows(shape);
  cycle.add(std::span(rows.data(), std::size_t(rows.size())), 0);
  return rounded(rows, what);
}

std::string file_of_series(const std::string& folder) { return folder + "/series.safetensors"; }

std::string in_lines(const std::vector<std::string>& names) {
  std::string lines;
  for (const auto& name : names) lines += name + '\n';
  return lines;
}
/// Names that stand on lines of their own, as a list.
std::string listed(std::string lines) {
  if (!lines.empty()) lines.pop_back();
  for (std::size_t i = lines.find('\n'); i != std::string::npos; i = lines.find('\n', i)) lines.replace(i, 1, ", ");
  return lines;
}

}  // namespace

Prepared prepare(const Settings& s, const std::string& folder) {
  const data::ForecastSet* set = registered(s.data.name);
  const data::Series series = read(s, folder, set);
  Prepared out;
  out.name = set ? s.data.name : std::filesystem::path(s.data.name).stem().string();
  out.variates = series.variates;
  out.split = data::split_rows(set ? set->split : data::SplitRule{}, series.rows(), s.data.look_back, s.data.horizon, out.name);
  out.scaler = data::fit_scaler(series.values, out.split.train);
  const auto values = data::standardised(series.values, out.scaler);
  out.values = rounded(values, out.name);
  if (s.data.cycle > 0) {
    out.profile = data::fit_cycle(values, out.split.train, s.data.cycle);
    out.cycle = rows_of(out.profile, values.shape(), out.name);
  }
  return out;
}

void save_series(const std::string& folder, const Prepared& series) {
  const Index width = series.width();
  std::vector<moesaic::NamedArray> arrays{{"mean", series.scaler.mean.data(), {width}}, {"scale", series.scaler.scale.data(), {width}}};
  if (series.profile.profile) arrays.emplace_back("cycle", series.profile.profile);
  moesaic::safetensors::save(file_of_series(folder), arrays, {{"variates", in_lines(series.variates)}});
}

Prepared prepare_beyond(const Settings& s, const std::string& folder, const std::string& model) {
  const std::string path = file_of_series(model);
  const moesaic::safetensors::File kept(path);
  const data::ForecastSet* set = registered(s.data.name);
  const data::Series series = read(s, folder, set);
  Prepared out;
  out.name = set ? s.data.name : std::filesystem::path(s.data.name).filename().string();
  out.variates = series.variates;
  const std::string names = in_lines(out.variates), learnt = kept.metadata("variates");
  moesaic::require(names == learnt, out.name, ": its variates are not those that the model in ", model, " was trained on; expected ",
                   listed(learnt), ", got ", listed(names));
  out.scaler = {kept.at("mean").values<double>(), kept.at("scale").values<double>()};
  const Index rows = series.rows(), h = s.data.horizon, width = series.width();
  moesaic::require(rows >= s.data.look_back, out.name, ": ", rows, " rows; a forecast is made from the last ", s.data.look_back);
  const auto values = data::standardised(series.values, out.scaler);
  Array<Cpu<double>> longer(moesaic::Shape{rows + h, width});
  std::copy_n(values.data(), values.size(), longer.data());
  out.values = rounded(longer, out.name);
  if (kept.contains("cycle")) {
    const auto profile = kept.at("cycle");
    out.profile.profile = Array<Cpu<double>>(moesaic::Shape{profile.shape()[0], width}, profile.values<double>());
    out.cycle = rows_of(out.profile, longer.shape(), out.name);
  }
  return out;
}

void save_forecast(const std::string& path, const Prepared& series, const std::vector<float>& forecast) {
  const Index width = series.width(), horizon = Index(forecast.size()) / width;
  Array<Cpu<double>> table(moesaic::Shape{horizon, width + 1});
  for (Index h = 0; h < horizon; ++h) {
    double* row = table.data() + h * (width + 1);
    row[0] = double(h + 1);
    for (Index v = 0; v < width; ++v) {
      const auto i = std::size_t(v);
      row[v + 1] = double(forecast[std::size_t(h * width + v)]) * series.scaler.scale[i] + series.scaler.mean[i];
    }
  }
  std::vector<std::string> columns{"step"};
  columns.insert(columns.end(), series.variates.begin(), series.variates.end());
  moesaic::csv::save(path, columns, table.tensor());
}

}  // namespace forecast
