// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "context_flow.hpp"

namespace context_flow_checkpointed_test {

TEST_CASE("a checkpointed flow passes the gradient checker at every Taylor order") {
  const moesaic::Coda<> field{{.state = 2, .context = 3, .width = 4, .depth = 2}};
  battery::check_context_flow(field, moesaic::ode::Rk4{.substeps = 2}, moesaic::ode::Checkpointed{.segments = 2});
}

}  // namespace context_flow_checkpointed_test
