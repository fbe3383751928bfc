// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <signal.h>

#include <atomic>

namespace moesaic {

/// While one lives, the first Ctrl-C (SIGINT) only asks to stop; the second one acts as if nobody had listened.
///
/// May be nested and used by several threads: the outermost installs the handler and restores the former one. Where SIGINT is
/// ignored (a job in the background) it stays ignored.
class InterruptGuard {
 public:
  InterruptGuard() {
    if (depth_++ > 0) return;
    requested_ = 0;
    struct sigaction wanted {};
    wanted.sa_handler = &InterruptGuard::listen;
    wanted.sa_flags = SA_RESTART;
    sigemptyset(&wanted.sa_mask);
    installed_ = ::sigaction(SIGINT, nullptr, &former_) == 0 && former_.sa_handler != SIG_IGN &&
                 ::sigaction(SIGINT, &wanted, nullptr) == 0;
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard() {
    if (--depth_ == 0 && installed_) ::sigaction(SIGINT, &former_, nullptr);
  }

  /// Whether Ctrl-C was pressed since the outermost guard began.
  static bool requested() { return requested_ != 0; }

 private:
  static void listen(int) {
    requested_ = 1;
    ::sigaction(SIGINT, &former_, nullptr);
  }

  static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch lock-free atomics");
  static inline std::atomic<int> depth_{0}, requested_{0};
  static inline std::atomic<bool> installed_{false};
  static inline struct sigaction former_ {};
};

}  // namespace moesaic
