// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <type_traits>

#include <moesaic/core/random.hpp>
#include <moesaic/core/tensor.hpp>
#include <moesaic/train/losses.hpp>
#include <moesaic/train/readings.hpp>

namespace moesaic {

/// Where a run stands: all counts from 0.
struct Step {
  std::size_t player = 0;  ///< whose turn it is
  Index inner = 0;         ///< step of the player's turn
  Index outer = 0;         ///< iteration: one turn of every player
  Index count = 0;         ///< steps of all players so far
  Random random{};         ///< this step's own stream: to draw from it leaves no state behind

  /// A problem that only asks for the player may take its index instead of a step.
  constexpr operator std::size_t() const { return player; }
};

/// What `fit` trains. A problem offers
///
///     using Backend = Cpu<float>;
///     Losses evaluate(const Step& step, const Tensor<Backend>& gradient);
///
/// where `evaluate` writes the gradient of the total (the first of the losses) with respect to the parameters of `step.player`,
/// at the numbers that the players refer to. It may offer
///
///     void after_step(const Step& step);   // after the parameters of step.player changed: refit a gate, project, ...
///     double validate();                   // a metric that should fall; the parameters with the lowest one are kept
///     bool validates() const;              // whether this one has such a metric, where that depends on what it was given
///     template <class Archive> void state(Archive& archive);   // archive("name", member) for all that a checkpoint must keep
///
/// and for a backend that can record what it does (`Recordable`), so that a step is launched at once
///
///     Readings<Backend> set_off(const Step& step, const Tensor<Backend>& gradient);   // as evaluate, and no number comes back
///     bool sets_off() const;   // whether that is how it takes its steps; those of a player are all the same work
///     void prepare(const Step& step);   // may be absent: what differs from step to step, before each one
template <class Problem>
struct ProblemContract {
  template <class P>
  static constexpr bool has_backend = requires {
    typename P::Backend::Scalar;
  };
  static_assert(has_backend<Problem>, "Moesaic: the problem given to fit lacks `using Backend = ...` [docs/training.md]");

  template <class P>
  static constexpr auto backend() {
    if constexpr (has_backend<P>)
      return std::type_identity<typename P::Backend>{};
    else
      return std::type_identity<void>{};
  }
  using Backend = typename decltype(backend<Problem>())::type;

  template <class P, class T>
  static constexpr bool can_evaluate = requires(P& p, const Step& s, const Tensor<T>& g) {
    Losses(p.evaluate(s, g));
  };
  template <class P>
  static constexpr bool has_after_step = requires(P& p, const Step& s) {
    p.after_step(s);
  };
  template <class P>
  static constexpr bool has_validate = requires(P& p) {
    double(p.validate());
  };
  template <class P>
  static constexpr bool has_validates = requires(const P& p) {
    bool(p.validates());
  };
  template <class P, class T>
  static constexpr bool can_set_off = requires(P& p, const P& c, const Step& s, const Tensor<T>& g) {
    Readings<T>(p.set_off(s, g));
    bool(c.sets_off());
  };
  template <class P>
  static constexpr bool has_prepare = requires(P& p, const Step& s) {
    p.prepare(s);
  };
  // A member of the right name with other arguments would otherwise be passed over in silence.
  template <class P>
  static constexpr bool names_after_step = requires {
    &P::after_step;
  };
  template <class P>
  static constexpr bool names_validate = requires {
    &P::validate;
  };
  template <class P>
  static constexpr bool names_validates = requires {
    &P::validates;
  };
  template <class P>
  static constexpr bool names_prepare = requires {
    &P::prepare;
  };
  template <class P>
  static constexpr bool names_set_off = requires {
    &P::set_off;
  };

  static constexpr bool check() {
    if constexpr (has_backend<Problem>)
      static_assert(can_evaluate<Problem, Backend>,
                    "Moesaic: the problem given to fit lacks evaluate(step, gradient) -> Losses [docs/training.md]");
    if constexpr (has_backend<Problem>)
      static_assert(can_set_off<Problem, Backend> || !names_set_off<Problem>,
                    "Moesaic: set_off of the problem given to fit is not `Readings<Backend> set_off(step, gradient)` beside a "
                    "`bool sets_off() const` [docs/training.md]");
    static_assert(has_prepare<Problem> || !names_prepare<Problem>,
                  "Moesaic: prepare of the problem given to fit does not take (step) [docs/training.md]");
    static_assert(has_after_step<Problem> || !names_after_step<Problem>,
                  "Moesaic: after_step of the problem given to fit does not take (step) [docs/training.md]");
    static_assert(has_validate<Problem> || !names_validate<Problem>,
                  "Moesaic: validate of the problem given to fit does not take () and return a number [docs/training.md]");
    static_assert(has_validates<Problem> ? has_validate<Problem> : !names_validates<Problem>,
                  "Moesaic: validates of the problem given to fit is not `bool validates() const` beside a validate "
                  "[docs/training.md]");
    return true;
  }
};

}  // namespace moesaic
