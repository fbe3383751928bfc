// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/parameters.hpp>

namespace moesaic {

/// A bank of `count` experts of one kind, each with its own parameters.
template <class Expert>
struct Experts {
  Expert prototype;
  Index count = 1;
  bool same_start = false;  ///< whether all start from the same random parameters (MixER)
  /// Of contextual experts: whether each has a part of the context for itself, as MixER on dynamical systems, or all see all of it, as
  /// MixER on series.
  bool split_context = true;
};

/// `experts<10>(Mlp{...})`
template <Index count, class Expert>
Experts<Expert> experts(const Expert& prototype) {
  static_assert(count >= 1, "Moesaic: a mixture needs at least one expert");
  return {prototype, count};
}
template <class Expert>
Experts<Expert> experts(Index count, const Expert& prototype) {
  require(count >= 1, "experts: ", count, " experts; expected at least 1");
  return {prototype, count};
}

}  // namespace moesaic
