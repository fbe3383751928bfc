// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include <moesaic/ops/ops.hpp>

namespace bench {

using namespace moesaic;

/// Classical Runge-Kutta: the states after each of `steps` steps of length `h` from `x`, `[steps, ...]`.
template <int steps, class F, class X>
X rk4(const F& f, X x, double h) {
  const auto moved = [](const X& from, double step, const X& slope) {
    const double c[] = {1, step};
    const X both[] = {from, slope};
    return combine(std::span<const double>(c), std::span<const X>(both));
  };
  std::array<X, steps> states;
  for (int i = 0; i < steps; ++i) {
    const X k1 = f(x), k2 = f(moved(x, h / 2, k1)), k3 = f(moved(x, h / 2, k2)), k4 = f(moved(x, h, k3));
    const double c[] = {1, h / 6, h / 3, h / 3, h / 6};
    const X terms[] = {x, k1, k2, k3, k4};
    x = combine(std::span<const double>(c), std::span<const X>(terms));
    states[std::size_t(i)] = x;
  }
  return stack(std::span<const X>(states));
}

/// `dx/dt = net([x; context])`: the context's half of the first layer is computed once and not at every evaluation.
template <class X>
struct ContextField {
  BoundMlp<X, activation::Swish> net;
  X state_weight, from_context;

  X operator()(const X& x) const { return net.after(0, linear(x, state_weight, from_context)); }
};

}  // namespace bench
