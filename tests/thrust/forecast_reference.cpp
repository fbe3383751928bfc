// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "forecast_cases.hpp"

namespace thrust_test {

Forecaster forecaster_on_cpu() { return forecaster<Cpu<double>>(); }
Forecaster m2_moep_on_cpu(bool noise) { return trained<Cpu<double>>(m2_moep(noise)); }

}  // namespace thrust_test
