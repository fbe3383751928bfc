// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/core/parameters.hpp>
#include <moesaic/ops/ops.hpp>

namespace moesaic::flow {

/// `z = f(x)` and `log |det df/dx|` per sample, `[N]`; absent where it is zero.
template <class X>
struct Image {
  X z, log_det;
  X seen = {};  ///< what `inverse` gives back, where that is not x itself
};

/// `z = x`.
struct Identity {
  static constexpr bool trivial = true;
  void layout(Layout&) const {}
  template <class X>
  Image<X> forward(Slots<X>&, const X& x) const { return {x, X{}}; }
  template <class X>
  X inverse(Slots<X>&, const X& z) const { return z; }
};

}  // namespace moesaic::flow
