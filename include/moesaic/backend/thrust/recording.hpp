// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>

#include <moesaic/core/errors.hpp>

namespace moesaic::device {

/// What this thread and the device have to do with each other at the moment.
struct Traffic {
  bool recording = false;    ///< what is asked of the device is written down for a `Graph` and not done
  std::int64_t calls = 0;    ///< how many kernels, products and copies on the device it has asked for, recorded or not
  std::int64_t replays = 0;  ///< how often it has had a `Graph` done again
  std::int64_t waits = 0;    ///< how often the thread has waited for the device: for what copies bring to it or take from it

  static Traffic& own() {
    thread_local Traffic traffic;
    return traffic;
  }
  void wait() {
    require_done("copies between the device and the host");
    ++waits;
  }
  void require_done(const char* what) const {
    if (recording) throw CannotRecord(std::string("Thrust backend: ") + what + ", which a recorded step cannot have");
  }
};

}  // namespace moesaic::device
