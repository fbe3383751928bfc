// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <moesaic/io/file.hpp>
#include <moesaic/io/text.hpp>
#include <moesaic/io/zip_records.hpp>

namespace moesaic::zip {

/// Writes a zip archive member by member; the same members give the same bytes (every date is 1980-01-01).
class Writer {
 public:
  explicit Writer(const std::string& path) : file_(path) {}

  /// Appends a member whose bytes in the archive are the given parts, one after the other.
  void add(Member m, std::initializer_list<std::span<const std::byte>> parts) {
    require(m.name.size() < all16, "zip: the name ", io::in_quotes(m.name), " is too long");
    m.offset = offset_;
    if (std::any_of(m.name.begin(), m.name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
      m.flags |= flag_utf8;
    const bool big = m.size >= all32 || m.packed >= all32;
    Record r;
    r.put(local_signature).put(version(big)).put(m.flags).put(m.method).put(date).put(m.crc);
    r.put(big ? all32 : std::uint32_t(m.packed)).put(big ? all32 : std::uint32_t(m.size));
    r.put(std::uint16_t(m.name.size())).put(std::uint16_t(big ? 20 : 0)).put_text(m.name);
    if (big) r.put(zip64_extra).put(std::uint16_t{16}).put(m.size).put(m.packed);
    write(r.bytes());
    for (const auto part : parts) write(part);
    members_.push_back(std::move(m));
  }

  /// Writes the directory and puts the archive in its place.
  void commit() {
    const std::uint64_t begin = offset_;
    for (const Member& m : members_) write(central(m).bytes());
    const std::uint64_t end = offset_, size = end - begin, count = members_.size();
    const bool big = begin >= all32 || size >= all32 || count >= all16;
    Record r;
    if (big) {
      r.put(end64_signature).put(std::uint64_t{end64_bytes - 12}).put(version(true)).put(version(true)).put(std::uint64_t{0});
      r.put(count).put(count).put(size).put(begin);
      r.put(locator_signature).put(std::uint32_t{0}).put(end).put(std::uint32_t{1});
    }
    r.put(end_signature).put(std::uint32_t{0}).put(big ? all16 : std::uint16_t(count)).put(big ? all16 : std::uint16_t(count));
    r.put(big ? all32 : std::uint32_t(size)).put(big ? all32 : std::uint32_t(begin)).put(std::uint16_t{0});
    write(r.bytes());
    file_.commit();
  }

 private:
  static constexpr std::uint32_t date = 0x00210000;  // time 0, date 1980-01-01
  /// Of the format that a reader has to know: 2.0, or 4.5 with 64-bit sizes.
  static constexpr std::uint16_t version(bool big) { return big ? 45 : 20; }

  static Record central(const Member& m) {
    const bool big = m.size >= all32 || m.packed >= all32 || m.offset >= all32;
    Record r;
    r.put(central_signature).put(version(big)).put(version(big)).put(m.flags).put(m.method).put(date).put(m.crc);
    r.put(big ? all32 : std::uint32_t(m.packed)).put(big ? all32 : std::uint32_t(m.size));
    r.put(std::uint16_t(m.name.size())).put(std::uint16_t(big ? 28 : 0)).put(std::uint16_t{0}).put(std::uint16_t{0});
    r.put(std::uint16_t{0}).put(std::uint32_t{0}).put(big ? all32 : std::uint32_t(m.offset)).put_text(m.name);
    if (big) r.put(zip64_extra).put(std::uint16_t{24}).put(m.size).put(m.packed).put(m.offset);
    return r;
  }
  void write(std::span<const std::byte> bytes) {
    file_.write(bytes);
    offset_ += bytes.size();
  }

  io::OutputFile file_;
  std::uint64_t offset_ = 0;
  std::vector<Member> members_;
};

}  // namespace moesaic::zip
