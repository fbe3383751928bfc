// expect: Moesaic: a Loss term reads the best expert of every sample, which only Experts without context supply [docs/loss.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/context_flow.hpp>
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/loss/metric_learning.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

void compose() {
#ifdef CONTROL
  const Mlp<> expert{{1, 1}};
#else
  const ContextFlow<ThreeNetworks<>> expert;
#endif
  mixture(experts<2>(expert), gate::Metric<>{}, flow::Identity{}, loss::mse + 0.1 * loss::triplet());
}
