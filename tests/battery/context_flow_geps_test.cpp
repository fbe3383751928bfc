// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "context_flow.hpp"

namespace context_flow_geps_test {

TEST_CASE("a GEPS flow passes the gradient checker at every Taylor order") {
  battery::check_context_flow(moesaic::Geps<>{{.state = 2, .context = 3, .width = 5, .depth = 3}});
}

TEST_CASE("a GEPS flow of gated linear units passes the gradient checker at every Taylor order") {
  battery::check_context_flow(moesaic::Geps<moesaic::activation::Glu>{{.state = 2, .context = 3, .width = 4, .depth = 3}});
}

}  // namespace context_flow_geps_test
