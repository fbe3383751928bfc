// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include <moesaic/backend/thrust.hpp>

/// Ends with 77, which ctest reports as skipped, where the device cannot be used.
int main(int argc, char** argv) {
  if (const auto reason = moesaic::device::unavailable(); !reason.empty()) {
    std::printf("skipped: %s\n", reason.c_str());
    return 77;
  }
  std::printf("on %s\n", moesaic::device::system_name);
  return doctest::Context(argc, argv).run();
}
