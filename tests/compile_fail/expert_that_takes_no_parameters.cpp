// expect: Moesaic: the Expert policy lacks operator()(const X& parameters, const X& x) const [docs/expert.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

struct Mine {
  Index inputs() const { return 1; }
  void layout(Layout&) const {}
#ifdef CONTROL
  template <class X>
  X operator()(const X&, const X& x) const { return x; }
#else
  template <class X>
  X operator()(const X& x) const { return x; }
#endif
};

void compose() { mixture(experts<2>(Mine{}), gate::Softmax{}, flow::Identity{}, loss::mse); }
