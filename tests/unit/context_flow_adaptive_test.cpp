// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/ode/tsit5.hpp>

#include "../battery/context_flow.hpp"

namespace context_flow_adaptive_test {

// Here and not in the battery, whose guarded memory makes so many steps a matter of minutes.
TEST_CASE("a flow with steps of chosen size passes the gradient checker at every Taylor order") {
  const moesaic::Coda<> field{{.state = 2, .context = 3, .width = 4, .depth = 2}};
  const moesaic::ode::Adaptive tight{.relative = 1e-11, .absolute = 1e-11};  // differences of values see the errors of steps
  battery::check_context_flow(field, moesaic::ode::Tsit5{.control = tight});
}

}  // namespace context_flow_adaptive_test
