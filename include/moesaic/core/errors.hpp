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

/// A computation that leaves the numbers or cannot go on, as a solve that diverges. Where several experts are tried it counts against
/// the one that it befell; any other error ends the trial.
struct Diverged : Error {
  using Error::Error;
};

/// Work that a backend cannot record, to do it again later: it waits for the device, or asks for memory of it.
struct CannotRecord : Error {
  using Error::Error;
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

inline std::string message_of(std::initializer_list<MessagePart> parts) {
  std::ostringstream message;
  for (const auto& part : parts) part.write(message, part.value);
  return message.str();
}

}  // namespace detail

/// Throws `Error` with the concatenated parts as its message.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(detail::message_of({parts...}));
}

/// Throws `Error` with the concatenated parts unless `condition` holds.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    fail(parts...);
}

/// Throws `Diverged` with the concatenated parts unless `condition` holds.
template <class... Parts>
void require_convergence(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    throw Diverged(detail::message_of({parts...}));
}

}  // namespace moesaic
