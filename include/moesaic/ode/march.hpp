// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <span>

#include <moesaic/ode/error_norm.hpp>
#include <moesaic/ode/pace.hpp>
#include <moesaic/ode/states.hpp>
#include <moesaic/ode/trial.hpp>

namespace moesaic::ode::detail {

/// Polynomials without constant term, row by row: `sum_p row[p] * theta^(p + 1)`.
template <std::size_t rows, std::size_t terms>
constexpr std::array<double, rows> at(const double (&row)[rows][terms], double theta) {
  std::array<double, rows> value{};
  for (std::size_t s = 0; s < rows; ++s)
    for (std::size_t p = terms; p-- > 0;) value[s] = (value[s] + row[s][p]) * theta;
  return value;
}

/// A sum of slopes of one step, made in one pass; terms of weight zero cost nothing.
template <class Solver, class X>
class SlopeSum {
 public:
  void add(double weight, const X& x) {
    if (weight == 0) return;
    weight_[count_] = weight;
    term_[count_++] = x;
  }
  X value() const { return combine(std::span<const double>(weight_.data(), count_), std::span<const X>(term_.data(), count_)); }

 private:
  static constexpr std::size_t most = std::size_t(Solver::stages) + 2;  // state, stages, slope at the step's end
  std::array<double, most> weight_;
  std::array<X, most> term_;
  std::size_t count_ = 0;
};

/// `x + h * sum_i weight[i] * k[i]`.
template <class Solver, class X>
X weighted(const X& x, double h, const double* weight, const X* k, int count) {
  SlopeSum<Solver, X> sum;
  sum.add(1, x);
  for (int i = 0; i < count; ++i) sum.add(h * weight[i], k[i]);
  return sum.value();
}

/// `field(t, x)`.
template <class Solver, class Field, class X>
X slope(const Field& field, double t, const X& x) {
  static_assert(std::is_convertible_v<decltype(field(t, x)), X>,
                "ode::solve: the field returns another level than that of its state; with Checkpointed, what is on a tape must "
                "be among the inputs of ode::parametrised");
  const X k = field(t, x);
  require(shape(k) == shape(x), Solver::name, ": the field returns shape ", shape(k), " at a state of shape ", shape(x));
  return k;
}

/// Where states at the save times go.
template <class X>
struct Saves {
  std::span<const double> times;
  std::size_t next;  ///< of `times`
  States<X>& out;
  Index row = 0;     ///< of `out`

  /// Whether a time lies in the step; those within it are read off the solver's dense output.
  template <class Solver>
  bool collect(const Step& s, const X& x, const X& after, const X* k) {
    const std::size_t first = next;
    for (; next < times.size() && times[next] <= s.end; ++next) {
      if constexpr (Solver::interpolates) {
        if (times[next] < s.end) {
          const auto weight = Solver::dense_weights((times[next] - s.t) / s.h);
          out.put(row++, weighted<Solver>(x, s.h, weight.data(), k, int(weight.size())));
          continue;
        }
      }
      out.put(row++, after);
    }
    return next != first;
  }
};

/// First step of a method of this order, given the field at the start (Hairer, Norsett, Wanner: Solving ODEs I, II.4).
template <class Solver, class Field, class X>
double first_step(const Field& field, const AdaptivePace& pace, const X& x, const X& k, Trial<X>& trial) {
  const auto norm = [&](const TensorOf<X>& v) {
    return error_norm(v, primal(x), primal(x), pace.control.relative, pace.control.absolute);
  };
  const double d0 = norm(primal(x)), d1 = norm(primal(k));
  const double h0 = std::min(d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1, pace.remaining());
  trial.begin(x, k);
  const double one = 1;
  const X moved = weighted<Solver>(x, h0, &one, &k, 1), other = slope<Solver>(field, pace.time() + h0, moved);
  const double d2 = norm(primal(other) - primal(k)) / h0;
  trial.undo(std::span<const X>(&other, 1));
  if (!std::isfinite(d2)) return h0;
  const double h1 =
      d1 <= 1e-15 && d2 <= 1e-15 ? std::max(1e-6, h0 * 1e-3) : std::pow(0.01 / std::max(d1, d2), 1.0 / Solver::order);
  return std::min({100 * h0, h1, pace.remaining()});
}

/// Norm of the estimated error of a step, from values alone: the choice of steps is never differentiated.
template <class Solver, class X>
double step_error(const Adaptive& control, double h, const X& x, const X& after, const X* k) {
  const Scratch<typename BackendOf<X>::Memory> scratch;
  SlopeSum<Solver, TensorOf<X>> error;
  for (std::size_t i = 0; i < std::size(Solver::error_weights); ++i) error.add(h * Solver::error_weights[i], primal(k[i]));
  return error_norm(error.value(), primal(x), primal(after), control.relative, control.absolute);
}

/// Makes the steps of a pace from state `x`, calls `on_step` for each one taken, and returns the state reached.
template <class Solver, class Field, class Pace, class X, class OnStep>
X march(const Field& field, Pace& pace, X x, Saves<X>& saves, const OnStep& on_step) {
  constexpr bool drops = !is_recorded<X>, watched = !std::is_same_v<Pace, Replay<Pace::dense>>;
  constexpr int stages = Solver::stages;
  constexpr std::size_t after_step = std::size_t(stages);
  States<X> kept(shape(x), 2);
  std::array<X, after_step + 1> k;
  Trial<X> trial;
  if constexpr (Pace::dense) {
    if (pace.finished()) return x;
    trial.begin(x);
    k[0] = kept.put(1, slope<Solver>(field, pace.time(), x));
    if constexpr (drops) trial.undo(k);
    if constexpr (Pace::judges) {
      require_convergence(all_finite(primal(k[0])), Solver::name, ": the field is not finite at t = ", pace.time());
      if (pace.step == 0) pace.step = first_step<Solver>(field, pace, x, k[0], trial);
    }
  }
  for (Step step; pace.propose(step);) {
    if constexpr (drops || Pace::judges) trial.begin(x, k[0]);
    if constexpr (!Pace::dense) k[0] = slope<Solver>(field, step.t, x);
    for (int s = 1; s < stages; ++s)
      k[std::size_t(s)] =
          slope<Solver>(field, step.t + Solver::nodes[s] * step.h, weighted<Solver>(x, step.h, Solver::tableau[s], k.data(), s));
    const X after = weighted<Solver>(x, step.h, Solver::weights, k.data(), stages);
    if constexpr (Pace::dense) k[after_step] = slope<Solver>(field, step.end, after);
    if constexpr (Pace::judges) {
      if (!pace.accept(step_error<Solver>(pace.control, step.h, x, after, k.data()), step)) {
        trial.undo(k);
        continue;
      }
    }
    on_step(step);
    const bool saved = saves.template collect<Solver>(step, x, after, k.data());
    if constexpr (watched && !Pace::judges && on_host<X>)
      require_convergence(!saved || all_finite(primal(after)), Solver::name, ": the state is not finite at t = ", step.end, " after ",
                          pace.steps(), " steps");
    x = kept.put(0, after);
    if constexpr (Pace::dense) k[0] = kept.put(1, k[after_step]);
    if constexpr (drops) trial.undo(k);
  }
  return x;
}

}  // namespace moesaic::ode::detail
