// expect: Moesaic: a Loss term compares samples, which contextual Experts (ContextFlow) do not see together [docs/loss.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/context_flow.hpp>
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/balance.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

void compose() {
#ifdef CONTROL
  const Mlp<> expert{{1, 1}};
#else
  const ContextFlow<ThreeNetworks<>> expert;
#endif
  mixture(experts<2>(expert), gate::Softmax{}, flow::Identity{}, loss::mse + 1e-2 * loss::switch_balance);
}
