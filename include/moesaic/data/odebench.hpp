// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <vector>

#include <moesaic/data/system.hpp>

namespace moesaic::data {

/// A two-dimensional member of ODEBench (d'Ascoli et al., ICLR 2024) with what a data set draws its environments from.
struct OdebenchFamily {
  System system;
  std::vector<double> reference;               ///< parameters
  std::array<std::array<double, 2>, 2> start;  ///< two initial states, between which others are drawn
  double horizon;                              ///< time
};

/// Which of two published tables the ten families follow: table 6 of the MixER paper, or the definitions that the stored
/// ODEBench-10B set was made with (shorter horizons; family 34 with c0 = -2.1 and other initial states).
enum class Table { paper, file };

/// Family `id`, one of 24, 25, 28, 32, 34, 35, 37, 38, 39, 40, without numbers. Errors: no such family.
inline System odebench_system(int id) {
  using R = Rounded;
  switch (id) {
    case 24:
      return {"24 harmonic oscillator", 2, {"c0"}, [](R, const R* x, const R* c, R* dx) {
                dx[0] = x[1];
                dx[1] = -c[0] * x[0];
              }};
    case 25:
      return {"25 damped harmonic oscillator", 2, {"c0", "c1"}, [](R, const R* x, const R* c, R* dx) {
                dx[0] = x[1];
                dx[1] = -c[0] * x[0] - c[1] * x[1];
              }};
    case 28:
      return {"28 pendulum", 2, {"c0"}, [](R, const R* x, const R* c, R* dx) {
                dx[0] = x[1];
                dx[1] = -c[0] * sin(x[0]);
              }};
    case 32:
      return {"32 damped double well", 2, {"c0"}, [](R, const R* x, const R* c, R* dx) {
                dx[0] = x[1];
                dx[1] = -c[0] * x[1] - pow(x[0], 3) + x[0];
              }};
    case 34:
      return {"34 bead on a rotating hoop", 2, {"c0"}, [](R, const R* x, const R* c, R* dx) {
                dx[0] = x[1];
                dx[1] = (-c[0] + cos(x[0])) * sin(x[0]);
              }};
    case 35:
      return {"35 rotation in a shear flow", 2, {"c0"}, [](R, const R* x, const R* c, R* dx) {
                dx[0] = cos(x[0]) / tan(x[1]);
                dx[1] = sin(x[0]) * (c[0] * (sin(x[1]) * sin(x[1])) + cos(x[1]) * cos(x[1]));
              }};
    case 37:
      return {"37 van der Pol oscillator", 2, {"c0"}, [](R, const R* x, const R* c, R* dx) {
                dx[0] = x[1];
                dx[1] = -c[0] * x[1] * (x[0] * x[0] - 1) - x[0];
              }};
    case 38:
      return {"38 van der Pol oscillator, Lienard form", 2, {"c0"}, [](R, const R* x, const R* c, R* dx) {
                dx[0] = c[0] * (-pow(x[0], 3) / 3 + x[0] + x[1]);
                dx[1] = -x[0] / c[0];
              }};
    case 39:
      return {"39 glycolytic oscillator", 2, {"c0", "c1"}, [](R, const R* x, const R* c, R* dx) {
                dx[0] = c[0] * x[1] + x[0] * x[0] * x[1] - x[0];
                dx[1] = -c[0] * x[0] + c[1] - x[0] * x[0] * x[1];
              }};
    case 40:
      return {"40 Duffing equation", 2, {"c0"}, [](R, const R* x, const R* c, R* dx) {
                dx[0] = x[1];
                dx[1] = c[0] * x[1] * (1 - x[0] * x[0]) - x[0];
              }};
    default:
      fail("ODEBench family ", id, ": expected one of 24, 25, 28, 32, 34, 35, 37, 38, 39, 40");
  }
}

/// The ten families of ODEBench-10A and 10B.
inline std::vector<OdebenchFamily> odebench_ten(Table table) {
  const bool paper = table == Table::paper;
  const auto t = [paper](double in_paper, double in_file) { return paper ? in_paper : in_file; };
  using Start = std::array<std::array<double, 2>, 2>;
  return {{odebench_system(24), {2.1}, {{{0.4, -0.03}, {0, 0.2}}}, t(10, 6)},
          {odebench_system(25), {4.5, 0.43}, {{{0.12, 0.043}, {0, -0.3}}}, t(8, 4)},
          {odebench_system(28), {0.9}, {{{-1.9, 0}, {0.3, 0.8}}}, t(15, 6)},
          {odebench_system(32), {0.18}, {{{-1.8, -1.8}, {-2.8, 1}}}, t(5, 4)},
          {odebench_system(34), {t(0.93, -2.1)}, paper ? Start{{{2.1, 0}, {-1.2, -0.2}}} : Start{{{1.8, 0}, {1, 0.4}}}, t(20, 8)},
          {odebench_system(35), {4.2}, {{{1.13, -0.3}, {0.7, -1.7}}}, t(5, 4)},
          {odebench_system(37), {0.43}, {{{2.2, 0}, {0.1, 3.2}}}, t(15, 10)},
          {odebench_system(38), {3.37}, {{{0.7, 0}, {-1.1, -0.7}}}, t(15, 8)},
          {odebench_system(39), {2.4, 0.07}, {{{0.4, 0.31}, {0.2, -0.7}}}, t(4, 3)},
          {odebench_system(40), {0.886}, {{{0.63, -0.03}, {0.2, 0.2}}}, t(10, 8)}};
}

/// The two families of ODEBench-2.
inline std::vector<OdebenchFamily> odebench_two() {
  return {{odebench_system(25), {4.5, 0.4}, {{{0.1, 0.1}, {0, -0.3}}}, 5},
          {odebench_system(35), {6}, {{{1.1, -0.3}, {0.7, -1.7}}}, 5}};
}

/// The four families whose trajectories the MixER repository stores, in its order.
inline std::vector<OdebenchFamily> odebench_four() {
  return {{odebench_system(24), {2.1}, {{{0.5, 0.5}, {0.75, 0.75}}}, 6},
          {odebench_system(35), {2}, {{{0.3, -0.3}, {0.5, -0.5}}}, 6},
          {odebench_system(32), {0.1}, {{{-0.5, -0.5}, {-0.7, -0.7}}}, 8},
          {odebench_system(40), {0.886}, {{{0.4, 0}, {0.3, 0.1}}}, 8}};
}

}  // namespace moesaic::data
