// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ad/grad.hpp>
#include <moesaic/backend/cpu.hpp>
#include <moesaic/ops/activation.hpp>
#include <moesaic/ops/arrange.hpp>
#include <moesaic/ops/linear.hpp>
