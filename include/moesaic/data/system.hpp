// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>
#include <vector>

#include <moesaic/data/initial_value.hpp>

namespace moesaic::data {

/// A parametric vector field dx/dt = f(t, x; c): one family of environments, which differ in `c` only.
struct System {
  std::string name;
  Index dimension = 0;
  std::vector<std::string> parameters;
  /// Reads the state `x` and the parameters `c`, writes the derivative; null where trajectories were measured, not computed.
  void (*field)(Rounded t, const Rounded* x, const Rounded* c, Rounded* dx) = nullptr;
};

/// The field of one environment. Errors: the system has none, the number of parameters is not the system's.
inline Field field_of(const System& system, std::span<const double> parameters) {
  require(system.field != nullptr, "system ", system.name, ": its vector field is not known");
  require(parameters.size() == system.parameters.size(), "system ", system.name, ": expected ", system.parameters.size(),
          " parameters, got ", parameters.size());
  const auto n = std::size_t(system.dimension);
  return [f = system.field, n, c = std::vector<Rounded>(parameters.begin(), parameters.end()), state = std::vector<Rounded>(n),
          slope = std::vector<Rounded>(n)](double t, const double* x, double* dx) mutable {
    for (std::size_t i = 0; i < n; ++i) state[i] = x[i];
    f(t, state.data(), c.data(), slope.data());
    for (std::size_t i = 0; i < n; ++i) dx[i] = slope[i].value;
  };
}

}  // namespace moesaic::data
