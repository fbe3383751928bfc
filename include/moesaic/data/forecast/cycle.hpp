// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <span>

#include <moesaic/data/forecast/scaler.hpp>

namespace moesaic::data {

/// A fixed seasonal profile: what every phase of a cycle adds to every variate. The phase of row r is r modulo the steps.
struct Cycle {
  Array<Cpu<double>> profile;  ///< [step, variate]

  Index steps() const { return profile.shape()[0]; }
  Index width() const { return profile.shape()[1]; }

  /// Takes the profile from / adds it to whole rows [time, variate], in place; `first_row` is the number of the first one in the
  /// series. Errors: part of a row, a negative row.
  template <class T>
  void subtract(std::span<T> rows, Index first_row) const {
    apply(rows, first_row, -1);
  }
  template <class T>
  void add(std::span<T> rows, Index first_row) const {
    apply(rows, first_row, 1);
  }

 private:
  template <class T>
  void apply(std::span<T> rows, Index first_row, double sign) const {
    require(first_row >= 0, "Cycle: expected a row of at least 0, got ", first_row);
    require(Index(rows.size()) % width() == 0, "Cycle: expected whole rows of ", width(), " variates, got ", rows.size(),
            " values");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Index row = first_row + Index(i) / width();
      rows[i] = T(double(rows[i]) + sign * profile.data()[row % steps() * width() + Index(i) % width()]);
    }
  }
};

/// The mean of every phase of a cycle of `steps` rows over the training rows of `values` [time, variate] (standardised).
/// Errors: fewer training rows than steps.
inline Cycle fit_cycle(const Array<Cpu<double>>& values, const RowRange& train, Index steps) {
  detail::require_table(values, train, "fit_cycle");
  require(steps >= 1 && steps <= train.size(), "fit_cycle: expected a cycle of 1 to ", train.size(),
          " steps, the training rows, got ", steps);
  const Index width = values.shape()[1];
  Cycle out{Array<Cpu<double>>(Shape{steps, width})};
  std::vector<double> count(std::size_t(steps), 0.0);
  for (Index r = train.begin; r < train.end; ++r) {
    for (Index v = 0; v < width; ++v) out.profile.data()[r % steps * width + v] += values.data()[r * width + v];
    ++count[std::size_t(r % steps)];
  }
  for (Index i = 0; i < steps * width; ++i) out.profile.data()[i] /= count[std::size_t(i / width)];
  return out;
}

/// `values` [time, variate] without the cycle; row 0 is row 0 of the series. Errors: another number of variates.
inline Array<Cpu<double>> without_cycle(const Array<Cpu<double>>& values, const Cycle& cycle) {
  require(bool(values) && values.shape().rank() == 2 && values.shape()[1] == cycle.width(),
          "without_cycle: expected values [time, ", cycle.width(), "], got shape ", values.shape());
  Array<Cpu<double>> out = values;
  cycle.subtract(std::span(out.data(), std::size_t(out.size())), 0);
  return out;
}

}  // namespace moesaic::data
