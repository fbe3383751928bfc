// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <limits>
#include <span>

#include <moesaic/core/shape.hpp>

namespace moesaic::data {

/// Errors of forecasts, over all values that were added: windows, steps and variates count alike. Sums are in double.
///
/// A forecast that is not finite scores infinity or NaN.
class ForecastScore {
 public:
  /// Errors: the sizes differ.
  void add(std::span<const double> predicted, std::span<const double> target) { add_values(predicted, target); }
  void add(std::span<const float> predicted, std::span<const float> target) { add_values(predicted, target); }

  /// As if what the other one was given had been added here.
  void merge(const ForecastScore& other) {
    if (other.count_ == 0) return;
    // Chan, Golub, LeVeque 1979: means and squared deviations of two groups.
    const double n = double(count_), m = double(other.count_), apart = other.mean_ - mean_;
    deviations_ += other.deviations_ + apart * apart * n * m / (n + m);
    mean_ += apart * m / (n + m);
    squares_ += other.squares_;
    absolutes_ += other.absolutes_;
    count_ += other.count_;
  }

  Index count() const { return count_; }
  /// Mean squared error. Errors, here and below: nothing was added.
  double mse() const { return squares_ / total(); }
  double mae() const { return absolutes_ / total(); }
  double rmse() const { return std::sqrt(mse()); }
  /// 1 - sum of squared errors / sum of squared deviations of the targets from the one mean of them all. Of constant targets: 1
  /// for a perfect forecast, else minus infinity.
  double r2() const {
    total();
    if (deviations_ > 0) return 1 - squares_ / deviations_;
    return squares_ == 0 ? 1 : -std::numeric_limits<double>::infinity();
  }

 private:
  double total() const {
    require(count_ > 0, "ForecastScore: no forecast was added");
    return double(count_);
  }

  template <class T>
  void add_values(std::span<const T> predicted, std::span<const T> target) {
    require(predicted.size() == target.size(), "ForecastScore: ", predicted.size(), " predicted values, ", target.size(),
            " targets");
    if (target.empty()) return;
    ForecastScore part;
    double sum = 0;
    for (std::size_t i = 0; i < target.size(); ++i) {
      const double y = double(target[i]), error = double(predicted[i]) - y;
      part.squares_ += error * error;
      part.absolutes_ += std::abs(error);
      sum += y;
    }
    part.count_ = Index(target.size());
    part.mean_ = sum / double(target.size());
    for (const T y : target) part.deviations_ += (double(y) - part.mean_) * (double(y) - part.mean_);
    merge(part);
  }

  Index count_ = 0;
  double squares_ = 0, absolutes_ = 0;  ///< of the errors
  double mean_ = 0, deviations_ = 0;    ///< of the targets: their mean, and the sum of squared differences to it
};

}  // namespace moesaic::data
