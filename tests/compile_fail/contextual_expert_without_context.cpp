// expect: Moesaic: the contextual Expert policy lacks context() const, the size of its context [docs/expert.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

using namespace moesaic;

struct Mine {
  static constexpr bool contextual = true;
#ifdef CONTROL
  Index context() const { return 1; }
#endif
  void layout(Layout&) const {}
};

void compose() { mixture(experts<2>(Mine{}), gate::Softmax{}, flow::Identity{}, loss::mse); }
