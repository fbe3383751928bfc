// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <new>
#include <span>

#include <moesaic/core/workspace.hpp>

namespace moesaic {

/// 64-byte aligned memory of the host: that of a CPU backend, and of what every backend keeps on the host, such as the tape.
struct HostMemory {
  static void* allocate(std::size_t bytes) { return ::operator new(bytes, std::align_val_t{alignment}); }
  static void release(void* p) { ::operator delete(p, std::align_val_t{alignment}); }
};

/// `count` uninitialised numbers of the host, in the current workspace of this thread.
template <class T>
std::span<T> host_scratch(std::size_t count) {
  return {Workspace<HostMemory>::current().template take<T>(count), count};
}

}  // namespace moesaic
