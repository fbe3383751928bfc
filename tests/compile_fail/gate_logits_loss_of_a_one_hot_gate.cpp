// expect: Moesaic: a Loss term reads the logits of the Gate, which a one-hot Gate is not trained by [docs/loss.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

void compose() {
#ifdef CONTROL
  const gate::Softmax gate;
#else
  const gate::KMeansLeastSquares gate;
#endif
  mixture(experts<2>(Mlp<>{{1, 1}}), gate, flow::Identity{}, loss::mse + 1e-3 * loss::router_z);
}
