// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <vector>

#include <moesaic/core/shape.hpp>
#include <moesaic/data/rounded.hpp>

namespace moesaic::data {

/// `count` numbers from `low` to `high`, both included (the first alone where count = 1), as NumPy rounds them.
inline std::vector<double> linspace(double low, double high, Index count) {
  require(count >= 1, "linspace: expected a count of at least 1, got ", count);
  const double step = count > 1 ? (high - low) / double(count - 1) : 0;
  std::vector<double> out;
  for (Index i = 0; i < count; ++i) out.push_back(product(double(i), step) + low);
  if (count > 1) out.back() = high;
  return out;
}

/// `count` times 0, T / count, 2 T / count, ..., the end T not among them.
inline std::vector<double> times_before(double end, Index count) {
  require(count >= 1, "times_before: expected a count of at least 1, got ", count);
  const double step = end / double(count);
  std::vector<double> out;
  for (Index i = 0; i < count; ++i) out.push_back(double(i) * step);
  return out;
}

/// To two decimals, halves to even.
inline double round2(double x) { return std::nearbyint(x * 100) / 100; }

/// Every combination of the values of each dimension, the first dimension slowest, cut to `count`.
inline std::vector<std::vector<double>> grid(const std::vector<std::vector<double>>& values, Index count) {
  std::vector<std::vector<double>> out{{}};
  for (const auto& axis : values) {
    std::vector<std::vector<double>> longer;
    for (const auto& head : out)
      for (double v : axis) {
        longer.push_back(head);
        longer.back().push_back(v);
      }
    out = std::move(longer);
  }
  if (Index(out.size()) > count) out.resize(std::size_t(count));
  return out;
}

}  // namespace moesaic::data
