// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <moesaic/core/random.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic {

/// How a parameter starts: uniform in [low, high), or constant where the two are equal; then mapped by `transform`, if present.
struct Initialiser {
  double low = 0, high = 0;
  double (*transform)(double drawn, Index column) = nullptr;  ///< `column`: the number's place along the last axis
};

namespace init {
inline Initialiser constant(double value) { return {.low = value, .high = value}; }
inline Initialiser uniform(double low, double high) { return {.low = low, .high = high}; }
/// Uniform in +-1/sqrt(fan_in), the default of PyTorch's and Equinox's linear layers.
inline Initialiser fan_in(Index inputs) {
  const double bound = 1 / std::sqrt(double(inputs));
  return {.low = -bound, .high = bound};
}
}  // namespace init

/// Names, shapes and initialisers of a module's parameters over one flat array, in the order in which the module takes them.
class Layout {
 public:
  struct Entry {
    std::string name;
    Shape shape;
    Index offset;
    Initialiser initialiser;
  };

  void add(const std::string& name, const Shape& shape, Initialiser initialiser) {
    entries_.push_back({prefix_ + name, shape, size_, initialiser});
    size_ += shape.size();
  }
  /// Adds the parameters of a part under `name.`.
  template <class Module>
  void add_module(const std::string& name, const Module& part) {
    const std::string outer = prefix_;
    prefix_ += name + ".";
    part.layout(*this);
    prefix_ = outer;
  }

  Index size() const { return size_; }
  const std::vector<Entry>& entries() const& { return entries_; }
  std::vector<Entry> entries() && { return std::move(entries_); }  // so that a loop may be over those of a temporary

 private:
  std::vector<Entry> entries_;
  Index size_ = 0;
  std::string prefix_;
};

/// The layout of a module.
template <class Module>
Layout layout_of(const Module& part) {
  Layout layout;
  part.layout(layout);
  return layout;
}

/// First and number of the parameters whose names `chosen(name)` picks, such as `name.ends_with("bias")`; neighbours are one
/// range.
template <class F>
std::vector<std::pair<Index, Index>> parameters_where(const Layout& layout, const F& chosen) {
  std::vector<std::pair<Index, Index>> ranges;
  for (const auto& e : layout.entries()) {
    if (!chosen(e.name)) continue;
    if (!ranges.empty() && ranges.back().first + ranges.back().second == e.offset)
      ranges.back().second += e.shape.size();
    else
      ranges.emplace_back(e.offset, e.shape.size());
  }
  return ranges;
}

/// Fresh parameters on backend `B`: number `i` of the flat array depends on the seed and `i` alone, whatever the backend.
template <class B>
Array<B> initial_parameters(const Layout& layout, const Random& random) {
  std::vector<typename B::Scalar> host(std::size_t(layout.size()));
  for (const auto& e : layout.entries()) {
    const Initialiser& start = e.initialiser;
    for (Index i = e.offset; i < e.offset + e.shape.size(); ++i) {
      const double drawn = start.low + (start.high - start.low) * random.uniform(std::uint64_t(i));
      const Index column = (i - e.offset) % e.shape.back();
      host[std::size_t(i)] = typename B::Scalar(start.transform ? start.transform(drawn, column) : drawn);
    }
  }
  return Array<B>({layout.size()}, host);
}

/// Hands out a flat array of parameters piece by piece, in the order of the layout.
///
/// Of `[S, P]`, the parameters of S modules of one kind, it hands out what they have in common: `[S, ...]` for a matrix and
/// `[S, 1, ...]` for a vector, so that they apply to `S` batches of rows in one go.
template <class X>
class Slots {
 public:
  explicit Slots(const X& flat, Index offset = 0) : flat_(flat), at_(offset) {}

  X take(const Shape& each) {
    const Index offset = at_;
    at_ += each.size();
    if (!batched()) return view(flat_, offset, each);
    Shape all{shape(flat_)[0]};
    if (each.rank() == 1) all.push_back(1);
    for (int axis = 0; axis < each.rank(); ++axis) all.push_back(each[axis]);
    return reshape(slice(flat_, 1, offset, each.size()), all);
  }
  Index offset() const { return at_; }
  bool batched() const { return shape(flat_).rank() == 2; }

 private:
  X flat_;
  Index at_;
};

}  // namespace moesaic
