// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include <moesaic/core/errors.hpp>

namespace moesaic {

inline constexpr std::size_t alignment = 64;  ///< bytes; one cache line, one AVX-512 register

/// Bump arena for everything that lives no longer than one step.
///
/// Memory is rewound, not freed: from the second step on nothing is allocated, and the same sequence of requests gets the
/// same addresses. `Memory` supplies `static void* allocate(std::size_t)` (64-byte aligned) and `static void release(void*)`.
template <class Memory>
class Workspace {
 public:
  struct Mark {
    std::size_t block = 0, used = 0;
  };

  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() {
    for (auto& b : blocks_) Memory::release(b.data);
  }

  void* take(std::size_t bytes) {
    bytes = (bytes + alignment - 1) & ~(alignment - 1);
    if (at_.block == blocks_.size() || at_.used + bytes > blocks_[at_.block].size) [[unlikely]]
      next_block(bytes);
    void* p = static_cast<std::byte*>(blocks_[at_.block].data) + at_.used;
    at_.used += bytes;
    return p;
  }
  template <class T>
  T* take(std::size_t count) {
    return static_cast<T*>(take(count * sizeof(T)));
  }

  Mark mark() const { return at_; }
  /// Everything taken since `mark` is dead.
  void rewind(Mark mark) { at_ = mark; }
  void reset() { at_ = {}; }

  /// Grows to as many blocks as another arena has, and to as large a one, so that it can take over the other's work without asking
  /// the system. Returns whether it grew.
  bool match(const Workspace& other) {
    const std::size_t before = blocks_.size();
    while (blocks_.size() < other.blocks_.size()) add_block(other.blocks_[blocks_.size()].size);
    if (largest() < other.largest()) add_block(other.largest());
    return blocks_.size() > before;
  }

  std::size_t capacity() const {
    std::size_t n = 0;
    for (auto& b : blocks_) n += b.size;
    return n;
  }
  /// How often memory was asked of the system: constant from the second step on.
  std::size_t system_allocations() const { return blocks_.size(); }

  /// The arena of this thread, from which every operation takes its result.
  static Workspace& current() { return *current_pointer(); }

  /// Makes an arena the current one of this thread for the lifetime of the scope.
  class Scope {
   public:
    explicit Scope(Workspace& w) : previous_(current_pointer()) { current_pointer() = &w; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { current_pointer() = previous_; }

   private:
    Workspace* previous_;
  };

 private:
  struct Block {
    void* data;
    std::size_t size;
  };

  static Workspace*& current_pointer() {
    thread_local Workspace own;
    thread_local Workspace* pointer = &own;
    return pointer;
  }
  /// Goes on to the next block that holds `bytes`, which is made if there is none.
  [[gnu::noinline]] void next_block(std::size_t bytes) {
    while (at_.block < blocks_.size() && at_.used + bytes > blocks_[at_.block].size) at_ = {at_.block + 1, 0};
    if (at_.block < blocks_.size()) return;
    std::size_t size = blocks_.empty() ? std::size_t{1} << 18 : blocks_.back().size * 2;
    if (size > (std::size_t{1} << 26)) size = std::size_t{1} << 26;
    if (size < bytes) size = bytes;
    add_block(size);
  }
  void add_block(std::size_t size) { blocks_.push_back({Memory::allocate(size), size}); }
  std::size_t largest() const {
    std::size_t most = 0;
    for (const Block& b : blocks_) most = b.size > most ? b.size : most;
    return most;
  }

  std::vector<Block> blocks_;
  Mark at_;
};

/// Rewinds the current workspace at the end of a scope: intermediates of the scope die there.
template <class Memory>
class Scratch {
 public:
  Scratch() : workspace_(Workspace<Memory>::current()), mark_(workspace_.mark()) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { workspace_.rewind(mark_); }

 private:
  Workspace<Memory>& workspace_;
  typename Workspace<Memory>::Mark mark_;
};

}  // namespace moesaic
