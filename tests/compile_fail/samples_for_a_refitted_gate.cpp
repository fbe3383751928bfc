// expect: Moesaic: a Gate that is refitted (refit, refit_every) learns from environments alone; Supervised trains gates by their gradient [docs/gate.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>
#include <moesaic/train/supervised.hpp>

using namespace moesaic;

void train(const Array<Cpu<float>>& x, const Array<Cpu<float>>& y) {
#ifdef CONTROL
  const gate::Softmax gate{};
#else
  const gate::KMeansLeastSquares gate{};
#endif
  Supervised problem(mixture(experts<2>(Mlp<>{{1, 1}}), gate, flow::Identity{}, loss::mse), x, y);
}
