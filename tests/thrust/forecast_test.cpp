// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <utility>

#include <moesaic/backend/thrust/selective_scan.hpp>

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

TEST_CASE("M2-MOEP trains as on the CPU: recorded, or step by step where the gate draws noise, with one wait for the device in a pass") {
  for (const bool noise : {false, true}) {
    const auto model = m2_moep(noise);
    const auto cpu = m2_moep_on_cpu(noise), device = trained<Thrust<double>>(model);
    CHECK(relative(cpu.losses, device.losses) < 1e-10);
    CHECK(relative(cpu.parameters, device.parameters) < 1e-10);
    CHECK(relative(cpu.forecasts, device.forecasts) < 1e-10);
    CHECK(cpu.losses.back() < cpu.losses.front());
    const auto traffic = [&](Index iterations) {
      const device::Traffic before = device::Traffic::own();
      trained<Thrust<double>>(model, iterations);
      const auto& after = device::Traffic::own();
      return std::pair(after.waits - before.waits, after.replays - before.replays);
    };
    const auto shorter = traffic(3), longer = traffic(5);
    CHECK(longer.first - shorter.first == 2);
    CHECK(longer.second - shorter.second == (noise ? 0 : 2 * 7));  // of seven steps each
  }
}

}  // namespace forecast_test
