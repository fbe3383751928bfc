// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>

#include <moesaic/core/tensor.hpp>

namespace moesaic {

/// What an optimiser remembers between updates: running moments of the gradient, each of the parameters' size.
template <class B>
struct OptimiserState {
  static constexpr int most_moments = 3;
  std::array<Array<B>, most_moments> moment;  ///< zero at the start; those that the optimiser does not use are absent
  std::int64_t count = 0;                     ///< updates so far
};

/// Zero moments for `optimiser` on parameters `p`.
template <class B, class Optimiser>
OptimiserState<B> initial_state(const Optimiser& optimiser, const Tensor<B>& p) {
  OptimiserState<B> state;
  const int wanted = optimiser.moments();
  require(wanted >= 0 && wanted <= OptimiserState<B>::most_moments, "optimiser: asks for ", wanted, " moments; expected 0 to ",
          OptimiserState<B>::most_moments);
  for (int i = 0; i < wanted; ++i) state.moment[std::size_t(i)] = Array<B>(p.shape());
  return state;
}

/// One update of `parameters` in place with learning rate `rate`; allocates nothing.
///
/// An optimiser offers `int moments() const` and `void step(state, parameters, gradient, rate) const`, where `state.count`
/// already counts this update. Errors: a shape differs from the parameters'.
template <class B, class Optimiser>
void update(const Optimiser& optimiser, OptimiserState<B>& state, const Tensor<B>& parameters, const Tensor<B>& gradient,
            double rate) {
  require(gradient.shape() == parameters.shape(), "optimiser: the parameters have shape ", parameters.shape(),
          ", the gradient has shape ", gradient.shape());
  for (int i = 0; i < optimiser.moments(); ++i) {
    const auto& m = state.moment[std::size_t(i)];
    require(bool(m) && m.shape() == parameters.shape(), "optimiser: the parameters have shape ", parameters.shape(), ", moment ",
            i, " of the state has shape ", m.shape());
  }
  ++state.count;
  optimiser.step(state, parameters, gradient, rate);
}

}  // namespace moesaic
