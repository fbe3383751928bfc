// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <compare>

// The one place where the version is written; CMake reads these three lines.
#define MOESAIC_VERSION_MAJOR 0
#define MOESAIC_VERSION_MINOR 1
#define MOESAIC_VERSION_PATCH 0

namespace moesaic {

/// Semantic version; while the first number is 0, a change of the second may break programs.
struct Version {
  int first, second, third;
  friend constexpr auto operator<=>(const Version&, const Version&) = default;
};

inline constexpr Version version{MOESAIC_VERSION_MAJOR, MOESAIC_VERSION_MINOR, MOESAIC_VERSION_PATCH};

}  // namespace moesaic
