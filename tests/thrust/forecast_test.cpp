// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "both.hpp"
#include "forecast_cases.hpp"

namespace forecast_test {

using namespace thrust_test;

TEST_CASE("a mixture that forecasts windows trains as on the CPU: linear start, season, schedule of the temperature, frozen parameters") {
  const auto cpu = forecaster_on_cpu(), device = forecaster<Thrust<double>>();
  CHECK(relative(cpu.start, device.start) < 1e-9);
  CHECK(relative(cpu.losses, device.losses) < 1e-10);
  CHECK(relative(cpu.parameters, device.parameters) < 1e-10);
  CHECK(relative(cpu.forecasts, device.forecasts) < 1e-10);
  CHECK(cpu.losses.back() < cpu.losses.front());
}

}  // namespace forecast_test
