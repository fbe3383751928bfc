// expect: Moesaic: a Loss term reads the reconstruction, which only a Flow other than flow::Identity supplies [docs/loss.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/flow/standardise.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/reconstruction.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

void compose() {
#ifdef CONTROL
  mixture(experts<2>(Mlp<>{{1, 1}}), gate::Softmax{}, flow::Standardise{1}, loss::mse + loss::reconstruction);
#else
  mixture(experts<2>(Mlp<>{{1, 1}}), gate::Softmax{}, flow::Identity{}, loss::mse + loss::reconstruction);
#endif
}
