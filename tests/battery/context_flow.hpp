// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/expert/context_flow.hpp>

#include "battery.hpp"

namespace battery {

/// A neural context flow with this field, expanded in its context to orders 0, 1 and 2, with respect to parameters, contexts,
/// displacements and rates.
template <class Field, class Solver = ode::Rk4, class Adjoint = ode::Direct>
void check_context_flow(const Field& field, const Solver& solver = {}, const Adjoint& adjoint = {}) {
  const Index environments = 2, trajectories = 2;
  const double times[] = {0, 0.3, 0.5};
  const auto initial = numbers({environments, trajectories, field.state}, 1, 0.5);
  const Shape contexts{environments, field.context}, rates{environments, 1, 1};
  for (int order : {0, 1, 2}) {
    const ContextFlow<Field, Solver, Adjoint> flow{.field = field, .solver = solver, .taylor = order, .adjoint = adjoint};
    const Index size = layout_of(flow).size();
    check("Taylor order " + std::to_string(order), [&]<class X>(Slots<X>& parts) {
      const X p = parts.take({size});
      Situation<X> s;
      s.context = parts.take(contexts);
      s.displacement = parts.take(contexts);
      s.initial = initial;
      s.rate = parts.take(rates);
      s.times = times;
      return flow(p, s);
    }, {parameters_of(flow), numbers(contexts, 2), numbers(contexts, 3, 0.5), numbers(rates, 4, 0.2, 1)});
  }
}

}  // namespace battery
