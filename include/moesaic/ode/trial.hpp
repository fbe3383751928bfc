// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <moesaic/ops/checkpoint.hpp>

namespace moesaic::ode::detail {

/// Memory that a workspace handed out since a mark.
struct Region {
  std::uintptr_t begin, end;
  bool whole;  ///< in one block; if not, anything may lie in it
  bool holds(const void* p) const {
    const auto at = reinterpret_cast<std::uintptr_t>(p);
    return !whole || (at >= begin && at < end);
  }
};

/// The tapes, one a level, on which values were seen.
template <class X>
struct Tapes {
  void see(const X&) {}
  void mark() {}
  bool same(const Tapes&) const { return true; }
  bool reached_from(const Region&) const { return false; }
  void rewind() const {}
};
template <class A>
struct Tapes<Dual<A>> : Tapes<A> {
  void see(const Dual<A>& x) {
    Tapes<A>::see(x.value);
    Tapes<A>::see(x.tangent);
  }
};
template <class A>
struct Tapes<Var<A>> : Tapes<A> {
  Tape<A>* tape = nullptr;
  typename Tape<A>::Mark at{};

  void see(const Var<A>& x) {
    if (x.node) tape = x.node->tape;
    Tapes<A>::see(x.value);
  }
  void mark() {
    if (tape) at = tape->mark();
    Tapes<A>::mark();
  }
  bool same(const Tapes& other) const { return tape == other.tape && Tapes<A>::same(other); }
  /// Whether an older node may have got its adjoint's memory in the region: a `view` taken since the mark does that.
  bool reached_from(const Region& region) const {
    if (tape)
      for (const Node<A>* n = tape->last(); n != at.last; n = n->previous)
        if (n->owned && region.holds(primal(n->adjoint).data())) return true;
    return Tapes<A>::reached_from(region);
  }
  void rewind() const {
    if (tape) tape->rewind(at);
    Tapes<A>::rewind();
  }
};

/// Drops what a field left on tapes and in the workspace since `begin`.
template <class X>
class Trial {
  using Arena = Workspace<typename BackendOf<X>::Memory>;

 public:
  /// `known` are values made before: they tell the tapes.
  template <class... Known>
  void begin(const Known&... known) {
    tapes_ = {};
    (tapes_.see(known), ...);
    tapes_.mark();
    start_ = Arena::current().take(0);
    at_ = Arena::current().mark();
  }
  /// `made` are the values made since. Where dropping them is not safe, they stay: nothing leads to them.
  void undo(std::span<const X> made) const {
    if constexpr (is_recorded<X>) {
      auto tapes = tapes_;
      for (const X& x : made) tapes.see(x);
      const auto address = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p); };
      const bool whole = Arena::current().mark().block == at_.block;
      if (!tapes.same(tapes_) || tapes_.reached_from({address(start_), address(Arena::current().take(0)), whole})) return;
      tapes_.rewind();
    }
    Arena::current().rewind(at_);
  }

 private:
  Tapes<X> tapes_;
  void* start_ = nullptr;
  typename Arena::Mark at_;
};

}  // namespace moesaic::ode::detail
