// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/data/trajectories.hpp>

namespace moesaic::data {

/// What keeps small states from dominating a relative error: leave out those of norm 1e-6 or less (the MixER paper), or raise
/// every component to at least 1e-6 in the denominator (its code).
enum class Floor { leave_out, raise };

namespace detail {

template <class P, class T>
Index require_same(const Tensor<Cpu<P>>& predicted, const Tensor<Cpu<T>>& truth, const char* name) {
  require(bool(truth) && truth.shape().rank() == 4 && truth.size() > 0, name,
          ": expected states [environment, trajectory, time, state], got shape ", truth.shape());
  require(bool(predicted) && predicted.shape() == truth.shape(), name, ": the prediction has shape ", predicted.shape(),
          ", the truth ", truth.shape());
  return truth.size() / truth.shape()[0];
}

}  // namespace detail

/// Mean squared error of each environment, over trajectories, times and components; states [environment, trajectory, time,
/// state]. A prediction that is not finite scores infinity or NaN. Errors: the shapes differ.
template <class P, class T>
std::vector<double> squared_error(const Tensor<Cpu<P>>& predicted, const Tensor<Cpu<T>>& truth) {
  const Index size = detail::require_same(predicted, truth, "squared_error");
  std::vector<double> out;
  for (Index e = 0; e < truth.shape()[0]; ++e) {
    double sum = 0;
    for (Index i = e * size; i < (e + 1) * size; ++i) {
      const double difference = double(predicted.data()[i]) - double(truth.data()[i]);
      sum += difference * difference;
    }
    out.push_back(sum / double(size));
  }
  return out;
}

/// rel-MSE of each environment: the mean over trajectories and times of |x_hat - x|^2 / |x|^2, norms over the components.
///
/// Predicting zero scores 1. (The paper's figure 2 calls the same number relative L2.)
/// Errors: the shapes differ, an environment whose states are all left out.
template <class P, class T>
std::vector<double> relative_error(const Tensor<Cpu<P>>& predicted, const Tensor<Cpu<T>>& truth, Floor floor = Floor::leave_out) {
  constexpr double least = 1e-6;
  const Index size = detail::require_same(predicted, truth, "relative_error"), d = truth.shape()[3];
  std::vector<double> out;
  for (Index e = 0; e < truth.shape()[0]; ++e) {
    double sum = 0;
    Index count = 0;
    for (Index i = e * size; i < (e + 1) * size; i += d) {
      double error = 0, norm = 0;
      for (Index k = i; k < i + d; ++k) {
        const double x = double(truth.data()[k]), difference = double(predicted.data()[k]) - x;
        const double component = floor == Floor::raise ? std::max(std::abs(x), least) : x;
        error += difference * difference;
        norm += component * component;
      }
      if (floor == Floor::leave_out && std::sqrt(norm) <= least) continue;
      sum += error / norm;
      ++count;
    }
    require(count > 0, "relative_error: every state of environment ", e, " has a norm of at most ", least,
            ", there is nothing to divide by");
    out.push_back(sum / double(count));
  }
  return out;
}

/// Mean of the environments' scores. Errors: there are none.
inline double mean(std::span<const double> scores) {
  require(!scores.empty(), "mean: there are no scores");
  double sum = 0;
  for (double s : scores) sum += s;
  return sum / double(scores.size());
}

/// TPRMSE: the percentage of environments whose score is below `threshold`; NaN is not. Errors: there are no scores.
inline double percent_below(std::span<const double> scores, double threshold = 0.1) {
  require(!scores.empty(), "percent_below: there are no scores");
  return 100.0 * double(std::count_if(scores.begin(), scores.end(), [threshold](double s) { return s < threshold; })) /
         double(scores.size());
}

/// The mean score of a family and the number of its environments.
struct FamilyScore {
  std::string name;
  Index environments = 0;
  double mean = 0;
};

/// One entry for each family that has environments, in the order of `set.families`. Errors: not one score an environment.
inline std::vector<FamilyScore> by_family(std::span<const double> scores, const Trajectories& set) {
  require(Index(scores.size()) == set.environments(), "by_family: expected ", set.environments(),
          " scores, one an environment, got ", scores.size());
  std::vector<FamilyScore> out;
  for (const auto& f : set.families) out.push_back({f.name, 0, 0});
  for (std::size_t e = 0; e < scores.size(); ++e) {
    FamilyScore& f = out[std::size_t(set.family[e])];
    ++f.environments;
    f.mean += scores[e];
  }
  std::erase_if(out, [](const FamilyScore& f) { return f.environments == 0; });
  for (auto& f : out) f.mean /= double(f.environments);
  return out;
}

}  // namespace moesaic::data
