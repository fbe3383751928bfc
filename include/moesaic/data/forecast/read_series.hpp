// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>

#include <moesaic/data/forecast/series.hpp>
#include <moesaic/data/forecast/sets.hpp>
#include <moesaic/io/csv.hpp>
#include <moesaic/io/npy.hpp>
#include <moesaic/io/npz.hpp>

namespace moesaic::data {

struct SeriesOptions {
  bool mask_sentinels = false;       ///< a sentinel becomes the value before it, at the beginning the first one behind it
  double sentinel = -9999;           ///< as in the wind and radiation columns of "weather", where papers keep it
  npz::Codec codec = npz::no_codec;  ///< `npz::zlib` of <moesaic/io/zlib.hpp> opens compressed .npz files
};

namespace detail {

/// Comma-separated text if its first line has a comma, else numbers between blanks; with or without names and dates.
inline Series read_text_series(const std::string& path) {
  const io::InputFile file(path);
  std::string head(std::size_t(std::min<std::uint64_t>(file.size(), 1 << 20)), '\0');
  file.read(0, std::as_writable_bytes(std::span(head)));
  if (head.starts_with("\xEF\xBB\xBF")) head.erase(0, 3);
  csv::Options options;
  if (head.substr(0, head.find('\n')).find(',') == std::string::npos) options.separator = ' ';
  csv::Lines lines(path, head, options.separator);
  if (lines.next()) {
    const std::vector<std::string> names(lines.cells().begin(), lines.cells().end());
    const auto is_number = [](std::string_view cell) { return csv::parse_number(cell).has_value(); };
    if (std::find(names.begin(), names.end(), "date") != names.end()) {
      options.header = true;
      options.date = "date";
    } else if (lines.next() && lines.cells().size() > 1 && !lines.cells()[0].empty() && !is_number(lines.cells()[0])) {
      // Dates under another name, or under none.
      const bool first_is_date = names[0].find_first_of("0123456789") != std::string::npos;  // as its column, whose name has no digit
      options.header = !first_is_date || !std::all_of(names.begin() + 1, names.end(), is_number);
      options.date = *options.header ? names[0] : "0";
    }
  }
  csv::Table table = csv::load(path, options);
  return {std::move(table.columns), std::move(table.dates), std::move(table.values)};
}

/// An array [time, variate], or [time, node, feature] of which feature 0 is taken.
inline Series series_from(const io::StoredArray& stored, const std::string& path) {
  const auto& shape = stored.shape();
  require(shape.size() == 2 || shape.size() == 3, path, ": expected an array [time, variate] or [time, node, feature], got rank ",
          shape.size());
  const Index rows = shape[0], width = shape[1], features = shape.size() == 3 ? shape[2] : 1;
  require(rows > 0 && width > 0 && features > 0, path, ": the array has no numbers");
  Series out;
  out.values = stored.reshaped<double>(Shape{rows, width * features}, NonFinite::keep);
  if (features > 1) {
    Array<Cpu<double>> first(Shape{rows, width});
    for (Index i = 0; i < rows * width; ++i) first.data()[i] = out.values.data()[i * features];
    out.values = std::move(first);
  }
  for (Index v = 0; v < width; ++v) out.variates.push_back(std::to_string(v));
  for (Index i = 0; i < rows * width; ++i)
    require(std::isfinite(out.values.data()[i]), path, ": row ", i / width, ", column ", i % width,
            ": expected a finite number, actual ", out.values.data()[i]);
  return out;
}

inline void mask_sentinels(Series& series, double sentinel) {
  const Index rows = series.rows(), width = series.width();
  for (Index v = 0; v < width; ++v) {
    double* x = series.values.data() + v;
    Index first = 0;
    while (first < rows && x[first * width] == sentinel) ++first;
    if (first == rows) continue;
    for (Index r = 0; r < first; ++r) x[r * width] = x[first * width];
    for (Index r = first + 1; r < rows; ++r)
      if (x[r * width] == sentinel) x[r * width] = x[(r - 1) * width];
  }
}

}  // namespace detail

/// A series from a file of one's own: .csv or .txt (names and dates as far as there are any; LF or CRLF), .npy [time, variate],
/// .npz with an array "data" (or only one), [time, variate] or [time, node, feature] of which feature 0 is taken.
///
/// Errors: another extension, a file that cannot be read, numbers that are not finite, with their row and column.
inline Series read_series(const std::string& path, const SeriesOptions& options = {}) {
  const std::string extension = std::filesystem::path(path).extension().string();
  Series out;
  if (extension == ".csv" || extension == ".txt") {
    out = detail::read_text_series(path);
  } else if (extension == ".npy") {
    out = detail::series_from(npy::open(path), path);
  } else if (extension == ".npz") {
    const npz::File file = npz::open(path, options.codec);
    out = detail::series_from(file.at(file.names().size() == 1 ? std::string_view(file.names()[0]) : "data"), path);
  } else {
    fail(path, ": expected a series in a .csv, .txt, .npy or .npz file, got the extension \"", extension, "\"");
  }
  if (options.mask_sentinels) detail::mask_sentinels(out, options.sentinel);
  return out;
}

/// Where in a folder of data sets a published one lies; empty where it does not.
inline std::string find_file(const ForecastSet& set, const std::string& folder) {
  for (const std::string_view relative : set.paths) {
    const auto path = std::filesystem::path(folder) / relative;
    if (!relative.empty() && std::filesystem::exists(path)) return path.string();
  }
  return {};
}

/// A published data set from a folder of such sets.
///
/// Errors: no file where the set may lie (says where it is published and what it looks like), another number of variates.
inline Series read_series(const ForecastSet& set, const std::string& folder, const SeriesOptions& options = {}) {
  const std::string path = find_file(set, folder);
  if (path.empty()) {
    std::string tried;
    for (const std::string_view relative : set.paths)
      if (!relative.empty()) tried += (tried.empty() ? "" : ", ") + (std::filesystem::path(folder) / relative).string();
    fail("data set ", set.name, " was not found; tried ", tried, ". Published: ", set.published, ". It must be ", set.looks,
         ", with ", set.variates, " variates and about ", set.rows, " rows");
  }
  Series out = read_series(path, options);
  require(out.width() == set.variates, path, ": expected the ", set.variates, " variates of ", set.name, ", got ", out.width(),
          "; read another selection of them by its path");
  return out;
}

}  // namespace moesaic::data
