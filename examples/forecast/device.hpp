// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#ifdef FORECAST_ON_THRUST
#include <moesaic/backend/thrust.hpp>
#include <moesaic/backend/thrust/selective_scan.hpp>
#else
#include <moesaic/backend/cpu.hpp>
#endif

namespace forecast {

/// The backend that this source is compiled for: those that train are compiled once more for the Thrust backend, if CMake is asked to.
#ifdef FORECAST_ON_THRUST
using Device = moesaic::Thrust<float>;
inline constexpr const char* device_name = moesaic::device::system_name;
#else
using Device = moesaic::Cpu<float>;
inline constexpr const char* device_name = "CPU";
#endif

}  // namespace forecast
