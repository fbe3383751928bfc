// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <moesaic/io/scanner.hpp>

/// As much of JSON (RFC 8259) as a safetensors header needs: strings, numbers without sign, and the walk over objects and lists.
///
/// The reader knows what to expect, so no tree of values is built, nothing recurses, and a repeated key can be refused.
namespace moesaic::io::json {

inline constexpr std::string_view blanks = " \t\r\n";

inline unsigned hex4(Scanner& text) {
  unsigned value = 0;
  for (int i = 0; i < 4; ++i) {
    constexpr std::string_view digits = "0123456789abcdef0123456789ABCDEF";
    const std::size_t digit = text.at_end() ? std::string_view::npos : digits.find(text.peek());
    if (digit == std::string_view::npos) text.unexpected("four hexadecimal digits");
    value = value * 16 + unsigned(digit % 16);
    text.advance(1);
  }
  return value;
}

inline std::string utf8(unsigned code) {
  const auto tail = [code](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0 | (code >> 6)), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0 | (code >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (code >> 18)), tail(12), tail(6), tail(0)};
}

inline std::string escape(Scanner& text) {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  if (const std::size_t i = text.at_end() ? letters.npos : letters.find(text.peek()); i != letters.npos) {
    text.advance(1);
    return {meanings[i]};
  }
  text.expect("u");
  const unsigned first = hex4(text);
  if (first >= 0xDC00 && first < 0xE000) text.unexpected("a high surrogate before a low one");
  if (first < 0xD800 || first >= 0xE000) return utf8(first);
  text.expect("\\u");
  const unsigned second = hex4(text);
  if (second < 0xDC00 || second >= 0xE000) text.unexpected("a low surrogate behind a high one");
  return utf8(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
}

/// A string, whose text must be UTF-8 without control characters.
inline std::string string(Scanner& text) {
  text.skip(blanks);
  text.expect("\"");
  std::string out;
  while (!text.accept("\"")) {
    if (text.accept("\\")) {
      out += escape(text);
      continue;
    }
    const std::size_t n = utf8_length(text.rest());
    if (n == 0 || static_cast<unsigned char>(text.peek()) < 0x20) text.unexpected("a character of a string");
    out += text.rest().substr(0, n);
    text.advance(n);
  }
  return out;
}

inline Index integer(Scanner& text) {
  text.skip(blanks);
  if (text.rest().size() > 1 && text.peek() == '0' && text.rest()[1] >= '0' && text.rest()[1] <= '9')
    text.unexpected("a number without leading zeros");
  return text.integer();
}

/// Walks over `open` item, item ... `close`, calling `item()` with the text at each.
template <class Item>
void sequence(Scanner& text, std::string_view open, std::string_view close, Item&& item) {
  text.skip(blanks);
  text.expect(open);
  text.skip(blanks);
  if (text.accept(close)) return;
  do {
    item();
    text.skip(blanks);
  } while (text.accept(","));
  text.expect(close);
}

/// Walks over the members of an object, calling `member(key)` with the text at each value.
template <class Member>
void object(Scanner& text, Member&& member) {
  sequence(text, "{", "}", [&] {
    const std::string key = string(text);
    text.skip(blanks);
    text.expect(":");
    member(key);
  });
}

inline std::vector<Index> integers(Scanner& text) {
  std::vector<Index> out;
  sequence(text, "[", "]", [&] { out.push_back(integer(text)); });
  return out;
}

/// `[1,2]`.
inline std::string list(const std::vector<Index>& numbers) {
  std::string out;
  for (Index n : numbers) out += (out.empty() ? "" : ",") + std::to_string(n);
  return "[" + out + "]";
}

/// The text as a JSON string, quotes included.
inline std::string quote(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      out += {'\\', 'u', '0', '0', digits[static_cast<unsigned char>(c) >> 4], digits[c & 15]};
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

}  // namespace moesaic::io::json
