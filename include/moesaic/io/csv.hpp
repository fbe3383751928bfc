// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include <moesaic/io/csv_lines.hpp>
#include <moesaic/io/file.hpp>
#include <moesaic/io/stored_array.hpp>

/// Tables of numbers as text, one row a line, with an optional line of names and an optional column of dates.
namespace moesaic::csv {

struct Options {
  char separator = ',';                      ///< ' ' stands for any number of blanks and tabs
  std::optional<bool> header = {};           ///< whether the first line holds names; unset: yes unless all its cells are numbers
  std::optional<std::string> date = {};      ///< column that is kept as text
  std::vector<std::string> columns = {};     ///< the columns to read, in this order; empty: all but the date
  NonFinite non_finite = NonFinite::reject;  ///< when kept, an empty cell reads as NaN
};

/// Columns without names are called "0", "1", ... by their position.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::string> dates;  ///< one a row, empty if no date column was asked for
  Array<Cpu<double>> values;       ///< [row, column]

  Index rows() const { return values ? values.shape()[0] : 0; }
  /// Position of a column by its name.
  Index column(std::string_view name) const { return index_of("table", columns, name); }
};

/// Parses a number that fills the cell; `+` is allowed, "nan" and "inf" are numbers.
inline std::optional<double> parse_number(std::string_view cell) {
  if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (problem == std::errc::result_out_of_range && end == cell.data() + cell.size()) {  // too small is 0, too large no number
    const double rounded = std::strtod(std::string(cell).c_str(), nullptr);
    return std::abs(rounded) < 1 ? std::optional(rounded) : std::nullopt;
  }
  if (problem != std::errc{} || end != cell.data() + cell.size()) return std::nullopt;
  return value;
}

namespace detail {

/// Reads the rows once the columns are known.
class RowReader {
 public:
  RowReader(const std::string& path, const std::vector<std::string>& names, const Options& options)
      : path_(path), names_(names), keep_non_finite_(options.non_finite == NonFinite::keep), slot_(names.size(), skip) {
    if (options.date) slot_[std::size_t(index_of(path, names, *options.date))] = date;
    if (options.columns.empty()) {
      for (std::size_t i = 0; i < slot_.size(); ++i)
        if (slot_[i] == skip) select(i);
    } else {
      for (const std::string& name : options.columns) {
        const auto i = std::size_t(index_of(path, names, name));
        require(slot_[i] == skip, path, ": column ", io::in_quotes(name), " is asked for twice");
        select(i);
      }
    }
    require(!table.columns.empty(), path, ": has no column of numbers; its columns: ", io::quoted_list(names));
  }

  void read(std::size_t line, const std::vector<std::string_view>& cells) {
    require(cells.size() == names_.size(), path_, ": line ", line, ": expected ", names_.size(), " cells, actual ", cells.size());
    const std::size_t row = numbers_.size();
    numbers_.resize(row + table.columns.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (slot_[i] == date) table.dates.emplace_back(cells[i]);
      if (slot_[i] >= 0) numbers_[row + std::size_t(slot_[i])] = number(line, i, cells[i]);
    }
  }

  Table finish() {
    const auto width = Index(table.columns.size());
    table.values = Array<Cpu<double>>(Shape{Index(numbers_.size()) / width, width}, numbers_);
    return std::move(table);
  }

  Table table;

 private:
  static constexpr int skip = -1, date = -2;

  void select(std::size_t i) {
    slot_[i] = int(table.columns.size());
    table.columns.push_back(names_[i]);
  }
  double number(std::size_t line, std::size_t column, std::string_view cell) const {
    if (cell.empty() && keep_non_finite_) return std::nan("");
    const std::optional<double> value = parse_number(cell);
    if (!value || (!std::isfinite(*value) && !keep_non_finite_)) [[unlikely]]
      fail(path_, ": line ", line, ", column ", io::in_quotes(names_[column]), ": expected a ", value ? "finite " : "",
           "number, actual ", io::in_quotes(cell));
    return *value;
  }

  const std::string& path_;
  const std::vector<std::string>& names_;
  bool keep_non_finite_;
  std::vector<int> slot_;
  std::vector<double> numbers_;
};

}  // namespace detail

/// Reads a table. Errors name the file, the line (from 1) and the column.
inline Table load(const std::string& path, const Options& options = {}) {
  const std::string text = read_text(path);
  Lines lines(path, text, options.separator);
  require(lines.next(), path, ": expected a table of numbers, the file is empty");
  const bool numeric =
      std::all_of(lines.cells().begin(), lines.cells().end(), [](auto cell) { return parse_number(cell).has_value(); });
  const bool header = options.header.value_or(!numeric);
  const std::vector<std::string> names = column_names(path, lines.cells(), header);
  detail::RowReader rows(path, names, options);
  if (!header) rows.read(lines.number(), lines.cells());
  while (lines.next()) rows.read(lines.number(), lines.cells());
  return rows.finish();
}

/// Writes a line of names and the rows, each number in the fewest digits that read back as the same number.
///
/// `dates`, unless empty, become a first column named "date". `values` is [row, column].
inline void save(const std::string& path, const std::vector<std::string>& columns, const Tensor<Cpu<double>>& values,
                 const std::vector<std::string>& dates = {}) {
  require(values && values.shape().rank() == 2 && values.shape()[1] == Index(columns.size()) && !columns.empty(), path,
          ": the shape ", values.shape(), " of the values does not go with ", columns.size(), " columns");
  const auto rows = std::size_t(values.shape()[0]);
  require(dates.empty() || dates.size() == rows, path, ": ", dates.size(), " dates do not go with ", rows, " rows");
  std::vector<std::string> names = columns;
  if (!dates.empty()) names.insert(names.begin(), "date");
  if (const auto twin = io::duplicate(names)) fail(path, ": two columns are named ", io::in_quotes(*twin));
  std::string text;
  for (const std::string& name : names) text += cell_text(name) + (&name == &names.back() ? '\n' : ',');
  io::OutputFile out(path);
  const double* number = values.data();
  for (std::size_t r = 0; r < rows; ++r) {
    if (!dates.empty()) text += cell_text(dates[r]) + ',';
    for (std::size_t c = 0; c < columns.size(); ++c) {
      char digits[32];
      text.append(digits, std::to_chars(digits, digits + sizeof(digits), *number++).ptr);
      text += c + 1 < columns.size() ? ',' : '\n';
    }
    if (text.size() < (1 << 16)) continue;
    out.write(text);
    text.clear();
  }
  out.write(text);
  out.commit();
}

}  // namespace moesaic::csv
