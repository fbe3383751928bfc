// expect: Moesaic: the Flow policy has latents(), as an encoder, and lacks inputs() const [docs/flow.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

struct Mine {
  Index latents() const { return 1; }
#ifdef CONTROL
  Index inputs() const { return 1; }
#endif
  void layout(Layout&) const {}
  template <class X>
  flow::Image<X> forward(Slots<X>&, const X& x) const { return {x, X{}}; }
  template <class X>
  X inverse(Slots<X>&, const X& z) const { return z; }
};

void compose() { mixture(experts<2>(Mlp<>{{1, 1}}), gate::Softmax{}, Mine{}, loss::mse); }
