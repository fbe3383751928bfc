// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/data/dop853.hpp>
#include <moesaic/data/rk45.hpp>

namespace moesaic::data {

/// How trajectories are computed: as the published ones were (their error is part of the data), or to about 1e-12.
enum class Solver { rk45, exact };

/// States at `problem.times`, [time, state], into `out`.
inline void solve(Solver solver, const Field& field, const InitialValue& problem, double* out) {
  solver == Solver::rk45 ? Rk45{}.solve(field, problem, out) : Dop853{}.solve(field, problem, out);
}

}  // namespace moesaic::data
