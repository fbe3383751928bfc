// expect: Moesaic: the Gate policy lacks layout(Layout&, Index features, Index experts) const [docs/gate.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

struct Mine {
  using codomain = gate::codomain::Simplex;
#ifdef CONTROL
  void layout(Layout&, Index, Index) const {}
#else
  void layout(Layout&) const {}
#endif
  template <class X>
  gate::GateOutput<X> operator()(Slots<X>&, const X& z, Index, const Random*) const { return {z, z}; }
};

void compose() { mixture(experts<2>(Mlp<>{{1, 1}}), Mine{}, flow::Identity{}, loss::mse); }
