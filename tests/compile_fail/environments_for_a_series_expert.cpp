// expect: Moesaic: the contextual Expert policy lacks operator()(const X& parameters, const Situation<X>&) const, which training on environments needs [docs/expert.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/shplrnn.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/train/environments.hpp>

using namespace moesaic;
using B = Cpu<float>;

void train(const EnvironmentData<B>& data) {
#ifdef CONTROL
  const ContextFlow<ThreeNetworks<>> expert;
#else
  const HierarchicalShPlrnn expert;  // called with contexts and series
#endif
  const auto model = mixture(experts<2>(expert), gate::Softmax{}, flow::Identity{}, loss::mse);
  EnvironmentTraining training(model, data);
}
