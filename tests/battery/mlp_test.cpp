// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>

#include "battery.hpp"

namespace mlp_test {

using namespace battery;

TEST_CASE_TEMPLATE("an Mlp passes the gradient checker with every activation", Activation, activation::LearnableSwish,
                   activation::Swish, activation::Tanh, activation::Relu, activation::Gelu, activation::Softplus, activation::Glu) {
  for (bool activate_last : {false, true}) {
    const Mlp<Activation> mlp{{3, 5, 4, 2}, activate_last};
    const Index size = layout_of(mlp).size();
    check(activate_last ? "Mlp, activation at the end" : "Mlp", [&]<class X>(Slots<X>& parts) {
      const X p = parts.take({size});
      return mlp(p, parts.take({6, 3}));
    }, {parameters_of(mlp), numbers({6, 3}, 1)});
  }
}

TEST_CASE("a layer of gated linear units multiplies its first numbers by the sigmoid of its second ones") {
  const Mlp<activation::Glu> mlp{{1, 2, 1}};
  CHECK(layout_of(mlp).size() == 4 + 4 + 2 + 1);
  //                    first numbers   gates       biases           output     bias
  const std::vector<double> weights{1, 2, /**/ 3, -4, /**/ 0, 1, 0, 0.5, /**/ 5, 7, /**/ 0.25}, x{0.5};
  const double sigmoid_of[] = {1 / (1 + std::exp(-1.5)), 1 / (1 + std::exp(1.5))};
  const Array<B> p({11}, weights), input({1, 1}, x);
  const auto y = to_host(mlp(p.tensor(), input.tensor()));
  CHECK(y[0] == doctest::Approx(5 * 0.5 * sigmoid_of[0] + 7 * 2 * sigmoid_of[1] + 0.25));
}

}  // namespace mlp_test
