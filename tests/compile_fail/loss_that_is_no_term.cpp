// expect: Moesaic: the Loss policy is not a loss::Term nor a sum of such [docs/loss.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

#ifdef CONTROL
struct Mine : loss::Term {
#else
struct Mine {
#endif
  static constexpr std::string_view name = "mine";
  using reads = Supplies<quantity::Prediction>;
  template <class X>
  X operator()(const Outcome<X>& o) const { return o.per_sample(o.prediction); }
};

void compose() { mixture(experts<2>(Mlp<>{{1, 1}}), gate::Softmax{}, flow::Identity{}, Mine{}); }
