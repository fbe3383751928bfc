// expect: Moesaic: a Loss term reads the context, which only a contextual Expert (ContextFlow) supplies [docs/loss.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/context_flow.hpp>
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

void compose() {
#ifdef CONTROL
  const ContextFlow<ThreeNetworks<>> expert;
#else
  const Mlp<> expert{{1, 1}};
#endif
  mixture(experts<2>(expert), gate::Softmax{}, flow::Identity{}, loss::mse + 1e-3 * loss::context_l1);
}
