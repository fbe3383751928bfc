// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <moesaic/io/file.hpp>
#include <moesaic/io/json.hpp>

namespace common {

/// Builds JSON text; numbers that JSON cannot hold (a diverged solve) become null.
class Json {
 public:
  Json& open(char bracket) {
    separate();
    text_ += bracket;
    first_ = true;
    return *this;
  }
  Json& close(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
  }
  Json& key(std::string_view name) {
    separate();
    text_ += moesaic::io::json::quote(name) + ": ";
    first_ = true;
    return *this;
  }
  Json& value(std::string_view s) { return raw(moesaic::io::json::quote(s)); }
  Json& value(const std::string& s) { return value(std::string_view(s)); }
  Json& value(const char* s) { return value(std::string_view(s)); }
  Json& value(bool b) { return raw(b ? "true" : "false"); }
  template <class T>
  Json& value(T x) requires std::is_arithmetic_v<T> {
    if constexpr (std::is_floating_point_v<T>)
      if (!std::isfinite(x)) return raw("null");
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, x).ptr;
    return raw({buffer, std::size_t(end - buffer)});
  }
  template <class T>
  Json& value(const std::vector<T>& list) {
    open('[');
    for (const T& x : list) value(x);
    return close(']');
  }
  template <class T>
  Json& member(std::string_view name, const T& x) {
    key(name);
    return value(x);
  }
  void save(const std::string& path) const {
    moesaic::io::OutputFile file(path);
    file.write(text_ + "\n");
    file.commit();
  }

 private:
  void separate() {
    if (!first_ && !text_.empty()) text_ += ", ";
    first_ = false;
  }
  Json& raw(std::string_view s) {
    separate();
    text_ += s;
    return *this;
  }
  std::string text_;
  bool first_ = true;
};

}  // namespace common
