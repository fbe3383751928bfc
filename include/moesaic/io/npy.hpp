// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include <moesaic/io/file.hpp>
#include <moesaic/io/npy_header.hpp>
#include <moesaic/io/stored_array.hpp>

/// Single arrays in NumPy's .npy format (versions 1 to 3;
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
namespace moesaic::npy {

/// The array in a .npy file, with its shape and dtype; its numbers are read on demand.
///
/// Errors: the file is not .npy, truncated or longer than its header says, in Fortran order or big-endian, or holds something
/// other than real numbers, integers or booleans.
inline io::StoredArray open(const std::string& path) {
  const auto file = std::make_shared<const io::InputFile>(path);
  std::uint64_t at = 0;
  const Header header = read_header(path, file->size(), [&](std::span<std::byte> out) {
    file->read(at, out);
    at += out.size();
  });
  return {path, header.dtype, header.shape, [file, begin = header.bytes] {
            return [file, next = begin](std::span<std::byte> out) mutable {
              file->read(next, out);
              next += out.size();
            };
          }};
}

/// The numbers of a .npy file as `T` (float or double).
template <class T>
Array<Cpu<T>> load(const std::string& path, int rank = any_rank, NonFinite non_finite = NonFinite::reject) {
  return open(path).array<T>(rank, non_finite);
}

/// Writes one array, which NumPy reads with `numpy.load`; the file is replaced as a whole or not at all.
inline void save(const std::string& path, const NamedArray& array) {
  io::OutputFile out(path);
  out.write(header_text(array));
  out.write(array.bytes());
  out.commit();
}
template <class T>
void save(const std::string& path, const Tensor<Cpu<T>>& tensor) {
  save(path, NamedArray("array", tensor));
}
template <class T>
void save(const std::string& path, const Array<Cpu<T>>& array) {
  save(path, NamedArray("array", array));
}
template <class T>
void save(const std::string& path, const std::vector<T>& values) {
  save(path, NamedArray("array", values));
}

}  // namespace moesaic::npy
