// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <moesaic/core/shape.hpp>
#include <moesaic/core/workspace.hpp>

namespace moesaic {

/// Stands for an extent of a `Tensor` that is known at run time only.
inline constexpr Index any_extent = -1;

template <class B, Index... extents>
class Tensor;
template <class B>
class Array;

/// A contiguous row-major array on backend `B`, referred to but not owned.
///
/// A trivially copyable handle: copying it never copies numbers. The memory belongs to an `Array` (data, parameters) or to
/// the current `Workspace` (intermediates of a step). A default-constructed tensor is *absent*: as a tangent or an adjoint it
/// stands for a structural zero.
template <class B>
class Tensor<B> {
 public:
  using Backend = B;
  using Scalar = typename B::Scalar;

  Tensor() = default;
  Tensor(Scalar* data, const Shape& shape) : data_(data), shape_(shape) {}

  Scalar* data() const { return data_; }
  const Shape& shape() const { return shape_; }
  Index size() const { return shape_.size(); }
  explicit operator bool() const { return data_ != nullptr; }

  /// The same numbers under another shape of equal size.
  Tensor reshape(const Shape& shape) const {
    require(shape.size() == size(), "reshape: shape ", shape_, " has ", size(), " elements, shape ", shape, " has ", shape.size());
    return {data_, shape};
  }
  /// Entries `begin .. begin + count` of the first axis, without a copy.
  Tensor rows(Index begin, Index count) const {
    require(shape_.rank() > 0 && begin >= 0 && count >= 0 && begin + count <= shape_[0], "rows: ", begin, " .. ", begin + count,
            " of a tensor of shape ", shape_);
    Shape s = shape_;
    s[0] = count;
    return {data_ + begin * (shape_[0] ? size() / shape_[0] : 0), s};
  }

 private:
  Scalar* data_ = nullptr;
  Shape shape_;
};

/// The same handle with its rank in its type, and those extents that are not `any_extent`: `Tensor<B, any_extent, 3>` is any number
/// of rows of three columns. It goes wherever a `Tensor<B>` goes. Taking another tensor compares what the types know at compile time
/// and the rest at run time; an absent tensor has every shape.
template <class B, Index... extents>
class Tensor : public Tensor<B> {
  static_assert(sizeof...(extents) <= std::size_t{Shape::max_rank}, "Moesaic: a Tensor has at most four axes [docs/design.md]");
  static_assert(((extents >= 0 || extents == any_extent) && ...),
                "Moesaic: an extent of a Tensor is `any_extent` or not negative [docs/design.md]");
  static constexpr std::array<Index, sizeof...(extents)> known{extents...};

 public:
  static constexpr int rank = int(sizeof...(extents));

  Tensor() = default;
  /// Errors: the rank or a known extent differs.
  Tensor(const Tensor<B>& other) : Tensor<B>(other) {
    if (other) require(fits(other.shape()), "Tensor: expected shape ", pattern(), ", actual ", other.shape());
  }
  Tensor(const Array<B>& other) : Tensor(other.tensor()) {}
  template <Index... others>
    requires(sizeof...(others) > 0)
  Tensor(const Tensor<B, others...>& other) : Tensor(static_cast<const Tensor<B>&>(other)) {
    static_assert(agrees<others...>(), "Moesaic: one Tensor takes another only where rank and known extents agree [docs/design.md]");
  }

  /// Extent of an axis, a constant where it is known.
  template <int axis>
  Index extent() const {
    static_assert(axis >= 0 && axis < rank, "Moesaic: a Tensor has no such axis [docs/design.md]");
    if constexpr (known[axis] == any_extent)
      return this->shape()[axis];
    else
      return known[axis];
  }

 private:
  static bool fits(const Shape& shape) {
    if (shape.rank() != rank) return false;
    for (int axis = 0; axis < rank; ++axis)
      if (known[std::size_t(axis)] != any_extent && known[std::size_t(axis)] != shape[axis]) return false;
    return true;
  }
  template <Index... others>
  static constexpr bool agrees() {
    if constexpr (sizeof...(others) != sizeof...(extents))
      return false;
    else
      return ((others == extents || others == any_extent || extents == any_extent) && ...);
  }
  /// The expected shape, with `*` for any extent.
  static std::string pattern() {
    std::string out = "[";
    for (Index extent : known) out += (out.size() > 1 ? ", " : "") + (extent == any_extent ? "*" : std::to_string(extent));
    return out + "]";
  }
};

/// A fresh uninitialised tensor in the current workspace.
template <class B>
Tensor<B> make_tensor(const Shape& shape) {
  const auto n = std::size_t(std::max<Index>(shape.size(), 1));
  return {Workspace<typename B::Memory>::current().template take<typename B::Scalar>(n), shape};
}

/// A contiguous row-major array on backend `B` that owns its memory: data sets, parameters, optimiser state.
template <class B>
class Array {
 public:
  using Backend = B;
  using Scalar = typename B::Scalar;

  Array() = default;
  /// Zero-filled.
  explicit Array(const Shape& shape) : tensor_(allocate(shape)) { B::fill(tensor_, Scalar(0)); }
  Array(const Shape& shape, std::span<const Scalar> host) : tensor_(allocate(shape)) {
    if (Index(host.size()) != shape.size()) {
      B::Memory::release(tensor_.data());
      fail("Array: shape ", shape, " asks for ", shape.size(), " numbers, ", host.size(), " were given");
    }
    B::from_host(tensor_, host.data());
  }
  /// A copy; of an absent tensor an absent array.
  explicit Array(const Tensor<B>& other) {
    if (!other) return;
    tensor_ = allocate(other.shape());
    B::copy(tensor_, other);
  }
  Array(const Array& other) : Array(other.tensor_) {}
  Array(Array&& other) noexcept : tensor_(std::exchange(other.tensor_, {})) {}
  Array& operator=(Array other) noexcept {
    std::swap(tensor_, other.tensor_);
    return *this;
  }
  ~Array() {
    if (tensor_) B::Memory::release(tensor_.data());
  }

  /// What refers to a temporary array's numbers must not outlive the expression.
  operator Tensor<B>() const { return tensor_; }
  Tensor<B> tensor() const { return tensor_; }
  Scalar* data() const { return tensor_.data(); }
  const Shape& shape() const { return tensor_.shape(); }
  Index size() const { return tensor_ ? tensor_.size() : 0; }
  explicit operator bool() const { return bool(tensor_); }

 private:
  static Tensor<B> allocate(const Shape& shape) {
    const auto n = std::size_t(std::max<Index>(shape.size(), 1));
    return {static_cast<Scalar*>(B::Memory::allocate(n * sizeof(Scalar))), shape};
  }

  Tensor<B> tensor_;
};

/// The numbers of a tensor of any backend, on the host. Errors: it is absent.
template <class B>
std::vector<typename B::Scalar> to_host(const Tensor<B>& t) {
  require(bool(t), "to_host: the tensor is absent");
  std::vector<typename B::Scalar> out(std::size_t(t.size()));
  B::to_host(out.data(), t);
  return out;
}

}  // namespace moesaic
