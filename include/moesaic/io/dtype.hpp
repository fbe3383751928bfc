// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include <moesaic/core/errors.hpp>

namespace moesaic::io {

static_assert(std::endian::native == std::endian::little, "Moesaic reads and writes numbers as they lie in little-endian memory");

/// The kinds of number an array in a file may hold.
enum class Dtype : unsigned char { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

struct DtypeEntry {
  Dtype dtype;
  std::size_t size;  ///< bytes of one number
  std::string_view npy, safetensors;
};

inline constexpr DtypeEntry dtypes[] = {
    {Dtype::f32, 4, "<f4", "F32"}, {Dtype::f64, 8, "<f8", "F64"},      {Dtype::i8, 1, "|i1", "I8"},
    {Dtype::i16, 2, "<i2", "I16"}, {Dtype::i32, 4, "<i4", "I32"},      {Dtype::i64, 8, "<i8", "I64"},
    {Dtype::u8, 1, "|u1", "U8"},   {Dtype::u16, 2, "<u2", "U16"},      {Dtype::u32, 4, "<u4", "U32"},
    {Dtype::u64, 8, "<u8", "U64"}, {Dtype::boolean, 1, "|b1", "BOOL"},
};

constexpr const DtypeEntry& entry(Dtype d) { return dtypes[static_cast<std::size_t>(d)]; }

/// The dtype that stores `T` exactly.
template <class T>
constexpr Dtype dtype_of() {
  static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool> && sizeof(T) <= 8,
                "arrays in files hold float, double or integers of 8 to 64 bits");
  for (const DtypeEntry& e : dtypes) {
    const bool same_kind = std::is_floating_point_v<T> ? e.npy[1] == 'f' : e.npy[1] == (std::is_signed_v<T> ? 'i' : 'u');
    if (same_kind && e.size == sizeof(T)) return e.dtype;
  }
  return Dtype::boolean;
}

/// Calls `f` with a zero of the type in which numbers of `dtype` are stored.
template <class F>
decltype(auto) with_type(Dtype dtype, F&& f) {
  switch (dtype) {
    case Dtype::f32:
      return f(float{});
    case Dtype::f64:
      return f(double{});
    case Dtype::i8:
      return f(std::int8_t{});
    case Dtype::i16:
      return f(std::int16_t{});
    case Dtype::i32:
      return f(std::int32_t{});
    case Dtype::i64:
      return f(std::int64_t{});
    case Dtype::u16:
      return f(std::uint16_t{});
    case Dtype::u32:
      return f(std::uint32_t{});
    case Dtype::u64:
      return f(std::uint64_t{});
    case Dtype::u8:
    case Dtype::boolean:
      break;
  }
  return f(std::uint8_t{});
}

/// Whether `value` can be stored as a `To`: integers exactly, real numbers within the range of `To` (they are rounded).
template <class To, class From>
bool fits(From value) {
  if constexpr (std::is_integral_v<To> && std::is_integral_v<From>) return std::in_range<To>(value);
  if constexpr (std::is_same_v<To, float> && std::is_same_v<From, double>)
    return !std::isfinite(value) || std::abs(value) <= double{std::numeric_limits<float>::max()};
  return true;
}

}  // namespace moesaic::io
