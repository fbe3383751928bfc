// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstdio>
#include <numbers>

#include <moesaic/core/random.hpp>
#include <moesaic/data/forecast/series.hpp>

namespace moesaic::data {

/// An artificial series with what real ones have: cycles of a day and a week, a trend, noise, and regimes that change which
/// cycle dominates.
struct SyntheticOptions {
  Index rows = 8760;
  Index variates = 7;
  std::uint64_t seed = 0;
  Index day = 24;           ///< rows; a week has 7 of them
  Index regimes = 3;        ///< they take turns at random: the day dominates in the first, the week in the second, half a day in
                            ///< the third, and so on again
  Index regime_rows = 500;  ///< mean length of a regime, at least a day
  double trend = 1;         ///< largest change of a variate from the first row to the last
  double noise = 0.2;       ///< standard deviation; the amplitude of the dominant cycle is 0.5 to 1.5
};

namespace detail {

inline void require_options(const SyntheticOptions& o) {
  require(o.rows >= 1 && o.variates >= 1, "synthetic: expected at least one row and one variate, got ", o.rows, " and ",
          o.variates);
  require(o.day >= 2 && o.regimes >= 1 && o.regime_rows >= o.day,
          "synthetic: expected at least 2 rows a day, 1 regime and a day of ", "rows a regime, got ", o.day, ", ", o.regimes,
          " and ", o.regime_rows);
  require(o.noise >= 0, "synthetic: expected a noise of at least 0, got ", o.noise);
}

/// "2020-01-01 00:00:00" and later, `minutes` on.
inline std::string date_text(double minutes) {
  using namespace std::chrono;
  const auto seconds_on = seconds(std::int64_t(std::llround(minutes * 60)));
  const sys_seconds at = sys_days(year(2020) / January / 1) + seconds_on;
  const auto days_of = floor<days>(at);
  const year_month_day date(days_of);
  const hh_mm_ss time(at - days_of);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d", int(date.year()), unsigned(date.month()),
                unsigned(date.day()), int(time.hours().count()), int(time.minutes().count()), int(time.seconds().count()));
  return text;
}

}  // namespace detail

/// The regime of every row of `synthetic(options)`: what a gate could find out. Errors: options out of range.
inline std::vector<Index> synthetic_regimes(const SyntheticOptions& options = {}) {
  detail::require_options(options);
  Random random = Random(options.seed).fork(1);
  std::vector<Index> out;
  for (Index regime = 0; Index(out.size()) < options.rows;) {
    // From half the mean to one and a half.
    const Index length = options.regime_rows / 2 + Index(random.next_below(std::uint64_t(options.regime_rows))) + 1;
    out.insert(out.end(), std::size_t(std::min(length, options.rows - Index(out.size()))), regime);
    if (options.regimes > 1)
      regime = (regime + 1 + Index(random.next_below(std::uint64_t(options.regimes - 1)))) % options.regimes;
  }
  return out;
}

/// The series: the same bits for the same options. Errors: options out of range.
inline Series synthetic(const SyntheticOptions& options = {}) {
  const std::vector<Index> regimes = synthetic_regimes(options);
  const Index rows = options.rows, width = options.variates;
  Series out;
  out.values = Array<Cpu<double>>(Shape{rows, width});
  for (Index r = 0; r < rows; ++r) out.dates.push_back(detail::date_text(double(r) * 1440 / double(options.day)));
  const double day = double(options.day);
  const std::array<double, 3> periods{day, 7 * day, day / 2};
  for (Index v = 0; v < width; ++v) {
    out.variates.push_back("v" + std::to_string(v));
    Random own = Random(options.seed).fork(2).fork(std::uint64_t(v));
    const Random noise = Random(options.seed).fork(3).fork(std::uint64_t(v));
    std::array<double, 3> amplitude, phase;
    for (std::size_t c = 0; c < 3; ++c) {
      amplitude[c] = own.next_uniform(0.5, 1.5);
      phase[c] = own.next_uniform(0, 2 * std::numbers::pi);
    }
    const double slope = own.next_uniform(-options.trend, options.trend) / double(std::max<Index>(rows - 1, 1));
    for (Index r = 0; r < rows; ++r) {
      double y = slope * double(r) + options.noise * noise.normal(std::uint64_t(r));
      for (std::size_t c = 0; c < 3; ++c) {
        const bool dominates = std::size_t(regimes[std::size_t(r)]) % 3 == c;
        y += (dominates ? 1.0 : 0.2) * amplitude[c] * std::sin(2 * std::numbers::pi * double(r) / periods[c] + phase[c]);
      }
      out.values.data()[r * width + v] = y;
    }
  }
  return out;
}

}  // namespace moesaic::data
