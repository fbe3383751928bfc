// expect: Moesaic: the Expert policy lacks inputs() const, the number of features of a sample [docs/expert.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

struct Mine {
#ifdef CONTROL
  Index inputs() const { return 1; }
#endif
  void layout(Layout&) const {}
  template <class X>
  X operator()(const X&, const X& x) const { return x; }
};

void compose() { mixture(experts<2>(Mine{}), gate::Softmax{}, flow::Identity{}, loss::mse); }
