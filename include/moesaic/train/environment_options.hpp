// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <moesaic/core/shape.hpp>

namespace moesaic {

/// Which environments' contexts the field is expanded about (neural context flows, section 3.1).
enum class Pool {
  nearest,         ///< NF: the nearest, the environment itself among them
  nearest_others,  ///< NF*: the nearest without itself
  random,          ///< RA
  smallest,        ///< SF: those with the smallest contexts
};

/// Which environments contribute to a gradient step, where not all do.
enum class Draw {
  uniform,     ///< any, every one as likely as another: a step sees every family
  neighbours,  ///< a random one and those nearest to it in context (MixER, its code): a step sees about one family
};

/// How losses of environments are added.
enum class Reweighting {
  none,     ///< mean
  softmax,  ///< `sum_e softmax(l)_e l_e`, with the gradient through the softmax: hard environments weigh more (MixER, its code)
};

/// Options of `EnvironmentTraining`.
struct EnvironmentOptions {
  Index contributors = 0;  ///< environments of a gradient step; 0: all
  Draw draw = Draw::uniform;
  /// Contexts that every environment is expanded about; without effect at Taylor order 0. With `Pool::nearest` the first of them is the
  /// environment itself, where there is nothing to expand: 2 or more do something.
  Index pool_size = 1;
  Pool pool = Pool::nearest;
  Reweighting reweighting = Reweighting::none;
  Index part_size = 8;     ///< environments that a thread solves together
  std::uint64_t seed = 0;
};

}  // namespace moesaic
