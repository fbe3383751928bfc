// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>

#include "battery.hpp"

using namespace battery;

TEST_CASE_TEMPLATE("an Mlp passes the gradient checker with every activation", Activation, activation::LearnableSwish,
                   activation::Swish, activation::Tanh, activation::Relu, activation::Gelu, activation::Softplus) {
  for (bool activate_last : {false, true}) {
    const Mlp<Activation> mlp{{3, 5, 4, 2}, activate_last};
    const Index size = layout_of(mlp).size();
    check(activate_last ? "Mlp, activation at the end" : "Mlp", [&]<class X>(Slots<X>& parts) {
      const X p = parts.take({size});
      return mlp(p, parts.take({6, 3}));
    }, {parameters_of(mlp), numbers({6, 3}, 1)});
  }
}
