// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/flow/identity.hpp>
#include <moesaic/ops/normalise.hpp>

namespace moesaic::flow {

/// Windows of several series, `x [N, look_back * variates]`, time slowest, without the level and the scale of each series, for the gate
/// alone: it routes by shapes, which come again where levels do not. The experts see the windows as they are.
struct InstanceNorm {
  static constexpr bool trivial = true;
  Index look_back = 1, variates = 1;

  Index inputs() const { return look_back * variates; }
  Index latents() const { return inputs(); }

  void layout(Layout&) const {}
  template <class X>
  Image<X> forward(Slots<X>&, const X& x) const {
    const X z = standardise_windows(x, variates);
    return {z, X{}, z};
  }
  template <class X>
  X inverse(Slots<X>&, const X& z) const { return z; }
};

}  // namespace moesaic::flow
