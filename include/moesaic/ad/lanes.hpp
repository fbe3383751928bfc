// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <memory>
#include <type_traits>
#include <vector>

#include <moesaic/ad/tape.hpp>
#include <moesaic/core/parallel.hpp>

namespace moesaic {

/// What one thread needs to run a part of a step on its own: a workspace and a tape of values of type `A`.
template <class A>
struct Lane {
  using Memory = typename BackendOf<A>::Memory;
  Workspace<Memory> workspace;
  Tape<A> tape;
};

/// Runs the independent parts of a step (experts, pieces of a batch) on all threads, each with its own lane.
///
/// Parts write to places of their own, and the caller adds these up in a fixed order: the same bits at any thread count. Memory
/// is kept from step to step, and lanes that did less are grown to the largest, so that a repeated step allocates nothing.
template <class A>
class Lanes {
  using Memory = typename Lane<A>::Memory;

 public:
  /// Calls `f(tape, i)` for i = 0 .. count - 1; what `f` makes in the workspace dies when it returns.
  template <class F>
  void run(Index count, const F& f) {
    constexpr bool on_host = std::is_same_v<Memory, HostMemory>;  // another device has work for all its threads in every part
    // In a parallel region of the caller, which may have more threads, the one that calls runs all parts.
    const int lanes = std::max(on_host ? thread_count() : 1, thread_index() + 1);
    while (int(lanes_.size()) < lanes) lanes_.push_back(std::make_unique<Lane<A>>());
    parallel_for(count, on_host, [&](Index i) {
      Lane<A>& lane = *lanes_[std::size_t(thread_index())];
      typename Workspace<Memory>::Scope scope(lane.workspace);
      lane.workspace.reset();
      lane.tape.reset();
      const Scratch<HostMemory> scratch;  // what a part of another device keeps on the host
      f(lane.tape, i);
    });
    for (bool grown = true; grown;) {
      grown = false;
      for (auto& a : lanes_)
        for (auto& b : lanes_) {
          grown = a->workspace.match(b->workspace) || grown;
          grown = a->tape.match(b->tape) || grown;
        }
    }
  }

  /// Bytes held by all lanes.
  std::size_t capacity() const {
    std::size_t n = 0;
    for (auto& l : lanes_) n += l->workspace.capacity() + l->tape.capacity();
    return n;
  }

 private:
  std::vector<std::unique_ptr<Lane<A>>> lanes_;
};

}  // namespace moesaic
