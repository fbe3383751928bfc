// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <vector>

#include <moesaic/train/environment_step.hpp>

namespace moesaic {

/// Every environment's trajectories from their first states on, by the environment's expert and its row of `contexts [E, D]`:
/// `[environment, trajectory, time, state]` at the times of `data`, NaN where a solve diverges.
///
/// Errors: another number of contexts or experts than environments, an expert that is not there, other states than the model's.
template <class B, class Model>
Array<Cpu<typename B::Scalar>> predict(const Model& model, const EnvironmentData<B>& data, const Tensor<B>& parameters,
                                       const Tensor<B>& contexts, std::span<const Index> expert) {
  const Index environments = data.environments;
  require(contexts.shape().rank() == 2 && contexts.shape()[0] == environments && Index(expert.size()) == environments,
          "predict: contexts of shape ", contexts.shape(), " and ", expert.size(), " experts for ", environments, " environments");
  std::vector<Solve> solves;
  for (Index e = 0; e < environments; ++e) solves.push_back({e, e, e, expert[std::size_t(e)], 1});
  using Host = Cpu<typename B::Scalar>;
  const Shape shape{environments, data.trajectories, data.points, data.state};
  const Array<Host> by_solve(shape), out(shape);
  EnvironmentStep<B, Model>(model).predict(solves, data, parameters, contexts, by_solve.data());
  for (std::size_t i = 0; i < solves.size(); ++i)
    Host::copy(out.tensor().rows(solves[i].environment, 1), by_solve.tensor().rows(Index(i), 1));
  return out;
}

}  // namespace moesaic
