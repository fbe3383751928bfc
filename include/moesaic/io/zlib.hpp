// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <zlib.h>

#include <algorithm>

#include <moesaic/io/npz.hpp>

/// Compressed .npz files through zlib (https://zlib.net; link with -lz). Opt-in: nothing else of Moesaic needs zlib.
namespace moesaic::npz {

namespace zlib_detail {

inline constexpr int raw = -MAX_WBITS;                             ///< deflate data without the zlib frame, as zip holds them
inline constexpr std::size_t longest_step = std::size_t{1} << 30;  ///< zlib counts in 32 bits

/// zlib does not write through its input pointer, but its type is not const in every version.
inline Bytef* input(const std::byte* p) { return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(p)); }

struct Inflater {
  z_stream stream{};
  explicit Inflater(const std::string& where) { require(inflateInit2(&stream, raw) == Z_OK, where, ": zlib has no memory"); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
};

inline std::vector<std::byte> inflate_all(const std::string& where, std::span<const std::byte> packed, std::uint64_t size) {
  Inflater z(where);
  // Grows with the bytes that really come: the size that the archive claims costs nothing before it has proved true.
  std::vector<std::byte> out(std::size_t(std::min<std::uint64_t>(size, 4 * packed.size() + 64)));
  std::size_t taken = 0, given = 0;
  std::byte beyond{};  // one more than expected, to notice data that are too long
  for (int state = Z_OK; state != Z_STREAM_END;) {
    if (given == out.size() && given < size) out.resize(std::size_t(std::min<std::uint64_t>(size, 2 * std::uint64_t{given})));
    const bool full = given == out.size();
    const std::size_t in_step = std::min(packed.size() - taken, longest_step),
                      out_step = full ? 1 : std::min(out.size() - given, longest_step);
    z.stream.next_in = input(packed.data() + taken);
    z.stream.avail_in = uInt(in_step);
    z.stream.next_out = reinterpret_cast<Bytef*>(full ? &beyond : out.data() + given);
    z.stream.avail_out = uInt(out_step);
    state = ::inflate(&z.stream, Z_NO_FLUSH);
    taken += in_step - z.stream.avail_in;
    given += full ? 0 : out_step - z.stream.avail_out;
    require(!full || z.stream.avail_out == 1, where, ": is damaged: expected ", size, " bytes, its compressed data hold more");
    require(state == Z_OK || state == Z_STREAM_END, where, ": is damaged: its compressed data are invalid after ", given, " of ",
            size, " bytes");
  }
  require(given == size && taken == packed.size(), where, ": is damaged: expected ", size, " bytes from ", packed.size(),
          " compressed ones, got ", given, " from ", taken);
  return out;
}

inline std::vector<std::byte> deflate_all(std::span<const std::byte> bytes) {
  z_stream z{};
  constexpr int default_memory = 8;
  require(deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, raw, default_memory, Z_DEFAULT_STRATEGY) == Z_OK,
          "zlib has no memory");
  std::vector<std::byte> out(deflateBound(&z, uLong(bytes.size())));
  std::size_t taken = 0, given = 0;
  for (int state = Z_OK; state == Z_OK;) {
    const std::size_t in_step = std::min(bytes.size() - taken, longest_step),
                      out_step = std::min(out.size() - given, longest_step);
    z.next_in = input(bytes.data() + taken);
    z.avail_in = uInt(in_step);
    z.next_out = reinterpret_cast<Bytef*>(out.data() + given);
    z.avail_out = uInt(out_step);
    state = ::deflate(&z, taken + in_step == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    taken += in_step - z.avail_in;
    given += out_step - z.avail_out;
  }
  deflateEnd(&z);
  require(taken == bytes.size(), "zlib: ", taken, " of ", bytes.size(), " bytes were compressed");
  out.resize(given);
  return out;
}

}  // namespace zlib_detail

/// Deflate through zlib: `npz::open(path, npz::zlib)`, `npz::save(path, arrays, npz::zlib)`.
inline constexpr Codec zlib{zlib_detail::inflate_all, zlib_detail::deflate_all};

}  // namespace moesaic::npz
