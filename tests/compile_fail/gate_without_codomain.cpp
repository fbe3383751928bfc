// expect: Moesaic: the Gate policy lacks the type codomain (gate::codomain::Simplex or OneHot) [docs/gate.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

struct Mine {
#ifdef CONTROL
  using codomain = gate::codomain::Simplex;
#endif
  void layout(Layout&, Index, Index) const {}
  template <class X>
  gate::GateOutput<X> operator()(Slots<X>&, const X& z, Index, const Random*) const { return {z, z}; }
};

void compose() { mixture(experts<2>(Mlp<>{{1, 1}}), Mine{}, flow::Identity{}, loss::mse); }
