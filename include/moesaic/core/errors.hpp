// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <initializer_list>
#include <sstream>
#include <stdexcept>
#include <string>

namespace moesaic {

/// Every error that Moesaic raises: the message names the thing, what was expected and what was met.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace detail {

/// A part of a message, its type erased: one function writes all messages, whatever they are made of, for the compiler's sake.
struct MessagePart {
  const void* value;
  void (*write)(std::ostream&, const void*);

  MessagePart(const char* text) : value(text), write([](std::ostream& out, const void* at) { out << static_cast<const char*>(at); }) {}
  template <class T>
  MessagePart(const T& part) : value(&part), write([](std::ostream& out, const void* at) { out << *static_cast<const T*>(at); }) {}
};

[[noreturn]] inline void fail_with(std::initializer_list<MessagePart> parts) {
  std::ostringstream message;
  for (const auto& part : parts) part.write(message, part.value);
  throw Error(message.str());
}

}  // namespace detail

/// Throws `Error` with the concatenated parts as its message.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  detail::fail_with({parts...});
}

/// Throws `Error` with the concatenated parts unless `condition` holds.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(parts...);
}

}  // namespace moesaic
