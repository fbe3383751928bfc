// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <moesaic/core/parameters.hpp>
#include <moesaic/io/safetensors.hpp>

namespace moesaic {

namespace detail {

inline Shape shape_of(const std::string& where, const std::vector<Index>& extents) {
  require(extents.size() <= std::size_t{Shape::max_rank}, where, ": has rank ", extents.size(), "; expected at most ",
          Shape::max_rank);
  Shape s;
  for (Index e : extents) s.push_back(e);
  return s;
}

/// Arrays on their way into a file, with copies of their numbers on the host.
class ArrayWriter {
 public:
  template <class T>
  void add(const std::string& name, std::vector<T> numbers, std::vector<Index> shape) {
    arrays_.emplace_back(name, numbers.data(), std::move(shape));
    storage_.push_back(std::make_shared<std::vector<T>>(std::move(numbers)));  // moving keeps the numbers where they are
  }
  template <class T>
  void add(const std::string& name, std::vector<T> numbers) {
    const Index n = Index(numbers.size());
    add(name, std::move(numbers), {n});
  }
  template <class B>
  void add(const std::string& name, const Tensor<B>& t) {
    std::vector<Index> shape;
    for (int a = 0; a < t.shape().rank(); ++a) shape.push_back(t.shape()[a]);
    add(name, to_host(t), std::move(shape));
  }
  void save(const std::string& path, const safetensors::Metadata& metadata) const { safetensors::save(path, arrays_, metadata); }

 private:
  std::vector<NamedArray> arrays_;
  std::vector<std::shared_ptr<void>> storage_;
};

/// Arrays of a file, each of which is asked for by name; what nobody asked for is an error.
class ArrayReader {
 public:
  explicit ArrayReader(const std::string& path) : path_(path), file_(path) {}

  const safetensors::File& file() const { return file_; }
  const std::string& path() const { return path_; }
  bool contains(const std::string& name) const { return file_.contains(name); }

  /// The numbers of `what` `name`, which must have this shape; with `exact` also `T`'s dtype.
  template <class T>
  std::vector<T> values(const char* what, const std::string& name, const Shape& shape, bool exact) {
    require(contains(name), path_, ": lacks the ", what, " ", io::in_quotes(name), " of shape ", shape);
    const io::StoredArray stored = file_.at(name);
    std::vector<Index> expected;
    for (int a = 0; a < shape.rank(); ++a) expected.push_back(shape[a]);
    require(stored.shape() == expected, path_, ": ", what, " ", io::in_quotes(name), ": expected shape ", shape, ", it has ",
            io::shape_text(stored.shape()));
    return values<T>(what, name, exact);
  }
  template <class T>
  std::vector<T> values(const char* what, const std::string& name, bool exact) {
    const io::StoredArray stored = file_.at(name);
    require(!exact || stored.dtype() == io::dtype_of<T>(), path_, ": ", what, " ", io::in_quotes(name), ": expected ",
            io::entry(io::dtype_of<T>()).safetensors, ", it holds ", io::entry(stored.dtype()).safetensors);
    used_.insert(name);
    return stored.values<T>(exact ? NonFinite::keep : NonFinite::reject);
  }
  /// Errors: an array was not asked for; those whose names begin with `later` are let pass.
  void require_all_used(std::string_view later = {}) const {
    for (const std::string& name : file_.names())
      require(used_.count(name) > 0 || (!later.empty() && name.starts_with(later)), path_, ": holds ", io::in_quotes(name),
              " of shape ", io::shape_text(file_.at(name).shape()), ", for which there is no place");
  }

 private:
  std::string path_;
  safetensors::File file_;
  std::set<std::string> used_;
};

/// Entry `e` of flat parameters.
template <class B>
Tensor<B> part(const Tensor<B>& flat, const Layout::Entry& e) {
  return {flat.data() + e.offset, e.shape};
}

}  // namespace detail

/// Writes parameters under the names of their layout to a safetensors file, which Python reads; replaced as a whole or not at
/// all.
template <class B>
void save_parameters(const std::string& path, const Layout& layout, const Tensor<B>& parameters,
                     const safetensors::Metadata& metadata = {}) {
  require(layout.size() == parameters.size(), path, ": the layout names ", layout.size(), " parameters, there are ",
          parameters.size());
  detail::ArrayWriter out;
  for (const auto& e : layout.entries()) out.add(e.name, detail::part(parameters, e));
  out.save(path, metadata);
}

/// Reads what `save_parameters` or a Python program wrote; float and double are converted into each other. With `player` it reads a
/// `Checkpoint`: that player's last parameters, of which the layout may name a part.
///
/// Errors: a parameter is missing, of another shape or not finite, or without `player` superfluous.
template <class B>
Array<B> load_parameters(const std::string& path, const Layout& layout, const std::string& player = {}) {
  detail::ArrayReader in(path);
  std::vector<typename B::Scalar> flat(static_cast<std::size_t>(layout.size()));
  for (const auto& e : layout.entries()) {
    const auto numbers = in.values<typename B::Scalar>("parameter", player.empty() ? e.name : player + "." + e.name, e.shape, false);
    std::copy(numbers.begin(), numbers.end(), flat.begin() + e.offset);
  }
  if (player.empty()) in.require_all_used();
  return Array<B>({layout.size()}, flat);
}

}  // namespace moesaic
