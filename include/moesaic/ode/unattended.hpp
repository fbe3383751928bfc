// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <utility>

namespace moesaic::ode {

/// While one lives, solves of this thread on another device are not looked at for states that are not finite, which would be to wait for
/// them: whoever reads what is made of the states will see.
class Unattended {
 public:
  Unattended() : before_(std::exchange(now(), true)) {}
  Unattended(const Unattended&) = delete;
  Unattended& operator=(const Unattended&) = delete;
  ~Unattended() { now() = before_; }

  static bool& now() {
    thread_local bool unattended = false;
    return unattended;
  }

 private:
  bool before_;
};

}  // namespace moesaic::ode
