// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <new>

#include <moesaic/core/workspace.hpp>

namespace moesaic {

/// 64-byte aligned memory of the host: that of a CPU backend, and of what every backend keeps on the host, such as the tape.
struct HostMemory {
  static void* allocate(std::size_t bytes) { return ::operator new(bytes, std::align_val_t{alignment}); }
  static void release(void* p) { ::operator delete(p, std::align_val_t{alignment}); }
};

}  // namespace moesaic
