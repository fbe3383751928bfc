// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ode/solve.hpp>

namespace moesaic::ode {

/// The classical Runge-Kutta method of order 4 with `substeps` equal steps from one save time to the next.
///
/// Kutta: Beitrag zur naeherungsweisen Integration totaler Differentialgleichungen (Z. Math. Phys. 46, 1901).
struct Rk4 {
  Index substeps = 1;

  static constexpr const char* name = "Rk4";
  static constexpr int order = 4, stages = 4;
  static constexpr bool interpolates = false;
  static constexpr double nodes[stages] = {0, 1. / 2, 1. / 2, 1};
  static constexpr double tableau[stages][stages - 1] = {{}, {1. / 2}, {0, 1. / 2}, {0, 0, 1}};
  static constexpr double weights[stages] = {1. / 6, 1. / 3, 1. / 3, 1. / 6};
};

}  // namespace moesaic::ode
