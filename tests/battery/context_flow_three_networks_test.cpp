// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "context_flow.hpp"

namespace context_flow_three_networks_test {

TEST_CASE("a flow of three networks passes the gradient checker at every Taylor order") {
  battery::check_context_flow(moesaic::ThreeNetworks<>{.state = 2, .context = 3, .width = 5, .depth = 2, .interface = 4});
}

TEST_CASE("a flow of three networks of gated linear units passes the gradient checker at every Taylor order") {
  battery::check_context_flow(
      moesaic::ThreeNetworks<moesaic::activation::Glu>{.state = 2, .context = 3, .width = 4, .depth = 1, .interface = 4});
}

}  // namespace context_flow_three_networks_test
