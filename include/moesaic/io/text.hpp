// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moesaic::io {

/// Bytes of the UTF-8 character that `text` starts with, 0 where it starts with none (RFC 3629, table 3-7 of Unicode).
inline std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return follows(1) ? 2 : 0;
  if (first < 0xF0) return follows(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
  if (first < 0xF5)
    return follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3) ? 4 : 0;
  return 0;
}

inline bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

/// A name or cell that came from a file, made fit for an error message: quoted, shortened, without control characters.
inline std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 60;
  constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (std::size_t at = 0, n = 0; at < text.size(); at += n) {
    if (at >= longest) return out + "...\"";
    const auto c = static_cast<unsigned char>(text[at]);
    n = utf8_length(text.substr(at));
    if (n == 0 || c < 0x20 || c == 0x7F) {
      out += {'\\', 'x', digits[c >> 4], digits[c & 15]};
      n = 1;
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += text.substr(at, n);
    }
  }
  return out + '"';
}

/// `"a", "b", "c"`: the known names, for an error about an unknown one.
template <class Names>
std::string quoted_list(const Names& names) {
  std::string out;
  std::size_t n = 0;
  for (const auto& name : names) {
    if (n++ == 20) return out + ", ...";
    out += (out.empty() ? "" : ", ") + in_quotes(name);
  }
  return out.empty() ? "none" : out;
}

/// A name that occurs twice, if one does.
inline std::optional<std::string> duplicate(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const auto twin = std::adjacent_find(names.begin(), names.end());
  return twin == names.end() ? std::nullopt : std::optional(*twin);
}

}  // namespace moesaic::io
