// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "support/mixer_gradient.hpp"

namespace mixer_gradient_geps_test {

using namespace mixer_test;

TEST_CASE("a step's gradient is that of its total: GEPS, refitted gate") {
  check_gradients(small(Geps<>{}), gate::KMeansLeastSquares{});
}

TEST_CASE("a step's gradient is that of its total: GEPS, the winner scaled by its softmax weight") {
  check_gradients(small(Geps<>{}), gate::Softmax{.top_k = 1, .renormalise = false});
}

}  // namespace mixer_gradient_geps_test
