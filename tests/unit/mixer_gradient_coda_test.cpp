// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "support/mixer_gradient.hpp"

namespace mixer_gradient_coda_test {

using namespace mixer_test;

TEST_CASE("a step's gradient is that of its total: CoDA, refitted gate") {
  check_gradients(small(Coda<>{}), gate::KMeansLeastSquares{});
}

TEST_CASE("a step's gradient is that of its total: CoDA, the winner scaled by its softmax weight") {
  check_gradients(small(Coda<>{}), gate::Softmax{.top_k = 1, .renormalise = false});
}

}  // namespace mixer_gradient_coda_test
