// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#ifdef EXAMPLE_ON_THRUST
#include <moesaic/backend/thrust.hpp>
#include <moesaic/backend/thrust/selective_scan.hpp>
#else
#include <moesaic/backend/cpu.hpp>
#endif

namespace common {

/// The backend that this source is compiled for: those that train are compiled once more for the Thrust backend, if CMake is asked to.
#ifdef EXAMPLE_ON_THRUST
using Device = moesaic::Thrust<float>;
constexpr const char* device_name = moesaic::device::system_name;
#else
using Device = moesaic::Cpu<float>;
constexpr const char* device_name = "CPU";
#endif

}  // namespace common
