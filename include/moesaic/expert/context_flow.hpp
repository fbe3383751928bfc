// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <span>

#include <moesaic/expert/context_mlp.hpp>
#include <moesaic/ode/rk4.hpp>

namespace moesaic {

/// What a contextual expert is given for `E` environments of `n` trajectories each.
template <class X>
struct Situation {
  X context;                      ///< `[E, D]`, the expert's own part of the contexts
  X displacement;                 ///< `[E, D]`, from `context` to where the field is wanted; absent without Taylor expansion
  TensorOf<X> initial;            ///< `[E, n, state]`
  X rate;                         ///< `[E, 1, 1]`, factor of the field: length of a time unit, and the gate's weight if it scales
  std::span<const double> times;  ///< in those units, the first is that of `initial`
};

/// Contextual expert: the solution of `dx/dt = F(x; context + shift)` from given initial states, `[T, E, n, state]`.
///
/// Parameters are `[P]`, or `[E, P]` where every environment has an expert of its own.
///
/// `Field` is a vector field with a context (`ThreeNetworks`, `Coda`, `Geps`); `shift` is one learnable number that the expert adds
/// to every coordinate of its context (MixER). With a displacement the field is expanded in the context to order `taylor`
/// (contextual self-modulation; neural context flows, section 3).
template <class Field, class Solver = ode::Rk4>
struct ContextFlow {
  static constexpr bool contextual = true;

  Field field;
  Solver solver{};
  int taylor = 0;

  Index context() const { return field.context; }
  Index state() const { return field.state; }

  void layout(Layout& l) const {
    require(taylor >= 0 && taylor <= 2, "ContextFlow: Taylor order ", taylor, "; expected 0, 1 or 2");
    l.add("shift", {1}, init::constant(0));
    l.add_module("field", field);
  }

  template <class X>
  X operator()(const X& parameters, const Situation<X>& s) const {
    if (!present(s.displacement) || taylor == 0) {
      const auto f = bind(parameters, s.context, s.initial.shape()[1]);
      return solve<X>(s, [&](double t, const X& x) { return f(t, x); });
    }
    if (taylor == 1) return expanded<Dual<X>>(parameters, Dual<X>(s.context, s.displacement), s);
    using D = Dual<X>;
    return expanded<Dual<D>>(parameters, Dual<D>(D(s.context, s.displacement), D(s.displacement)), s);
  }

 private:
  template <class X>
  auto bind(const X& parameters, const X& context_rows, Index n) const {
    Slots<X> slots(parameters);
    const X shift = slots.take({1});
    return field.bind(slots, reshape(context_rows, {shape(context_rows)[0], 1, context()}) + shift, n);
  }
  template <class X, class F>
  X solve(const Situation<X>& s, const F& f) const {
    return ode::solve(solver, [&](double t, const X& x) { return f(t, x) * s.rate; }, X(s.initial), s.times);
  }
  template <class D, class X>
  X expanded(const X& parameters, const D& context_rows, const Situation<X>& s) const {
    const auto f = bind(D(parameters), context_rows, s.initial.shape()[1]);
    return solve<X>(s, [&](double t, const X& x) { return taylor_sum<X>(f(t, D(x))); });
  }
  /// `f + f' + f''/2` along the displacement.
  template <class X>
  static X taylor_sum(const Dual<X>& y) { return sum_present(y.value, y.tangent); }
  template <class X>
  static X taylor_sum(const Dual<Dual<X>>& y) {
    const X first = sum_present(y.value.value, y.value.tangent);
    return present(y.tangent.tangent) ? first + 0.5 * y.tangent.tangent : first;
  }
};

}  // namespace moesaic
