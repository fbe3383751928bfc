// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <moesaic/io/named_array.hpp>

namespace moesaic {

/// What to do with NaN and infinity in a file.
enum class NonFinite { reject, keep };

inline constexpr int any_rank = -1;

}  // namespace moesaic

namespace moesaic::io {

/// Delivers the next bytes of an array: fills the span or throws.
using Reader = std::function<void(std::span<std::byte>)>;

/// An array in a file, described but not yet read; its size was checked against the file's.
class StoredArray {
 public:
  /// \param where how errors call it, \param reader makes a reader that starts at the array's first byte.
  StoredArray(std::string where, Dtype dtype, std::vector<Index> shape, std::function<Reader()> reader)
      : where_(std::move(where)), dtype_(dtype), shape_(std::move(shape)), reader_(std::move(reader)) {}

  Dtype dtype() const { return dtype_; }
  /// Of any rank; `array` takes up to `Shape::max_rank`, `reshaped` and `values` take all.
  const std::vector<Index>& shape() const { return shape_; }
  Index size() const {
    Index n = std::count(shape_.begin(), shape_.end(), 0) ? 0 : 1;
    for (Index e : shape_) n = n == 0 ? 0 : n * e;
    return n;
  }

  /// The numbers as `T`, in the file's own shape. Errors: the rank is not `rank`; see `values`.
  template <class T>
  Array<Cpu<T>> array(int rank = any_rank, NonFinite non_finite = NonFinite::reject) const {
    require(rank == any_rank || shape_.size() == std::size_t(rank), where_, ": expected rank ", rank, ", it has rank ",
            shape_.size(), ", shape ", shape_text(shape_));
    require(shape_.size() <= std::size_t{Shape::max_rank}, where_, ": expected a rank of at most ", Shape::max_rank,
            ", it has rank ", shape_.size(), ", shape ", shape_text(shape_), "; read it with reshaped()");
    Shape shape;
    for (Index e : shape_) shape.push_back(e);
    return reshaped<T>(shape, non_finite);
  }
  /// The numbers as `T`, in row-major order under another shape of equal size. Errors: the sizes differ; see `values`.
  template <class T>
  Array<Cpu<T>> reshaped(const Shape& shape, NonFinite non_finite = NonFinite::reject) const {
    static_assert(std::is_floating_point_v<T>, "an Array holds float or double; read integers with values<T>()");
    require(shape.size() == size(), where_, ": expected ", shape.size(), " elements for shape ", shape, ", it has ", size(),
            ", shape ", shape_text(shape_));
    Array<Cpu<T>> out(shape);
    read(std::span<T>(out.data(), out.data() + out.size()), non_finite);
    return out;
  }
  /// The numbers as `T` in row-major order.
  ///
  /// Any number becomes a float or a double, rounded; integers come from integers. Errors: a number does not fit `T`, is not
  /// finite (unless that is to be kept), the dtype is real where `T` is an integer, the bytes cannot be read.
  template <class T>
  std::vector<T> values(NonFinite non_finite = NonFinite::reject) const {
    std::vector<T> out(static_cast<std::size_t>(size()));
    read(std::span<T>(out), non_finite);
    return out;
  }

 private:
  template <class T>
  void read(std::span<T> out, NonFinite non_finite) const {
    const bool stored_real = dtype_ == Dtype::f32 || dtype_ == Dtype::f64;
    require(std::is_floating_point_v<T> || !stored_real, where_, ": expected integers for ", entry(dtype_of<T>()).safetensors,
            ", it holds ", entry(dtype_).safetensors);
    const Reader next = reader_();
    if (dtype_ == dtype_of<T>()) {
      next(std::as_writable_bytes(out));
    } else {
      with_type(dtype_, [&](auto zero) { convert<decltype(zero)>(next, out); });
    }
    if constexpr (std::is_floating_point_v<T>) {
      if (non_finite == NonFinite::keep) return;
      const auto bad = std::find_if_not(out.begin(), out.end(), [](T x) { return std::isfinite(x); });
      if (bad != out.end()) fail(where_, ": expected finite numbers, element ", position(bad - out.begin()), " is ", *bad);
    }
  }

  template <class From, class T>
  void convert(const Reader& next, std::span<T> out) const {
    std::vector<From> chunk(std::min<std::size_t>(out.size(), 1 << 14));
    for (std::size_t done = 0; done < out.size(); done += chunk.size()) {
      chunk.resize(std::min(chunk.size(), out.size() - done));
      next(std::as_writable_bytes(std::span(chunk)));
      for (std::size_t i = 0; i < chunk.size(); ++i) {
        if (!fits<T>(chunk[i])) [[unlikely]]
          fail(where_, ": element ", position(Index(done + i)), " is ", +chunk[i], ", which ", entry(dtype_of<T>()).safetensors,
               " does not hold");
        out[done + i] = static_cast<T>(chunk[i]);
      }
    }
  }

  /// `[1, 0, 2]`: the multi-index of a flat one.
  std::string position(Index flat) const {
    std::vector<Index> at(shape_.size());
    for (std::size_t a = at.size(); a-- > 0; flat /= shape_[a]) at[a] = flat % shape_[a];
    return shape_text(at);
  }

  std::string where_;
  Dtype dtype_;
  std::vector<Index> shape_;
  std::function<Reader()> reader_;
};

/// What every file of named arrays offers, on top of its `at(name)`, which gives a `StoredArray` or an error that lists the
/// names.
template <class File>
struct NamedArrays {
  template <class T>
  Array<Cpu<T>> array(std::string_view name, int rank = any_rank, NonFinite non_finite = NonFinite::reject) const {
    return self().at(name).template array<T>(rank, non_finite);
  }
  template <class T>
  Array<Cpu<T>> reshaped(std::string_view name, const Shape& shape, NonFinite non_finite = NonFinite::reject) const {
    return self().at(name).template reshaped<T>(shape, non_finite);
  }
  template <class T>
  std::vector<T> values(std::string_view name, NonFinite non_finite = NonFinite::reject) const {
    return self().at(name).template values<T>(non_finite);
  }
  bool contains(std::string_view name) const {
    const auto& names = self().names();
    return std::find(names.begin(), names.end(), name) != names.end();
  }

 private:
  const File& self() const { return static_cast<const File&>(*this); }
};

}  // namespace moesaic::io
