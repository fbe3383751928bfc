// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include <moesaic/core/shape.hpp>
#include <moesaic/io/text.hpp>

namespace moesaic::io {

/// Reads a small text from left to right; whatever is not as expected is an error that says where it stands.
class Scanner {
 public:
  Scanner(std::string where, std::string_view text) : where_(std::move(where)), text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  std::string_view rest() const { return text_.substr(at_); }
  const std::string& where() const { return where_; }

  void skip(std::string_view blanks) { at_ = std::min(text_.find_first_not_of(blanks, at_), text_.size()); }
  void advance(std::size_t count) { at_ = std::min(at_ + count, text_.size()); }
  /// Takes `token` if the text goes on with it.
  bool accept(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) unexpected(in_quotes(token));
  }
  /// The text up to the next of `delimiters`, which is not taken.
  std::string_view until(std::string_view delimiters) {
    const std::size_t end = std::min(text_.find_first_of(delimiters, at_), text_.size());
    const std::size_t begin = std::exchange(at_, end);  // the order in which arguments are evaluated is open
    return text_.substr(begin, end - begin);
  }
  /// A decimal number without sign that `Index` holds.
  Index integer() {
    Index value = 0;
    const bool digit = peek() >= '0' && peek() <= '9';
    const auto [end, problem] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (!digit || problem != std::errc{}) unexpected(digit ? "a smaller number" : "a number that is not negative");
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }

  [[noreturn]] void unexpected(std::string_view expected) const {
    fail(where_, ": byte ", at_, ": expected ", expected, ", actual ",
         at_end() ? std::string("the end") : in_quotes(text_.substr(at_, 20)));
  }

 private:
  std::string where_;
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace moesaic::io
