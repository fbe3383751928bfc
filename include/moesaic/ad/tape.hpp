// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <new>
#include <type_traits>

#include <moesaic/ad/level.hpp>
#include <moesaic/core/host_memory.hpp>

namespace moesaic {

template <class A>
class Tape;

/// A pair `(x, g)` whose product `x^T g` belongs to a weight's adjoint; gathered, so that one weight costs one product.
template <class A>
struct Deferred {
  A x, g;
  Deferred* next;
};

/// What the tape knows of one recorded value.
template <class A>
struct Node {
  Tape<A>* tape = nullptr;
  Node* previous = nullptr;
  void (*pull)(Node&) = nullptr;  ///< hands the adjoint on to the inputs; null for a leaf
  A value{};
  A adjoint{};          ///< absent until something arrives: an input that nothing reaches costs nothing
  bool wanted = true;   ///< false for a constant, which has a node only to cache what is made of it
  bool owned = false;   ///< whether `adjoint` is this node's own memory, so that later contributions add in place
  A transposed{};       ///< the value with its last two axes swapped, made at most once
  Deferred<A>* deferred = nullptr;
  Index deferred_count = 0;
};

/// A linear arena of nodes, swept iteratively backwards. Rewinding it frees nothing: steps after the first allocate nothing.
template <class A>
class Tape {
 public:
  Tape() = default;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// An input with respect to which derivatives are taken.
  Var<A> leaf(const A& value) { return {value, append<Node<A>>(value)}; }

  /// A value without derivative, used often: what is made of it (its transpose) is made once.
  Var<A> constant(const A& value) {
    auto* node = append<Node<A>>(value);
    node->wanted = false;
    return {value, node};
  }

  /// A value computed from recorded ones; `pull(adjoint)` accumulates into them. `Pull` is trivially copyable.
  template <class Pull>
  Var<A> record(const A& value, const Pull& pull) {
    struct Recorded : Node<A> {
      Pull pull_back;
      explicit Recorded(const Pull& p) : pull_back(p) {}
    };
    static_assert(std::is_trivially_destructible_v<Pull>, "a tape's arena runs no destructors");
    auto* node = append<Recorded>(value, pull);
    node->pull = [](Node<A>& n) { static_cast<Recorded&>(n).pull_back(n.adjoint); };
    return {value, node};
  }

  void defer(Node<A>& node, const A& x, const A& g) {
    node.deferred = new (arena_.take(sizeof(Deferred<A>))) Deferred<A>{x, g, node.deferred};
    ++node.deferred_count;
  }

  /// Memory that lives as long as the nodes.
  void* allocate(std::size_t bytes) { return arena_.take(bytes); }

  struct Mark {
    Node<A>* last;
    typename Workspace<HostMemory>::Mark arena;
  };
  Mark mark() const { return {last_, arena_.mark()}; }
  void rewind(Mark mark) {
    last_ = mark.last;
    arena_.rewind(mark.arena);
  }
  void reset() { rewind({nullptr, {}}); }
  Node<A>* last() const { return last_; }
  bool match(const Tape& other) { return arena_.match(other.arena_); }
  std::size_t capacity() const { return arena_.capacity(); }

 private:
  template <class N, class... Args>
  N* append(const A& value, const Args&... args) {
    auto* node = new (arena_.take(sizeof(N))) N(args...);
    node->tape = this;
    node->previous = last_;
    node->value = value;
    last_ = node;
    return node;
  }

  Workspace<HostMemory> arena_;
  Node<A>* last_ = nullptr;
};

}  // namespace moesaic
