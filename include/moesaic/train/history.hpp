// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <moesaic/core/shape.hpp>

namespace moesaic {

/// Loss terms and validation of every outer iteration: a table with named columns.
class History {
 public:
  History() = default;
  explicit History(std::vector<std::string> names) : names_(std::move(names)) {}

  /// `total`, the terms, with several players as `player.term`, and `validation` where the problem validates.
  const std::vector<std::string>& names() const { return names_; }
  Index rows() const { return names_.empty() ? 0 : Index(numbers_.size() / names_.size()); }
  Index columns() const { return Index(names_.size()); }
  /// Mean of column `column` over the steps of iteration `row`; NaN in a validation column where none took place.
  double at(Index row, Index column) const { return numbers_[std::size_t(row * columns() + column)]; }

  bool contains(std::string_view name) const { return std::find(names_.begin(), names_.end(), name) != names_.end(); }
  /// All of a column. Errors: there is none of this name.
  std::vector<double> values(std::string_view name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) {
      std::string known;
      for (const auto& n : names_) known += (known.empty() ? "" : ", ") + n;
      fail("History: no column \"", name, "\"; the columns: ", known);
    }
    std::vector<double> out(static_cast<std::size_t>(rows()));
    for (Index r = 0; r < rows(); ++r) out[std::size_t(r)] = at(r, found - names_.begin());
    return out;
  }

  void reserve(Index rows) { numbers_.reserve(std::size_t(rows * columns())); }
  void append(std::span<const double> row) {
    require(Index(row.size()) == columns(), "History: a row of ", row.size(), " numbers for ", columns(), " columns");
    numbers_.insert(numbers_.end(), row.begin(), row.end());
  }
  const std::vector<double>& numbers() const { return numbers_; }  ///< row by row

 private:
  std::vector<std::string> names_;
  std::vector<double> numbers_;
};

}  // namespace moesaic
