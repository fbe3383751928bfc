// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <moesaic/core/random.hpp>
#include <moesaic/train/parameter_file.hpp>

namespace moesaic {

namespace detail {
template <class T>
inline constexpr bool is_array = false;
template <class B>
inline constexpr bool is_array<Array<B>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;
template <class T, class Archive>
inline constexpr bool has_state = requires(T& t, Archive& a) {
  t.state(a);
};

template <class T, class Archive>
constexpr void check_archived() {
  static_assert(std::is_arithmetic_v<T> || std::is_same_v<T, Random> || is_array<T> || is_vector<T> || has_state<T, Archive>,
                "Moesaic: a checkpoint keeps numbers, Random, Array, std::vector of numbers, and classes with "
                "state(archive) [docs/training.md]");
}
}  // namespace detail

/// Writes a problem's own state: `archive("name", member)`.
class StateWriter {
 public:
  StateWriter(detail::ArrayWriter& out, std::string prefix) : out_(out), prefix_(std::move(prefix)) {}

  template <class T>
  void operator()(const std::string& name, T& value) {
    detail::check_archived<T, StateWriter>();
    const std::string full = prefix_ + name;
    if constexpr (detail::has_state<T, StateWriter>) {
      StateWriter inner(out_, full + ".");
      value.state(inner);
    } else if constexpr (std::is_same_v<T, Random>) {
      out_.add(full, std::vector<std::uint64_t>{value.counter()});
    } else if constexpr (detail::is_array<T>) {
      if (value) out_.add(full, value.tensor());  // an absent array is absent in the file
    } else if constexpr (detail::is_vector<T>) {
      out_.add(full, value);
    } else if constexpr (std::is_same_v<T, bool>) {
      out_.add(full, std::vector<std::uint8_t>{value});
    } else {
      out_.add(full, std::vector<T>{value});
    }
  }

 private:
  detail::ArrayWriter& out_;
  std::string prefix_;
};

/// Reads it back, or with `StateReader::Mode::check` only finds out whether that can be done.
///
/// An array that is there keeps its shape and its place, because a player may refer to it; one that is absent takes the file's.
class StateReader {
 public:
  enum class Mode { check, read };
  StateReader(detail::ArrayReader& in, std::string prefix, Mode mode) : in_(in), prefix_(std::move(prefix)), mode_(mode) {}

  template <class T>
  void operator()(const std::string& name, T& value) {
    detail::check_archived<T, StateReader>();
    const std::string full = prefix_ + name;
    if constexpr (detail::has_state<T, StateReader>) {
      StateReader inner(in_, full + ".", mode_);
      value.state(inner);
    } else if constexpr (std::is_same_v<T, Random>) {
      take(number<std::uint64_t>(full), [&](std::uint64_t n) { value.set_counter(n); });
    } else if constexpr (detail::is_array<T>) {
      using N = typename T::Scalar;
      if (value)
        take(in_.values<N>("state", full, value.shape(), true), [&](const auto& n) { T::Backend::from_host(value.tensor(), n.data()); });
      else if (in_.contains(full))
        take(in_.values<N>("state", full, true),
             [&](const auto& n) { value = T(detail::shape_of(in_.path() + ": " + full, in_.file().at(full).shape()), n); });
    } else if constexpr (detail::is_vector<T>) {
      take(in_.values<typename T::value_type>("state", full, true), [&](const auto& n) { value = n; });
    } else if constexpr (std::is_same_v<T, bool>) {
      take(number<std::uint8_t>(full), [&](std::uint8_t n) { value = n != 0; });
    } else {
      take(number<T>(full), [&](T n) { value = n; });
    }
  }

 private:
  template <class N>
  N number(const std::string& name) {
    return in_.values<N>("state", name, Shape{1}, true)[0];
  }
  template <class N, class F>
  void take(const N& found, const F& into) const {
    if (mode_ == Mode::read) into(found);
  }

  detail::ArrayReader& in_;
  std::string prefix_;
  Mode mode_;
};

}  // namespace moesaic
