// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace moesaic::io {

/// Tables for eight bytes at a time: `table[k][b]` is the remainder of byte `b` followed by `k` zero bytes.
inline constexpr auto crc32_tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> table{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t r = b;
    for (int bit = 0; bit < 8; ++bit) r = (r >> 1) ^ (r & 1 ? 0xEDB88320u : 0u);
    table[0][b] = r;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t b = 0; b < 256; ++b) table[k][b] = (table[k - 1][b] >> 8) ^ table[0][table[k - 1][b] & 0xFF];
  return table;
}();

/// CRC-32 of ISO 3309, as zip uses it; `previous` continues an earlier one.
inline std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t previous = 0) {
  const auto& table = crc32_tables;
  std::uint32_t r = ~previous;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    word ^= r;
    r = 0;
    for (std::size_t k = 0; k < 8; ++k) r ^= table[7 - k][(word >> (8 * k)) & 0xFF];
  }
  for (std::byte b : bytes) r = (r >> 8) ^ table[0][(r ^ std::to_integer<std::uint32_t>(b)) & 0xFF];
  return ~r;
}

}  // namespace moesaic::io
