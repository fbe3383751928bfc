// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <span>

#include <moesaic/expert/mlp.hpp>
#include <moesaic/ode/checkpointed.hpp>
#include <moesaic/ode/rk4.hpp>

namespace moesaic {

/// Expert: the solution of `dx/dt = field(x)` from the samples as initial states, `x [N, d] -> [N, points, d]`
/// (Chen, Rubanova, Bettencourt, Duvenaud: Neural ordinary differential equations, NeurIPS 2018).
///
/// It gives the states at the times `horizon * i / points`, i = 1 .. points: not the initial ones, which are known. `Field` has
/// `inputs()`, the size d of a state, `layout`, and `bind(Slots<X>&)`, which is called once a solve and returns a callable
/// `x [N, d] -> dx/dt [N, d]`. An adaptive solver takes the same steps for all samples of a call. `Adjoint` is `ode::Direct` or
/// `ode::Checkpointed`.
///
/// Errors: a horizon that is no positive time, fewer points than one, samples of another size; those of `ode::solve`.
template <class Field = Mlp<>, class Solver = ode::Rk4, class Adjoint = ode::Direct>
struct NeuralOde {
  static_assert(requires(const Field& f, Slots<Tensor<Cpu<float>>>& slots) { f.bind(slots); },
                "Moesaic: the Field of a NeuralOde lacks bind(Slots<X>&) const, which returns the function from x to dx/dt "
                "[docs/expert.md]");

  Field field;
  double horizon = 1;  ///< the last time, in units of the field's; the initial states are at 0
  Index points = 1;    ///< times, evenly spaced
  Solver solver{};
  Adjoint adjoint{};

  Index inputs() const { return field.inputs(); }

  void layout(Layout& l) const {
    require(horizon > 0 && std::isfinite(horizon), "NeuralOde: horizon is ", horizon, "; expected a positive time");
    require(points >= 1, "NeuralOde: ", points, " points; expected at least 1");
    l.add_module("field", field);
  }

  template <class X>
  X operator()(const X& parameters, const X& x) const {
    const Index d = inputs(), n = shape(x)[0];
    require(shape(x) == Shape{n, d}, "NeuralOde: samples of shape ", shape(x), "; expected [samples, ", d, "]");
    const auto count = std::size_t(points) + 1;
    auto* const times = Workspace<HostMemory>::current().template take<double>(count);
    for (std::size_t i = 0; i < count; ++i) times[i] = horizon * (double(i) / double(points));
    const auto bound = ode::parametrised(Make{field}, parameters);
    const X y = ode::solve(solver, bound, x, std::span<const double>(times, count), adjoint);
    const X by_component = transpose(reshape(slice(y, 0, 1, points), {points, n * d}));
    return transpose(reshape(by_component, {n, d, points}));
  }

 private:
  /// Makes the field of its parameters; `ode::Checkpointed` does so again on the way back.
  struct Make {
    Field field;

    template <class X>
    auto operator()(const X& parameters) const {
      Slots<X> slots(parameters);
      return [f = field.bind(slots)](double, const X& x) { return f(x); };
    }
  };
};

}  // namespace moesaic
