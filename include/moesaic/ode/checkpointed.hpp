// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <tuple>

#include <moesaic/ode/solve.hpp>

namespace moesaic::ode {

/// Derivatives as with `Direct`, in less memory: the solve is cut into segments of equal time, of which only the first state is
/// kept; the way back makes a segment's steps again (without trying: their sizes are remembered), and sweeps it before the next.
///
/// Memory falls from all steps to those of one segment, for one more evaluation of the field. See `checkpoint`.
struct Checkpointed {
  Index segments = 8;
};

/// A vector field that can be made anew: `make(inputs...)` returns a callable `X field(double t, const X& x)`.
template <class Make, class... Inputs>
struct Parametrised {
  Make make;
  std::tuple<Inputs...> inputs;
};

/// A field whose derivatives are wanted with respect to `inputs` (parameters, contexts, ...): what `Checkpointed` needs.
///
/// `make` is a trivially copyable callable over any array type; it is kept until the sweep, and so must be what it refers to.
template <class Make, ArrayLike... Inputs>
auto parametrised(const Make& make, const Inputs&... inputs) {
  return Parametrised<Make, Inputs...>{make, {inputs...}};
}

namespace detail {

/// The states at save times from a segment's start on, and the one at its end: `[saves + 1, ...]`.
template <class Solver, class Make, bool dense>
struct Segment {
  Make make;
  const TakenStep* steps;
  std::span<const double> times;  ///< save times within the segment

  template <class X, class... Inputs>
  X operator()(const X& start, const Inputs&... inputs) const {
    const auto field = make(inputs...);
    Replay<dense> pace(steps);
    States<X> out(shape(start), Index(times.size()) + 1);
    Saves<X> saves{times, 0, out};
    const X end = march<Solver>(field, pace, start, saves, [](const Step&) {});
    out.put(saves.row, end);
    return out.stacked(0, saves.row + 1);
  }
};

template <class Component>
struct StepList {
  Tape<Component>& tape;
  TakenStep *first = nullptr, *last = nullptr;
  void push(const Step& s) {
    auto* step = new (tape.allocate(sizeof(TakenStep))) TakenStep{s};
    (last ? last->next : first) = step;
    last = step;
  }
};

template <class Solver, class Make, class X, std::size_t n>
X solve_segments(const Solver& solver, const Make& make, const std::array<X, n>& x0_and_inputs, std::span<const double> all_times,
                 Index segments) {
  using Component = typename moesaic::detail::Recording<X>::Component;
  using Bare = moesaic::detail::Bare<X>;
  auto& tape = *moesaic::detail::tape_of_any(x0_and_inputs);
  const X& x0 = x0_and_inputs[0];
  const Shape state = shape(x0);
  Shape one{1};
  for (int a = 0; a < state.rank(); ++a) one.push_back(state[a]);

  auto* copied = static_cast<double*>(tape.allocate(all_times.size_bytes()));
  std::copy(all_times.begin(), all_times.end(), copied);
  const std::span<const double> times(copied, all_times.size());
  const auto bare = [](const X& x) { return moesaic::detail::Recording<X>::bare(x); };
  const auto field = std::apply([&](const X&, const auto&... inputs) { return make(bare(inputs)...); }, x0_and_inputs);

  States<Bare> room(state, Index(times.size()) - 1 + segments);
  X* parts = Workspace<HostMemory>::current().template take<X>(std::size_t(segments) + 1);
  std::size_t count = 0;
  parts[count++] = reshape(x0, one);
  with_pace(solver, times, [&](auto& pace) {
    constexpr bool dense = std::remove_cvref_t<decltype(pace)>::dense;
    Saves<Bare> saves{times, 1, room};
    auto segment_inputs = x0_and_inputs;
    for (Index s = 1; s <= segments && !pace.finished(); ++s) {
      if (s < segments)
        pace.until = times.front() + (times.back() - times.front()) * double(s) / double(segments);
      else
        pace.until = std::numeric_limits<double>::infinity();
      if (pace.time() >= pace.until) continue;  // the last step went past the whole segment
      const std::size_t first = saves.next;
      const Index row = saves.row;
      StepList<Component> list{tape};
      {
        const Scratch<typename BackendOf<X>::Memory> scratch;
        const Bare end = march<Solver>(field, pace, bare(segment_inputs[0]), saves, [&](const Step& step) { list.push(step); });
        room.put(saves.row++, end);
        if constexpr (!on_host<X>)
          require_convergence(!pace.finished() || looks_finite(primal(end)), Solver::name,
                              ": the state is not finite at the end, t = ", times.back());
      }
      const std::size_t saved = saves.next - first;
      const Segment<Solver, Make, dense> segment{make, list.first, times.subspan(first, saved)};
      const X y = moesaic::detail::record_checkpoint(segment, tape, room.stacked(row, Index(saved) + 1), segment_inputs);
      if (saved) parts[count++] = slice(y, 0, 0, Index(saved));
      segment_inputs[0] = reshape(slice(y, 0, Index(saved), 1), state);
    }
  });
  return concat(std::span<const X>(parts, count), 0);
}

}  // namespace detail

/// As `solve` of `make(inputs...)`.
template <class Solver, class Make, class... Inputs, ArrayLike X>
auto solve(const Solver& solver, const Parametrised<Make, Inputs...>& p, const X& x0, std::span<const double> times,
           Direct = {}) {
  return std::apply([&](const auto&... inputs) { return solve(solver, p.make(inputs...), x0, times); }, p.inputs);
}

/// As `solve`, with the memory of one segment at a time; without a tape, or with several nested ones, the same as `Direct`.
/// Errors: fewer than one segment; those of `solve`.
template <class Solver, class Make, class... Inputs, ArrayLike X>
auto solve(const Solver& solver, const Parametrised<Make, Inputs...>& p, const X& x0, std::span<const double> times,
           Checkpointed adjoint) {
  using Y = Deepest<X, Inputs...>;
  require(adjoint.segments >= 1, Solver::name, ": Checkpointed with ", adjoint.segments, " segments; expected at least 1");
  const auto all = std::apply([&](const auto&... in) { return std::array{Y(x0), Y(in)...}; }, p.inputs);
  if constexpr (moesaic::detail::Recording<Y>::single) {
    if (moesaic::detail::tape_of_any(all)) {
      detail::check_problem<Solver>(shape(x0), times);
      require(detail::looks_finite(primal(x0)), Solver::name, ": the initial state is not finite");
      return detail::solve_segments(solver, p.make, all, times, adjoint.segments);
    }
  }
  return std::apply([&](const Y& start, const auto&... in) { return Y(solve(solver, p.make(in...), start, times)); }, all);
}

/// A field that cannot be made anew cannot be checkpointed.
template <class Solver, class Field, ArrayLike X>
auto solve(const Solver&, const Field&, const X& x0, std::span<const double>, Checkpointed) {
  static_assert(!std::is_same_v<X, X>,
                "Checkpointed makes the field again on the way back: give solve() ode::parametrised(make_field, inputs...)");
  return x0;
}

}  // namespace moesaic::ode
