// expect: Moesaic: the Expert policy lacks layout(Layout&) const, which names its parameters [docs/expert.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

struct Mine {
  Index inputs() const { return 1; }
#ifdef CONTROL
  void layout(Layout&) const {}
#endif
  template <class X>
  X operator()(const X&, const X& x) const { return x; }
};

void compose() { mixture(experts<2>(Mine{}), gate::Softmax{}, flow::Identity{}, loss::mse); }
