// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>

#include <moesaic/core/shape.hpp>

namespace moesaic::data {

/// Rows `begin .. end - 1` of a series.
struct RowRange {
  Index begin = 0, end = 0;

  Index size() const { return end - begin; }
  bool operator==(const RowRange&) const = default;
};

/// How the rows of a series are divided into a first part to train, a second to validate and a third to test.
struct SplitRule {
  double train = 0.7, test = 0.2;  ///< fractions of all rows; what is left validates
  Index month = 0;                 ///< rows of 30 days; unless 0: 12 months train, 4 validate, 4 test, later rows are unused
  bool overlap = true;   ///< validation and test begin `look_back` rows early, so that their first targets are predicted
  bool borders = false;  ///< the end of validation is truncated to whole rows rather than the size of the test part
};

/// The three parts of a series with the look-back and horizon of the windows cut from them (stride 1).
struct ForecastSplit {
  RowRange train, validation, test;  ///< the overlap included
  Index look_back = 0, horizon = 0;

  /// Windows of look-back and horizon that lie in a part.
  Index windows(const RowRange& part) const { return part.size() - look_back - horizon + 1; }
};

namespace detail {

inline void require_windows(std::string_view series, std::string_view part, const RowRange& rows, Index look_back,
                            Index horizon) {
  require(rows.size() >= look_back + horizon, series, ": the ", part, " part has ", rows.size(), " rows, needed are ",
          look_back + horizon, ": a look-back of ", look_back, " and a horizon of ", horizon);
}

}  // namespace detail

/// The parts of a series of `rows` rows, as iTransformer's loaders cut them (their truncations included).
///
/// Errors: fractions that leave no part, fewer rows than the months need, a part shorter than look-back and horizon; `series` is
/// what they call it.
inline ForecastSplit split_rows(const SplitRule& rule, Index rows, Index look_back, Index horizon,
                                std::string_view series = "series") {
  require(look_back >= 1 && horizon >= 1, series, ": expected a look-back and a horizon of at least 1, got ", look_back, " and ",
          horizon);
  Index train = 12 * rule.month, validation = 16 * rule.month, test = 20 * rule.month;  // where each ends
  if (rule.month > 0) {
    require(rows >= test, series, ": expected at least ", test, " rows, 20 months of ", rule.month, ", got ", rows);
  } else {
    require(rule.train > 0 && rule.test > 0 && rule.train + rule.test < 1, series,
            ": expected fractions that are positive and below 1 together, got ", rule.train, " to train and ", rule.test,
            " to test");
    const double n = double(rows);
    train = Index(n * rule.train);
    validation = rule.borders ? Index(n * (1 - rule.test)) : rows - Index(n * rule.test);
    test = rows;
  }
  const Index early = rule.overlap ? look_back : 0;
  detail::require_windows(series, "training", {0, train}, look_back, horizon);
  const ForecastSplit out{{0, train}, {train - early, validation}, {validation - early, test}, look_back, horizon};
  detail::require_windows(series, "validation", out.validation, look_back, horizon);
  detail::require_windows(series, "test", out.test, look_back, horizon);
  return out;
}

}  // namespace moesaic::data
