// expect: Moesaic: Supervised is for Experts without context; train a contextual one on environments [docs/training.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/context_flow.hpp>
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>
#include <moesaic/train/supervised.hpp>

using namespace moesaic;

void train(const Array<Cpu<float>>& x, const Array<Cpu<float>>& y) {
#ifdef CONTROL
  const Mlp<> expert{{1, 1}};
#else
  const ContextFlow<ThreeNetworks<>> expert;
#endif
  Supervised problem(mixture(experts<2>(expert), gate::Softmax{}, flow::Identity{}, loss::mse), x, y);
}
