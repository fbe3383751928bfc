// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include <moesaic/io/crc32.hpp>
#include <moesaic/io/npy_header.hpp>
#include <moesaic/io/stored_array.hpp>
#include <moesaic/io/zip_reader.hpp>
#include <moesaic/io/zip_writer.hpp>

/// Sets of named arrays in NumPy's .npz format: a zip archive of .npy members.
namespace moesaic::npz {

/// How members are compressed; `npz::zlib` of <moesaic/io/zlib.hpp> is one. Without one they are stored as they are.
struct Codec {
  /// Inflates to exactly `size` bytes. Errors: the data are damaged or give more or fewer bytes.
  std::vector<std::byte> (*inflate)(const std::string& where, std::span<const std::byte> packed, std::uint64_t size);
  std::vector<std::byte> (*deflate)(std::span<const std::byte> bytes);
};
inline constexpr Codec no_codec{nullptr, nullptr};

/// An open .npz file; arrays are read from it on demand.
class File : public io::NamedArrays<File> {
 public:
  explicit File(const std::string& path, Codec codec = no_codec)
      : file_(std::make_shared<const io::InputFile>(path)), codec_(codec) {
    for (zip::Member& m : zip::read_directory(*file_)) {
      constexpr std::string_view suffix = ".npy";
      if (!std::string_view(m.name).ends_with(suffix)) continue;  // numpy.load, too, gives only these as arrays
      names_.push_back(m.name.substr(0, m.name.size() - suffix.size()));
      members_.push_back(std::move(m));
    }
    if (const auto twin = io::duplicate(names_)) fail(path, ": two arrays are named ", io::in_quotes(*twin));
  }

  const std::vector<std::string>& names() const { return names_; }

  /// Shape and dtype of an array. Errors: it is not there, is damaged or truncated, or not of a supported kind.
  io::StoredArray at(std::string_view name) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    require(found != names_.end(), file_->path(), ": has no array ", io::in_quotes(name),
            "; its arrays: ", io::quoted_list(names_));
    const std::string where = file_->path() + ": array " + io::in_quotes(name);
    const zip::Member& m = members_[std::size_t(found - names_.begin())];
    const auto reader = member_reader(where, m);
    const npy::Header header = npy::read_header(where, m.size, reader());
    // The header goes through the same reader first, so that the checksum covers it.
    return {where, header.dtype, header.shape, [reader, bytes = std::size_t(header.bytes)] {
              io::Reader next = reader();
              std::vector<std::byte> skipped(bytes);
              next(skipped);
              return next;
            }};
  }

 private:
  /// Makes readers of the member's unpacked bytes, which compare its checksum when the last byte is delivered.
  std::function<io::Reader()> member_reader(const std::string& where, const zip::Member& m) const {
    require((m.flags & zip::flag_encrypted) == 0, where, ": is encrypted");
    const std::uint64_t begin = zip::data_offset(*file_, m);
    std::function<void(std::uint64_t, std::span<std::byte>)> read_at;
    if (m.method == zip::stored) {
      read_at = [file = file_, begin](std::uint64_t at, std::span<std::byte> out) { file->read(begin + at, out); };
    } else {
      require(m.method == zip::deflated, where, ": is compressed by method ", m.method, ", expected stored (0) or deflated (8)");
      require(codec_.inflate, where,
              ": is compressed; open it with npz::open(path, npz::zlib) of <moesaic/io/zlib.hpp>, or save it with ",
              "numpy.savez");
      std::vector<std::byte> packed(std::size_t(m.packed));
      file_->read(begin, packed);
      const auto bytes = std::make_shared<const std::vector<std::byte>>(codec_.inflate(where, packed, m.size));
      read_at = [bytes](std::uint64_t at, std::span<std::byte> out) {
        if (!out.empty()) std::memcpy(out.data(), bytes->data() + at, out.size());
      };
    }
    return [where, read_at, size = m.size, expected = m.crc] {
      return [where, read_at, size, expected, at = std::uint64_t{0}, crc = std::uint32_t{0}](std::span<std::byte> out) mutable {
        require(out.size() <= size - at, where, ": is truncated: expected ", out.size() - (size - at), " bytes more than ", size);
        read_at(at, out);
        crc = io::crc32(out, crc);
        at += out.size();
        require(at != size || crc == expected, where, ": is damaged: its checksum is ", crc, ", expected ", expected);
      };
    };
  }

  std::shared_ptr<const io::InputFile> file_;
  Codec codec_;
  std::vector<std::string> names_;
  std::vector<zip::Member> members_;
};

/// Opens a .npz file, such as numpy.savez writes; with `npz::zlib` also those of numpy.savez_compressed.
inline File open(const std::string& path, Codec codec = no_codec) { return File(path, codec); }

/// Writes arrays so that `numpy.load` reads them; the file is replaced as a whole or not at all. With a codec they are
/// compressed.
inline void save(const std::string& path, const std::vector<NamedArray>& arrays, Codec codec = no_codec) {
  io::require_names(path, arrays);
  zip::Writer writer(path);
  for (const NamedArray& a : arrays) {
    const std::string text = npy::header_text(a);
    const auto header = std::as_bytes(std::span(text));
    zip::Member m;
    m.name = a.name + ".npy";
    m.crc = io::crc32(a.bytes(), io::crc32(header));
    m.size = m.packed = header.size() + a.bytes().size();
    if (codec.deflate) {
      std::vector<std::byte> whole(header.begin(), header.end());
      whole.insert(whole.end(), a.bytes().begin(), a.bytes().end());
      const std::vector<std::byte> packed = codec.deflate(whole);
      m.method = zip::deflated;
      m.packed = packed.size();
      writer.add(m, {packed});
    } else {
      writer.add(m, {header, a.bytes()});
    }
  }
  writer.commit();
}

}  // namespace moesaic::npz
