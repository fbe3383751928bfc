// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <moesaic/ode/control.hpp>

namespace moesaic::ode::detail {

/// Equal steps between save times.
class FixedPace {
 public:
  static constexpr bool judges = false;  ///< whether steps may be refused
  static constexpr bool dense = false;   ///< whether save times may lie within a step

  FixedPace(const Fixed& control, std::span<const double> times, const char* name)
      : times_(times), substeps_(control.substeps), time_(times.front()) {
    require(substeps_ >= 1, name, ": substeps = ", substeps_, "; expected at least 1");
  }

  double until = std::numeric_limits<double>::infinity();  ///< pauses at or after this time
  double time() const { return time_; }
  Index steps() const { return steps_; }
  bool finished() const { return interval_ + 1 >= times_.size(); }

  /// The next step to make; false at the end.
  bool propose(Step& s) {
    if (finished() || time_ >= until) return false;
    const double begin = times_[interval_], end = times_[interval_ + 1], h = (end - begin) / double(substeps_);
    s = {time_, h, end};
    if (++substep_ < substeps_)
      s.end = begin + double(substep_) * h;
    else
      substep_ = 0, ++interval_;
    time_ = s.end;
    ++steps_;
    return true;
  }

 private:
  std::span<const double> times_;
  Index substeps_, substep_ = 0, steps_ = 0;
  std::size_t interval_ = 0;
  double time_;
};

/// Steps chosen from estimates of their error.
class AdaptivePace {
 public:
  static constexpr bool judges = true, dense = true;

  AdaptivePace(const Adaptive& c, std::span<const double> times, const char* name, int order)
      : control(c), step(c.first_step), time_(times.front()), end_(times.back()), order_(order), name_(name) {
    require(c.relative >= 0 && c.absolute > 0 && std::isfinite(c.relative) && std::isfinite(c.absolute), name,
            ": tolerances relative = ", c.relative, ", absolute = ", c.absolute, "; expected relative >= 0, absolute > 0");
    require(c.first_step >= 0 && std::isfinite(c.first_step), name, ": first_step = ", c.first_step,
            "; expected a positive time, or 0 for a choice by the field");
    require(c.least_factor > 0 && c.least_factor < 1 && c.safety > 0 && c.largest_factor >= 1, name, ": safety = ", c.safety,
            ", least_factor = ", c.least_factor, ", largest_factor = ", c.largest_factor,
            "; expected safety > 0, least_factor in (0, 1), largest_factor >= 1");
  }

  Adaptive control;
  double step;  ///< 0 until chosen
  double until = std::numeric_limits<double>::infinity();
  double time() const { return time_; }
  double remaining() const { return end_ - time_; }
  Index steps() const { return tried_; }
  bool finished() const { return time_ >= end_; }

  bool propose(Step& s) {
    if (finished() || time_ >= until) return false;
    require_convergence(tried_ < control.max_steps, name_, ": more than ", control.max_steps, " steps: reached t = ", time_, " of ", end_);
    ++tried_;
    const bool last = 1.01 * step >= remaining();
    s = last ? Step{time_, remaining(), end_} : Step{time_, step, time_ + step};
    const double least = 4 * std::numeric_limits<double>::epsilon() * std::max(std::abs(time_), std::abs(end_));
    if (!last && !(step > least)) {
      require_convergence(std::isfinite(error_), name_, ": the state or the field is not finite beyond t = ", time_, " (", tried_, " steps)");
      require_convergence(false, name_, ": the step size fell to ", step, ", below what time resolves, at t = ", time_, " after ", tried_,
                          " steps");
    }
    return true;
  }
  /// Whether a step with this error is good enough; chooses the next step either way.
  bool accept(double error, const Step& s) {
    const auto& c = control;
    const double k = order_, p = c.proportional, i = c.integral, d = c.derivative;
    error_ = error;
    if (!(error <= 1)) {
      const double shrink = c.safety * std::pow(error, -1 / k);
      step = s.h * std::clamp(std::isfinite(shrink) ? shrink : 0, c.least_factor, 1.0);
      refused_ = true;
      return false;
    }
    const double e = std::max(error, 1e-10);
    const double factor = c.safety * std::pow(e, -(p + i + d) / k) * std::pow(last_error_, (p + 2 * d) / k) *
                          std::pow(error_before_, -d / k);
    step = s.h * std::clamp(factor, c.least_factor, refused_ ? 1.0 : c.largest_factor);
    error_before_ = last_error_;
    last_error_ = std::max(e, 1e-4);
    refused_ = false;
    time_ = s.end;
    return true;
  }

 private:
  double time_, end_;
  int order_;
  const char* name_;
  Index tried_ = 0;
  double error_ = 0, last_error_ = 1, error_before_ = 1;
  bool refused_ = false;
};

/// A step taken before, in a list.
struct TakenStep : Step {
  TakenStep* next = nullptr;
};

/// Steps taken before, once more.
template <bool between>
class Replay {
 public:
  static constexpr bool judges = false, dense = between;

  explicit Replay(const TakenStep* first) : at_(first) {}
  double time() const { return at_->t; }
  bool finished() const { return !at_; }
  bool propose(Step& s) {
    if (!at_) return false;
    s = *at_;
    at_ = at_->next;
    return true;
  }

 private:
  const TakenStep* at_;
};

}  // namespace moesaic::ode::detail
