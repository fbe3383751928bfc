// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <optional>

#include <moesaic/io/file.hpp>
#include <moesaic/io/text.hpp>
#include <moesaic/io/zip_records.hpp>

namespace moesaic::zip {

/// Where the central directory lies, and how many members it lists.
struct Directory {
  std::uint64_t offset, size, count;
};

/// The record at the very end of an archive (behind it only a comment, whose length it gives), and its zip64 extension.
inline Directory find_directory(const io::InputFile& file) {
  constexpr std::uint64_t longest_comment = 0xFFFF;
  const std::uint64_t total = file.size();
  std::vector<std::byte> tail(static_cast<std::size_t>(std::min(total, end_bytes + longest_comment)));
  file.read(total - tail.size(), tail);
  std::optional<std::size_t> found;
  for (std::size_t at = tail.size() < end_bytes ? 0 : tail.size() - end_bytes + 1; at-- > 0 && !found;)
    if (field<std::uint32_t>(tail, at) == end_signature && at + end_bytes + field<std::uint16_t>(tail, at + 20) == tail.size())
      found = at;
  require(found.has_value(), file.path(),
          ": expected a .npz (zip) archive, it lacks a zip archive's end record; is it truncated?");

  const auto end = std::span<const std::byte>(tail).subspan(*found, end_bytes);
  std::uint64_t limit = total - tail.size() + *found;
  std::uint64_t disks = field<std::uint16_t>(end, 4) + field<std::uint16_t>(end, 6);
  Directory d{field<std::uint32_t>(end, 16), field<std::uint32_t>(end, 12), field<std::uint16_t>(end, 10)};
  std::uint64_t count_here = field<std::uint16_t>(end, 8);
  if (d.offset == all32 || d.size == all32 || d.count == all16) {
    std::array<std::byte, locator_bytes> locator{};
    std::array<std::byte, end64_bytes> end64{};
    require(limit >= locator_bytes + end64_bytes, file.path(), ": expected a zip64 end record, the archive has only ", total,
            " bytes");
    file.read(limit - locator_bytes, locator);
    const auto at = field<std::uint64_t>(locator, 8);
    require(field<std::uint32_t>(locator, 0) == locator_signature && at <= limit - locator_bytes - end64_bytes, file.path(),
            ": the zip64 end record is not where the archive says");
    file.read(at, end64);
    require(field<std::uint32_t>(end64, 0) == end64_signature, file.path(),
            ": the zip64 end record is not where the archive says");
    disks = std::uint64_t{field<std::uint32_t>(end64, 16)} + field<std::uint32_t>(end64, 20);
    count_here = field<std::uint64_t>(end64, 24);
    d = {field<std::uint64_t>(end64, 48), field<std::uint64_t>(end64, 40), field<std::uint64_t>(end64, 32)};
    limit = at;
  }
  require(disks == 0 && count_here == d.count, file.path(), ": expected one zip archive, it is a part of several");
  require(d.offset <= limit && d.size <= limit - d.offset, file.path(), ": the zip directory (", d.size, " bytes from ", d.offset,
          ") runs beyond byte ", limit, ", where it has to end");
  require(d.count <= d.size / central_bytes, file.path(), ": the zip directory has ", d.size, " bytes, too few for the ", d.count,
          " members it claims");
  return d;
}

/// Replaces the fields of a member that say so by those of its zip64 extra field.
inline void apply_zip64(const std::string& path, Member& m, std::span<const std::byte> extra) {
  std::array<std::uint64_t*, 3> wanted{};
  std::size_t count = 0;
  for (std::uint64_t* f : {&m.size, &m.packed, &m.offset})
    if (*f == all32) wanted[count++] = f;
  while (count != 0 && extra.size() >= 4) {
    const std::size_t size = std::min<std::size_t>(field<std::uint16_t>(extra, 2), extra.size() - 4);
    if (field<std::uint16_t>(extra, 0) == zip64_extra && size >= 8 * count) {
      for (std::size_t i = 0; i < count; ++i) *wanted[i] = field<std::uint64_t>(extra, 4 + 8 * i);
      return;
    }
    extra = extra.subspan(4 + size);
  }
  require(count == 0, path, ": member ", io::in_quotes(m.name), " lacks its zip64 sizes");
}

/// Lists the members of a zip archive. Errors: it is not one, is truncated, or its directory contradicts itself.
inline std::vector<Member> read_directory(const io::InputFile& file) {
  const Directory d = find_directory(file);
  std::vector<std::byte> bytes(static_cast<std::size_t>(d.size));
  file.read(d.offset, bytes);
  std::vector<Member> members;
  std::span<const std::byte> rest = bytes;
  for (std::uint64_t i = 0; i < d.count; ++i) {
    require(rest.size() >= central_bytes && field<std::uint32_t>(rest, 0) == central_signature, file.path(),
            ": expected a description of member ", i, " of ", d.count, " in the zip directory");
    const std::size_t name = field<std::uint16_t>(rest, 28), extra = field<std::uint16_t>(rest, 30),
                      note = field<std::uint16_t>(rest, 32);
    require(rest.size() - central_bytes >= name + extra + note, file.path(), ": member ", i, " of ", d.count,
            " runs beyond the zip directory");
    Member m{{reinterpret_cast<const char*>(rest.data()) + central_bytes, name},
             field<std::uint16_t>(rest, 8),
             field<std::uint16_t>(rest, 10),
             field<std::uint32_t>(rest, 16),
             field<std::uint32_t>(rest, 20),
             field<std::uint32_t>(rest, 24),
             field<std::uint32_t>(rest, 42)};
    apply_zip64(file.path(), m, rest.subspan(central_bytes + name, extra));
    require(m.offset <= d.offset && d.offset - m.offset >= local_bytes && m.packed <= d.offset - m.offset - local_bytes,
            file.path(), ": member ", io::in_quotes(m.name), " claims ", m.packed, " bytes from ", m.offset,
            ", the archive's data end at ", d.offset);
    require(m.method != stored || m.packed == m.size, file.path(), ": member ", io::in_quotes(m.name),
            " is stored as it is, but claims ", m.packed, " bytes in the archive and ", m.size, " outside");
    members.push_back(std::move(m));
    rest = rest.subspan(central_bytes + name + extra + note);
  }
  require(rest.empty(), file.path(), ": the zip directory has ", rest.size(), " bytes behind its ", d.count, " members");
  return members;
}

/// Offset of a member's first byte, behind its local header, which must agree with the directory.
inline std::uint64_t data_offset(const io::InputFile& file, const Member& m) {
  std::array<std::byte, local_bytes> local{};
  file.read(m.offset, local);
  require(field<std::uint32_t>(local, 0) == local_signature, file.path(), ": member ", io::in_quotes(m.name), " is not at byte ",
          m.offset, ", where the zip directory says");
  const std::size_t name = field<std::uint16_t>(local, 26), extra = field<std::uint16_t>(local, 28);
  const std::uint64_t begin = m.offset + local_bytes + name + extra;
  require(name == m.name.size() && field<std::uint16_t>(local, 8) == m.method && begin <= file.size() &&
              m.packed <= file.size() - begin,
          file.path(), ": member ", io::in_quotes(m.name), " contradicts the zip directory");
  std::string local_name(name, '\0');
  file.read(m.offset + local_bytes, std::as_writable_bytes(std::span(local_name)));
  require(local_name == m.name, file.path(), ": member ", io::in_quotes(m.name), " is called ", io::in_quotes(local_name),
          " in its own header");
  return begin;
}

}  // namespace moesaic::zip
