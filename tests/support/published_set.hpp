// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include <moesaic/data/forecast/read_series.hpp>
#include <moesaic/data/forecast/scaler.hpp>
#include <moesaic/data/forecast/sets.hpp>

namespace test_support {

using namespace moesaic;

/// A published set on the training rows' scale, if its file is there.
struct PublishedSet {
  const data::ForecastSet& set;
  bool there = false;
  data::Scaler scaler;
  Array<Cpu<double>> values;

  explicit PublishedSet(const char* name) : set(data::forecast_set(name)) {
    const char* given = std::getenv("MOESAIC_DATA");
    const auto folder =
        given ? std::filesystem::path(given) : std::filesystem::path(MOESAIC_SOURCE_DIR) / ".." / "shared" / "data";
    there = std::any_of(set.paths.begin(), set.paths.end(),
                        [&](auto path) { return !path.empty() && std::filesystem::exists(folder / path); });
    if (!there) {
      MESSAGE("skipped: ", name, " is not in ", folder.string(), "; set MOESAIC_DATA to the folder of the data sets");
      return;
    }
    const data::Series series = data::read_series(set, folder.string());
    CHECK(series.values.shape() == Shape{set.rows, set.variates});
    scaler = data::fit_scaler(series.values, data::split_rows(set, set.rows, set.look_back, set.horizons[0]).train);
    values = data::standardised(series.values, scaler);
  }
};

}  // namespace test_support
