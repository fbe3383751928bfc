// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/io/dtype.hpp>
#include <moesaic/io/text.hpp>

namespace moesaic {

/// An array on its way into a file: a name, a shape of any rank and the numbers, which are referred to and not copied.
///
/// `npz::save("own.npz", {{"X", x}, {"t", t}})` builds them in place from tensors, arrays and vectors.
struct NamedArray {
  template <class T>
  NamedArray(std::string given_name, const T* numbers, std::vector<Index> extents)
      : name(std::move(given_name)), dtype(io::dtype_of<T>()), shape(std::move(extents)), data(numbers) {}
  template <class T>
  NamedArray(std::string given_name, const Tensor<Cpu<T>>& t)
      : NamedArray(std::move(given_name), t.data(), extents_of(t.shape())) {
    require(bool(t), "array ", io::in_quotes(name), " is absent, there is nothing to save");
  }
  template <class T>
  NamedArray(std::string given_name, const Array<Cpu<T>>& a) : NamedArray(std::move(given_name), a.tensor()) {}
  template <class T>
  NamedArray(std::string given_name, std::span<const T> v) : NamedArray(std::move(given_name), v.data(), {Index(v.size())}) {}
  template <class T>
  NamedArray(std::string given_name, const std::vector<T>& v) : NamedArray(std::move(given_name), std::span<const T>(v)) {}

  std::span<const std::byte> bytes() const {
    std::size_t count = 1;
    for (Index e : shape) count *= static_cast<std::size_t>(e);
    return {static_cast<const std::byte*>(data), count * io::entry(dtype).size};
  }

  std::string name;
  io::Dtype dtype;
  std::vector<Index> shape;
  const void* data;

 private:
  static std::vector<Index> extents_of(const Shape& s) {
    std::vector<Index> out;
    for (int a = 0; a < s.rank(); ++a) out.push_back(s[a]);
    return out;
  }
};

}  // namespace moesaic

namespace moesaic::io {

/// `[2, 3]`.
inline std::string shape_text(std::span<const Index> shape) {
  std::string out = "[";
  for (Index e : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(e);
  return out + ']';
}

/// Bytes of an array of this shape; `expected` bytes are there to hold them. Errors: they differ, or the shape is not one.
///
/// This is the check that comes before any memory is asked for: what a header claims is compared with what the file has.
inline void require_bytes(const std::string& where, Dtype dtype, std::span<const Index> shape, std::uint64_t actual) {
  std::uint64_t bytes = entry(dtype).size, all = bytes;
  bool empty = false;
  for (Index e : shape) {
    require(e >= 0, where, ": extent ", e, " of shape ", shape_text(shape), " is negative");
    empty = empty || e == 0;
    const auto n = static_cast<std::uint64_t>(e == 0 ? 1 : e);
    require(all <= std::uint64_t(std::numeric_limits<Index>::max()) / n, where, ": shape ", shape_text(shape),
            " has more elements than can be counted, the file holds ", actual, " bytes of data");
    all *= n;
  }
  bytes = empty ? 0 : all;
  require(bytes == actual, where, ": shape ", shape_text(shape), " of ", entry(dtype).safetensors, " needs ", bytes,
          " bytes of data, the file holds ", actual);
}

/// Errors: two arrays of one name, a name that is empty or not UTF-8.
inline void require_names(const std::string& path, std::span<const NamedArray> arrays) {
  std::vector<std::string> names;
  for (const NamedArray& a : arrays) {
    require(!a.name.empty(), path, ": array ", names.size(), " has no name");
    require(is_utf8(a.name), path, ": the name of array ", in_quotes(a.name), " is not UTF-8");
    names.push_back(a.name);
  }
  if (const auto twin = duplicate(std::move(names))) fail(path, ": two arrays are named ", in_quotes(*twin));
}

}  // namespace moesaic::io
