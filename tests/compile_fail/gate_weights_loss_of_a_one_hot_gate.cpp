// expect: Moesaic: a Loss term reads the weights of the Gate, which only a Gate with codomain Simplex supplies [docs/loss.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

struct Mine : loss::Term {
  static constexpr std::string_view name = "mine";
  using reads = Supplies<quantity::GateWeights>;
  template <class X>
  X operator()(const Outcome<X>& o) const { return o.per_sample(o.weights); }
};

void compose() {
#ifdef CONTROL
  mixture(experts<2>(Mlp<>{{1, 1}}), gate::Softmax{}, flow::Identity{}, loss::mse + Mine{});
#else
  mixture(experts<2>(Mlp<>{{1, 1}}), gate::KMeansLeastSquares{}, flow::Identity{}, loss::mse + Mine{});
#endif
}
