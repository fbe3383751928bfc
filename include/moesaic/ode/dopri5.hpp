// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ode/solve.hpp>

namespace moesaic::ode {

/// Dormand and Prince's pair of order 5(4): six evaluations a step, the seventh stage is the first of the next.
///
/// Dormand, Prince: A family of embedded Runge-Kutta formulae (J. Comput. Appl. Math. 6, 1980); interpolant of order 4 by
/// Shampine: Some practical Runge-Kutta formulas (Math. Comput. 46, 1986).
struct Dopri5 {
  Control control = Adaptive{};

  static constexpr const char* name = "Dopri5";
  static constexpr int order = 5, stages = 6;
  static constexpr bool interpolates = true;
  static constexpr double nodes[stages] = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1};
  static constexpr double tableau[stages][stages - 1] = {
      {},
      {1. / 5},
      {3. / 40, 9. / 40},
      {44. / 45, -56. / 15, 32. / 9},
      {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
      {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
  };
  static constexpr double weights[stages] = {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84};
  /// Order 5 minus order 4; the last stage is the field at the new state.
  static constexpr double error_weights[stages + 1] = {71. / 57600,      0,         -71. / 16695, 71. / 1920,
                                                       -17253. / 339200, 22. / 525, -1. / 40};
  /// Row s: coefficients of theta .. theta^4 in the weight of stage s at `t + theta h`.
  static constexpr double dense[stages + 1][4] = {
      {1, -8048581381. / 2820520608, 8663915743. / 2820520608, -12715105075. / 11282082432},
      {},
      {0, 131558114200. / 32700410799, -68118460800. / 10900136933, 87487479700. / 32700410799},
      {0, -1754552775. / 470086768, 14199869525. / 1410260304, -10690763975. / 1880347072},
      {0, 127303824393. / 49829197408, -318862633887. / 49829197408, 701980252875. / 199316789632},
      {0, -282668133. / 205662961, 2019193451. / 616988883, -1453857185. / 822651844},
      {0, 40617522. / 29380423, -110615467. / 29380423, 69997945. / 29380423},
  };
  static constexpr auto dense_weights(double theta) { return detail::at(dense, theta); }
};

}  // namespace moesaic::ode
