// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include <moesaic/backend/cpu.hpp>

namespace moesaic::data {

/// A multivariate time series as it was measured: one row a time step, one column a variate.
struct Series {
  std::vector<std::string> variates;  ///< names; "0", "1", ... where the file has none
  std::vector<std::string> dates;     ///< one a row as the file writes them, empty where it has none
  Array<Cpu<double>> values;          ///< [time, variate]

  Index rows() const { return values ? values.shape()[0] : 0; }
  Index width() const { return values ? values.shape()[1] : 0; }
};

}  // namespace moesaic::data
