// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/loss/compose.hpp>

namespace moesaic::loss {

/// Mean squared difference of a sample from what the flow's `inverse` makes of its image: 0 for a bijection, what an encoder and
/// decoder lose.
struct Reconstruction : Term {
  static constexpr std::string_view name = "reconstruction";
  using reads = Supplies<quantity::Reconstruction>;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    return o.per_sample(map(functor::SquaredDifference{}, o.reconstruction, o.input));
  }
};

inline constexpr Reconstruction reconstruction{};

}  // namespace moesaic::loss
