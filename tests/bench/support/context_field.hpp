// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include <moesaic/expert/mlp.hpp>
#include <moesaic/ode/rk4.hpp>

namespace bench {

using namespace moesaic;

/// `dx/dt = net([x; context of x's environment])`: the contexts' half of the first layer is computed once for all evaluations.
template <class X>
class ContextField {
 public:
  ContextField(const BoundMlp<X, activation::Swish>& net, const X& contexts, Index state,
               std::span<const std::int32_t> environment_of_row)
      : net_(net) {
    const auto& first = net.layer[0];
    state_weight_ = slice(first.weight, 0, 0, state);
    from_context_ = gather(linear(contexts, slice(first.weight, 0, state, shape(contexts).back()), first.bias), environment_of_row);
  }

  X operator()(double, const X& x) const { return net_.after(0, linear(x, state_weight_, from_context_)); }

 private:
  BoundMlp<X, activation::Swish> net_;
  X state_weight_, from_context_;
};

/// 0, h ... steps * h.
template <int steps>
const std::array<double, steps + 1>& save_times(double h) {
  static const auto times = [h] {
    std::array<double, steps + 1> t;
    for (int i = 0; i <= steps; ++i) t[std::size_t(i)] = h * i;
    return t;
  }();
  return times;
}

}  // namespace bench
