// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <type_traits>

#include <moesaic/train/optimiser_state.hpp>

namespace moesaic {

/// Any optimiser on backend `B`: the built-in ones, or your own with `moments()` and `step(...)` (see `update`).
///
/// Which one it is may be chosen at run time: it is asked once per step.
template <class B>
class UpdateRule {
 public:
  template <class Optimiser>
  requires(!std::is_same_v<std::remove_cvref_t<Optimiser>, UpdateRule>) UpdateRule(const Optimiser& optimiser) {
    constexpr bool has_moments = requires { int(optimiser.moments()); };
    constexpr bool has_step = requires(OptimiserState<B> & s, const Tensor<B>& t) { optimiser.step(s, t, t, 1.0); };
    static_assert(has_moments,
                  "Moesaic: an optimiser lacks moments(), the number of arrays that it remembers [docs/training.md]");
    static_assert(has_step, "Moesaic: an optimiser lacks step(state, parameters, gradient, rate) [docs/training.md]");
    if constexpr (has_moments && has_step) {
      start_ = [optimiser](const Tensor<B>& p) { return moesaic::initial_state(optimiser, p); };
      update_ = [optimiser](OptimiserState<B>& s, const Tensor<B>& p, const Tensor<B>& g, double rate) {
        moesaic::update(optimiser, s, p, g, rate);
      };
    }
  }

  UpdateRule(const UpdateRule&) = default;
  UpdateRule& operator=(const UpdateRule&) = default;
  ~UpdateRule() noexcept = default;  // written out: g++ 12 crashes on a member with an initialiser whose destructor is implicit

  OptimiserState<B> initial_state(const Tensor<B>& parameters) const { return start_(parameters); }
  void update(OptimiserState<B>& state, const Tensor<B>& parameters, const Tensor<B>& gradient, double rate) const {
    update_(state, parameters, gradient, rate);
  }

 private:
  std::function<OptimiserState<B>(const Tensor<B>&)> start_;
  std::function<void(OptimiserState<B>&, const Tensor<B>&, const Tensor<B>&, double)> update_;
};

}  // namespace moesaic
