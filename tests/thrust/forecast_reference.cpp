// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "forecast_cases.hpp"

thrust_test::Forecaster thrust_test::forecaster_on_cpu() { return forecaster<Cpu<double>>(); }
