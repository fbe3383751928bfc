// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <type_traits>
#include <vector>

#include <moesaic/core/shape.hpp>

namespace moesaic {

/// Learning-rate schedules: callables from the number of updates made so far to the rate of the next one. Values are optax's.
namespace schedule {

struct Constant {
  double rate;
  double operator()(Index) const { return rate; }
};

/// `rate`, multiplied by `factor` once for each of the `boundaries` that the step has reached.
struct Stepwise {
  double rate;
  double factor;
  std::vector<Index> boundaries;
  double operator()(Index step) const {
    const auto reached = std::count_if(boundaries.begin(), boundaries.end(), [step](Index b) { return step >= b; });
    return rate * std::pow(factor, double(reached));
  }
};

/// `rate * factor^(step / period)`.
struct Exponential {
  double rate;
  double factor;
  Index period = 1;
  double operator()(Index step) const { return rate * std::pow(factor, double(step) / double(period)); }
};

/// From `rate` down to `floor * rate` along half a cosine of `steps` steps, then constant (Loshchilov and Hutter: SGDR, ICLR
/// 2017).
struct Cosine {
  double rate;
  Index steps;
  double floor = 0;
  double operator()(Index step) const {
    const double phase = steps > 0 ? double(std::min(step, steps)) / double(steps) : 1;
    return rate * (floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * phase)));
  }
};

/// Straight from `from` to `to` in `steps` steps, then constant.
struct Linear {
  double from, to;
  Index steps;
  double operator()(Index step) const { return step >= steps ? to : from + (to - from) * double(step) / double(steps); }
};

/// `first` for `steps` steps, then `second`, which counts from there.
template <class First, class Second>
struct Sequence {
  First first;
  Index steps;
  Second second;
  double operator()(Index step) const { return step < steps ? first(step) : second(step - steps); }
};

template <class First, class Second>
Sequence<First, Second> sequence(const First& first, Index steps, const Second& second) {
  return {first, steps, second};
}

/// Rises linearly from 0 to the start of `next` in `steps` steps.
template <class Next>
Sequence<Linear, Next> warm_up(Index steps, const Next& next) {
  return {{0, next(0), steps}, steps, next};
}

}  // namespace schedule

/// Any schedule; a plain number is a constant one.
class Schedule {
 public:
  Schedule(double rate) : rate_(schedule::Constant{rate}) {}
  template <class F>
  requires(!std::is_arithmetic_v<F> && !std::is_same_v<std::remove_cvref_t<F>, Schedule>) Schedule(const F& rate) {
    constexpr bool callable = std::is_invocable_r_v<double, const F&, Index>;
    static_assert(callable, "Moesaic: a schedule lacks operator()(step) -> double [docs/training.md]");
    if constexpr (callable) rate_ = rate;
  }

  Schedule(const Schedule&) = default;
  Schedule& operator=(const Schedule&) = default;
  ~Schedule() noexcept = default;  // written out: g++ 12 crashes on a member with an initialiser whose destructor is implicit

  double operator()(Index step) const { return rate_(step); }

 private:
  std::function<double(Index)> rate_;
};

}  // namespace moesaic
