// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <variant>

#include <moesaic/core/shape.hpp>

namespace moesaic::ode {

/// `substeps` equal steps from one save time to the next.
struct Fixed {
  Index substeps = 1;
};

/// Steps as long as the tolerance allows; save times cost no steps, they are read off the dense output.
///
/// A step is accepted where `max over rows of rms(error / (absolute + relative * max(|x before|, |x after|))) <= 1`: a row is an
/// entry of all axes but the last, so that no trajectory of a batch is solved worse than asked. The next step is
/// `safety * E^(-(P + I + D) / k) * E1^((P + 2 D) / k) * E2^(-D / k)` times as long, with E, E1, E2 the latest errors and k the
/// order (proportional, integral and derivative control: Soederlind, ACM Trans. Math. Softw. 29, 2003). The defaults are those of
/// Hairer, Wanner: Solving ODEs II, IV.2.
struct Adaptive {
  double relative = 1e-3, absolute = 1e-6;
  double first_step = 0;   ///< in units of time; 0: from the field (Hairer, Norsett, Wanner: Solving ODEs I, II.4)
  Index max_steps = 4096;  ///< tried ones, in one solve
  double proportional = 0.2, integral = 0.65, derivative = 0;
  double safety = 0.9, least_factor = 0.2, largest_factor = 10;
};

/// How a solver chooses its steps.
using Control = std::variant<Adaptive, Fixed>;

/// One step of a solver; `end` is `t + h`, exactly where it is a save time.
struct Step {
  double t = 0, h = 0, end = 0;
};

}  // namespace moesaic::ode
