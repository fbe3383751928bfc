// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moesaic::zip {

enum Method : std::uint16_t { stored = 0, deflated = 8 };

/// One file in a zip archive, as its central directory describes it.
struct Member {
  std::string name;
  std::uint16_t flags = 0, method = stored;
  std::uint32_t crc = 0;
  std::uint64_t packed = 0, size = 0;  ///< bytes in the archive, bytes when unpacked
  std::uint64_t offset = 0;            ///< of its local header
};

inline constexpr std::uint16_t flag_encrypted = 1 << 0, flag_utf8 = 1 << 11;
inline constexpr std::uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50,
                               end64_signature = 0x06064b50, locator_signature = 0x07064b50;
inline constexpr std::size_t local_bytes = 30, central_bytes = 46, end_bytes = 22, end64_bytes = 56, locator_bytes = 20;
inline constexpr std::uint16_t zip64_extra = 1;
inline constexpr std::uint16_t all16 = 0xFFFF;  ///< this and the next in a field: the value is in the zip64 record
inline constexpr std::uint32_t all32 = 0xFFFFFFFF;

/// Little-endian field at `offset`, which the caller has checked to lie inside.
template <class T>
T field(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

/// Record under construction: fields in the order of the format (APPNOTE.TXT 6.3, section 4.3).
class Record {
 public:
  template <class T>
  Record& put(T value) {
    const auto* p = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), p, p + sizeof(T));
    return *this;
  }
  Record& put_text(std::string_view text) {
    const auto* p = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), p, p + text.size());
    return *this;
  }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace moesaic::zip
