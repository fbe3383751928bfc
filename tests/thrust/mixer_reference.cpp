// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "mixer_cases.hpp"

thrust_test::Trained thrust_test::on_cpu(Case which) { return run<Cpu>(which); }
