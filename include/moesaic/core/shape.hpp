// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <ostream>

#include <moesaic/core/errors.hpp>

namespace moesaic {

using Index = std::ptrdiff_t;

/// Extents of a row-major array of rank 0 to 4, batch first (`[batch, time, channel]`); rank 0 is a scalar.
class Shape {
 public:
  static constexpr int max_rank = 4;

  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<Index> extents) {
    if (extents.size() > std::size_t{max_rank}) fail("Shape: rank ", extents.size(), " is above the largest, ", max_rank);
    for (Index e : extents) push_back(e);
  }

  constexpr int rank() const { return rank_; }
  constexpr Index operator[](int axis) const { return extents_[std::size_t(axis)]; }
  constexpr Index& operator[](int axis) { return extents_[std::size_t(axis)]; }
  /// Extent counted from the last axis: `back()` is the innermost; 1 beyond the rank, as broadcasting reads it.
  constexpr Index back(int from_end = 0) const { return from_end < rank_ ? extents_[std::size_t(rank_ - 1 - from_end)] : 1; }
  constexpr Index size() const {
    Index n = 1;
    for (int a = 0; a < rank_; ++a) n *= (*this)[a];
    return n;
  }
  /// Number of rows when everything but the last axis is flattened.
  constexpr Index rows() const {
    Index n = 1;
    for (int a = 0; a + 1 < rank_; ++a) n *= (*this)[a];
    return n;
  }
  constexpr void push_back(Index extent) {
    if (rank_ == max_rank) fail("Shape: a rank above ", max_rank, " is not supported");
    if (extent < 0) fail("Shape: extent ", extent, " of axis ", rank_, " is negative");
    extents_[std::size_t(rank_++)] = extent;
  }
  friend constexpr bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }
  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    out << '[';
    for (int a = 0; a < s.rank(); ++a) out << (a ? ", " : "") << s[a];
    return out << ']';
  }

 private:
  std::array<Index, max_rank> extents_{};
  int rank_ = 0;
};

/// Shape of an elementwise result under NumPy's broadcasting rules (aligned at the last axis).
inline Shape broadcast(const Shape& a, const Shape& b) {
  if (a == b) return a;
  Shape out;
  const int rank = a.rank() > b.rank() ? a.rank() : b.rank();
  for (int k = rank - 1; k >= 0; --k) {
    const Index x = a.back(k), y = b.back(k);
    require(x == y || x == 1 || y == 1, "elementwise operation: shapes ", a, " and ", b, " do not broadcast");
    out.push_back(x == 1 ? y : x);
  }
  return out;
}

}  // namespace moesaic
