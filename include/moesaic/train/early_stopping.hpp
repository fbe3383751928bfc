// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <limits>

#include <moesaic/core/shape.hpp>

namespace moesaic {

/// Watches a metric that should fall: which value was the best, and whether it is time to stop.
struct EarlyStopping {
  Index patience = 0;              ///< values in a row without improvement that are borne; 0: without end
  double minimum_improvement = 0;  ///< what counts as one: a fall by more than this
  double best = std::numeric_limits<double>::infinity();
  Index waited = 0;  ///< values since the best

  /// Whether `metric` is the best so far; NaN never is.
  bool improves(double metric) {
    if (metric < best - minimum_improvement) {
      best = metric;
      waited = 0;
      return true;
    }
    ++waited;
    return false;
  }
  bool exhausted() const { return patience > 0 && waited >= patience; }
};

}  // namespace moesaic
