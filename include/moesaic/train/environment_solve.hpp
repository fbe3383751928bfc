// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/shape.hpp>

namespace moesaic {

/// One solve of a step: an environment, the rows of the contexts array that it uses, and the expert that it is routed to.
struct Solve {
  Index environment;  ///< whose trajectories are the data
  Index context;      ///< row of the context at which the field is wanted
  Index pool;         ///< row of the context about which it is expanded; equal to `context` without Taylor expansion
  Index expert;
  double weight;          ///< of its loss in the total
  double slope = weight;  ///< derivative of the total with respect to its loss; another number where weights depend on losses
};

/// What becomes of a step in which a solve diverges.
enum class Divergence {
  fails,   ///< the step, with that solve's error
  scores,  ///< nothing: the solve has an infinite loss and no gradient
};

}  // namespace moesaic
