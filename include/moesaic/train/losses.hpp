// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>

#include <moesaic/core/shape.hpp>

namespace moesaic {

/// What one evaluation of a loss reports: the total, which is what the gradient belongs to, and the terms that it is made of.
///
/// A plain number is a total without terms. Names must outlive the run (string literals do); nothing is allocated.
class Losses {
 public:
  static constexpr int capacity = 16;

  Losses(double total) { terms_[0] = {"total", total}; }
  /// From a list of members `name` and `value`, the total first.
  template <class Terms>
  requires requires(const Terms& t) { std::string_view(t.begin()->name), double(t.begin()->value); }
  Losses(const Terms& terms) {
    count_ = 0;
    for (const auto& t : terms) add(t.name, double(t.value));
    require(count_ > 0, "Losses: an empty list; expected the total at least");
  }

  Losses& add(std::string_view name, double value) {
    require(count_ < capacity, "Losses: more than ", capacity - 1, " terms; \"", name, "\" is one too many");
    terms_[std::size_t(count_++)] = {name, value};
    return *this;
  }
  /// Adds a term that the total does not yet contain.
  Losses& add_to_total(std::string_view name, double value) {
    terms_[0].value += value;
    return add(name, value);
  }

  double total() const { return terms_[0].value; }
  /// Number of values, the total included, which is the first.
  int count() const { return count_; }
  std::string_view name(int i) const { return terms_[std::size_t(i)].name; }
  double value(int i) const { return terms_[std::size_t(i)].value; }

 private:
  struct Term {
    std::string_view name;
    double value;
  };
  std::array<Term, capacity> terms_{};
  int count_ = 1;
};

}  // namespace moesaic
