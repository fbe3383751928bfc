// expect: Moesaic: the Field of a NeuralOde lacks bind(Slots<X>&) const, which returns the function from x to dx/dt [docs/expert.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/neural_ode.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

struct Mine {
  Index inputs() const { return 1; }
  void layout(Layout&) const {}
#ifdef CONTROL
  template <class X>
  auto bind(Slots<X>&) const {
    return [](const X& x) { return -x; };
  }
#else
  template <class X>
  X operator()(const X&, const X& x) const { return -x; }
#endif
};

void compose() { mixture(experts<2>(NeuralOde<Mine>{}), gate::Softmax{}, flow::Identity{}, loss::mse); }
