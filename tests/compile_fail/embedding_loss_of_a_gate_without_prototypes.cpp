// expect: Moesaic: a Loss term reads the embedding of the Gate, which only a Gate that returns gate::MetricOutput supplies [docs/loss.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/prototypes.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

void compose() {
#ifdef CONTROL
  const gate::Metric<> gate;
#else
  const gate::Softmax gate;
#endif
  mixture(experts<2>(Mlp<>{{1, 1}}), gate, flow::Identity{}, loss::mse + 1e-2 * loss::prototype_separation());
}
