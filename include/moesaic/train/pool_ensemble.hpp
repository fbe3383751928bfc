// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include <moesaic/train/context_distance.hpp>
#include <moesaic/train/environment_step.hpp>

namespace moesaic {

/// Mean and standard deviation of an ensemble's predictions, each `[environment, trajectory, time, state]`.
template <class T>
struct EnsemblePrediction {
  Array<Cpu<T>> mean;
  Array<Cpu<T>> deviation;  ///< divided by the number of members, not by one less
};

/// Predicts every environment once through each of the `members` contexts of a pool that are nearest to its own, and says how far these
/// predictions lie apart (neural context flows: how sure they are of a prediction).
///
/// Through context j is by expert j and with the field expanded about it to the model's Taylor order, at order 0 with context j as
/// it is. `contexts [E, D]` are those of the environments, in the order of `data`; `pool [K, D]`, those of the training
/// environments for instance, has the experts `expert [K]`. NaN where a member's solve diverges. Errors: other numbers of
/// contexts or experts, 0 members or more than K, an expert that is not there, other states than the model's.
template <class B, class Model>
EnsemblePrediction<typename B::Scalar> predict_ensemble(const Model& model, const EnvironmentData<B>& data, const Tensor<B>& parameters,
                                                        const Tensor<B>& contexts, const Tensor<B>& pool,
                                                        std::span<const Index> expert, Index members) {
  using T = typename B::Scalar;
  const Index environments = data.environments, d = model.features(), count = Index(expert.size());
  require(contexts.shape() == Shape{environments, d}, "predict_ensemble: contexts of shape ", contexts.shape(), "; expected ",
          Shape{environments, d});
  require(pool.shape() == Shape{count, d}, "predict_ensemble: a pool of shape ", pool.shape(), " for ", count, " experts; expected ",
          Shape{count, d});
  require(members >= 1 && members <= count, "predict_ensemble: ", members, " members; expected 1 to the size of the pool, ", count);

  const Array<B> all(Shape{environments + count, d});
  B::copy(all.tensor().rows(0, environments), contexts);
  B::copy(all.tensor().rows(environments, count), pool);
  const auto host = to_host(all.tensor());
  std::vector<Solve> solves;
  std::vector<Index> near(static_cast<std::size_t>(count));
  std::vector<double> distance(near.size());
  for (Index e = 0; e < environments; ++e) {
    for (Index j = 0; j < count; ++j)
      distance[std::size_t(j)] = context_distance(host.data() + e * d, host.data() + (environments + j) * d, d);
    std::iota(near.begin(), near.end(), Index{0});
    std::stable_sort(near.begin(), near.end(), [&](Index a, Index b) { return distance[std::size_t(a)] < distance[std::size_t(b)]; });
    for (Index i = 0; i < members; ++i) {
      const Index j = near[std::size_t(i)];
      solves.push_back({e, e, environments + j, expert[std::size_t(j)], 1});
    }
  }

  const Index each = data.trajectories * data.points * data.state;
  std::vector<T> predicted(solves.size() * std::size_t(each));
  EnvironmentStep<B, Model>(model).predict(solves, data, parameters, all, predicted.data());
  std::vector<double> mean(std::size_t(environments * each)), square(mean.size());
  const auto add = [&](std::vector<double>& to, const auto& term) {
    for (std::size_t s = 0; s < solves.size(); ++s)
      for (Index i = 0; i < each; ++i) {
        const auto at = std::size_t(solves[s].environment * each + i);
        to[at] += term(double(predicted[s * std::size_t(each) + std::size_t(i)]), at) / double(members);
      }
  };
  add(mean, [](double x, std::size_t) { return x; });
  add(square, [&](double x, std::size_t at) { return (x - mean[at]) * (x - mean[at]); });
  const Shape shape{environments, data.trajectories, data.points, data.state};
  EnsemblePrediction<T> out{Array<Cpu<T>>(shape), Array<Cpu<T>>(shape)};
  for (std::size_t i = 0; i < mean.size(); ++i) {
    out.mean.data()[i] = T(mean[i]);
    out.deviation.data()[i] = T(std::sqrt(square[i]));
  }
  return out;
}

}  // namespace moesaic
