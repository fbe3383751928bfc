// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "context_flow.hpp"

namespace context_flow_coda_test {

TEST_CASE("a CoDA flow passes the gradient checker at every Taylor order") {
  battery::check_context_flow(moesaic::Coda<>{{.state = 2, .context = 3, .width = 5, .depth = 3, .saturation = {1.5}}});
}

TEST_CASE("a CoDA flow of gated linear units passes the gradient checker at every Taylor order") {
  battery::check_context_flow(moesaic::Coda<moesaic::activation::Glu>{{.state = 2, .context = 3, .width = 4, .depth = 3}});
}

}  // namespace context_flow_coda_test
