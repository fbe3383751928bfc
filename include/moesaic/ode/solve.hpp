// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ode/march.hpp>

namespace moesaic::ode {

/// Derivatives are taken through the steps made (discretise, then optimise); every step stays on the tape.
struct Direct {};

namespace detail {

template <class Solver>
void check_problem(const Shape& state, std::span<const double> times) {
  require(state.rank() < Shape::max_rank, Solver::name, ": a state of shape ", state, "; expected a rank of at most ",
          Shape::max_rank - 1);
  require(!times.empty(), Solver::name, ": no times; expected the initial time at least");
  for (std::size_t i = 0; i < times.size(); ++i) {
    require(std::isfinite(times[i]), Solver::name, ": time ", i, " is ", times[i]);
    require(i == 0 || times[i] > times[i - 1], Solver::name, ": time ", i, " is ", times[i], ", not after time ", i - 1, ", ",
            times[i - 1]);
  }
}

/// Calls `f` with the pace that the solver asks for.
template <class Solver, class F>
void with_pace(const Solver& solver, std::span<const double> times, const F& f) {
  if constexpr (requires { solver.control; }) {
    if (const auto* adaptive = std::get_if<Adaptive>(&solver.control)) {
      AdaptivePace pace(*adaptive, times, Solver::name, Solver::order);
      f(pace);
    } else {
      FixedPace pace(*std::get_if<Fixed>(&solver.control), times, Solver::name);
      f(pace);
    }
  } else {
    FixedPace pace({solver.substeps}, times, Solver::name);
    f(pace);
  }
}

template <class Solver, class Field, class X>
X solve_direct(const Solver& solver, const Field& field, const X& x0, std::span<const double> times) {
  check_problem<Solver>(shape(x0), times);
  if constexpr (on_host<X>) require(all_finite(primal(x0)), Solver::name, ": the initial state is not finite");
  States<X> out(shape(x0), Index(times.size()));
  const X start = out.put(0, x0);
  auto& workspace = Workspace<typename BackendOf<X>::Memory>::current();
  const auto mark = workspace.mark();
  with_pace(solver, times, [&](auto& pace) {
    Saves<X> saves{times, 1, out, 1};
    const X last = march<Solver>(field, pace, start, saves, [](const Step&) {});
    if constexpr (!on_host<X>)
      require_convergence(looks_finite(primal(last)), Solver::name, ": the state is not finite at the end, t = ", times.back());
  });
  if constexpr (!is_recorded<X>) workspace.rewind(mark);
  return out.stacked(0, Index(times.size()));
}

/// The level of a solution: the deeper one of state and field.
template <class Field, class X>
using SolutionOf = Deepest<X, decltype(std::declval<const Field&>()(0.0, std::declval<const Deepest<X>&>()))>;

}  // namespace detail

/// Solution of `dx/dt = field(t, x)`, `x(times[0]) = x0`, at all times: `[T, ...shape of x0]`, the first entry being `x0` itself.
///
/// `field` is a callable `X field(double t, const X& x)`; a state has any shape of rank 3 at most, its last axis is the state of
/// one trajectory (`[N, d]`: a batch, solved with common steps). Without a tape it takes the memory of one step whatever their
/// number. Errors: times that do not increase, a field of another shape; a state that is not finite, too many or too small steps,
/// with the time reached.
template <class Solver, class Field, ArrayLike X>
auto solve(const Solver& solver, const Field& field, const X& x0, std::span<const double> times, Direct = {}) {
  using Y = detail::SolutionOf<Field, X>;
  return detail::solve_direct(solver, field, Y(x0), times);
}

}  // namespace moesaic::ode
