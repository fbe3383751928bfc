// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ode/checkpointed.hpp>
#include <moesaic/ode/dopri5.hpp>
#include <moesaic/ode/rk4.hpp>
#include <moesaic/ode/tsit5.hpp>
