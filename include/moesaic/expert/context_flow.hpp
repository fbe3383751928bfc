// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <span>
#include <type_traits>

#include <moesaic/expert/context_mlp.hpp>
#include <moesaic/ode/checkpointed.hpp>
#include <moesaic/ode/rk4.hpp>

namespace moesaic {

/// What a contextual expert is given for `E` environments of `n` trajectories each.
template <class X>
struct Situation {
  X context;                      ///< `[E, D]`, what the expert sees of the contexts
  X displacement;                 ///< `[E, D]`, from `context` to where the field is wanted; absent without Taylor expansion
  TensorOf<X> initial;            ///< `[E, n, state]`
  X rate;                         ///< `[E, 1, 1]`, factor of the field: length of a time unit, and the gate's weight if it scales
  std::span<const double> times;  ///< in those units, the first is that of `initial`
};

namespace detail {

/// What training on environments asks of a contextual expert.
template <class E>
inline constexpr bool gives_state_size = requires(const E& e) { { e.state() } -> std::convertible_to<Index>; };
template <class E, class B>
inline constexpr bool takes_situation = requires(const E& e, const Tensor<B>& parameters, const Situation<Tensor<B>>& s) {
  { e(parameters, s) } -> std::convertible_to<Tensor<B>>;
};

}  // namespace detail

/// Contextual expert: the solution of `dx/dt = F(x; context + shift)` from given initial states, `[T, E, n, state]`.
///
/// Parameters are `[P]`, or `[E, P]` where every environment has an expert of its own.
///
/// `Field` is a vector field with a context (`ThreeNetworks`, `Coda`, `Geps`); `shift` is one learnable number that the expert
/// adds to every coordinate of its context (MixER). With a displacement the field is expanded in the context to order `taylor`
/// (contextual self-modulation; neural context flows, section 3). `Adjoint` is `ode::Direct` or `ode::Checkpointed`.
template <class Field, class Solver = ode::Rk4, class Adjoint = ode::Direct>
struct ContextFlow {
  static constexpr bool contextual = true;

  Field field;
  Solver solver{};
  int taylor = 0;
  Adjoint adjoint{};

  Index context() const { return field.context; }
  Index state() const { return field.state; }

  void layout(Layout& l) const {
    require(taylor >= 0 && taylor <= 2, "ContextFlow: Taylor order ", taylor, "; expected 0, 1 or 2");
    l.add("shift", {1}, init::constant(0));
    l.add_module("field", field);
  }

  template <class X>
  X operator()(const X& parameters, const Situation<X>& s) const {
    if (!present(s.displacement) || taylor == 0) return solve<0>(s, parameters, s.rate, s.context);
    if (taylor == 1) return solve<1>(s, parameters, s.rate, s.context, s.displacement);
    return solve<2>(s, parameters, s.rate, s.context, s.displacement);
  }

 private:
  /// Makes the field, expanded to this order, of what it has derivatives for; `ode::Checkpointed` does so again on the way back.
  template <int order>
  struct Make {
    Field field;
    Index trajectories;

    template <class X, class... Displacement>
    auto operator()(const X& parameters, const X& rate, const X& context, const Displacement&... displacement) const {
      const auto at = expansion<order>(context, displacement...);
      using D = std::remove_const_t<decltype(at)>;
      Slots<D> slots{D(parameters)};
      const D shift = slots.take({1});
      const D context_rows = reshape(at, {shape(at)[0], 1, field.context}) + shift;
      return [f = field.bind(slots, context_rows, trajectories), rate](double t, const X& x) {
        return taylor_sum<X>(f(t, D(x))) * rate;
      };
    }
  };
  template <int order, class X, class... Inputs>
  X solve(const Situation<X>& s, const Inputs&... inputs) const {
    const Make<order> make{field, s.initial.shape()[1]};
    return ode::solve(solver, ode::parametrised(make, inputs...), X(s.initial), s.times, adjoint);
  }

  template <int order, class X, class... Displacement>
  static auto expansion(const X& context, const Displacement&... displacement) {
    using D = Dual<X>;
    if constexpr (order == 0)
      return context;
    else if constexpr (order == 1)
      return D(context, displacement...);
    else
      return Dual<D>(D(context, displacement...), D(displacement...));
  }
  /// `f + f' + f''/2` along the displacement.
  template <class X>
  static X taylor_sum(const X& y) { return y; }
  template <class X>
  static X taylor_sum(const Dual<X>& y) { return sum_present(y.value, y.tangent); }
  template <class X>
  static X taylor_sum(const Dual<Dual<X>>& y) {
    const X first = sum_present(y.value.value, y.value.tangent);
    return present(y.tangent.tangent) ? first + 0.5 * y.tangent.tangent : first;
  }
};

}  // namespace moesaic
