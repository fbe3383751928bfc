// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <memory>

#include <moesaic/io/file.hpp>
#include <moesaic/io/json.hpp>
#include <moesaic/io/stored_array.hpp>

/// Named arrays and texts in the safetensors format (https://github.com/huggingface/safetensors), which Python reads without
/// risk.
namespace moesaic::safetensors {

using Metadata = std::map<std::string, std::string>;

/// Where an array lies: `begin` and `end` count from the end of the header.
struct Entry {
  io::Dtype dtype;
  std::vector<Index> shape;
  std::uint64_t begin, end;
};

inline constexpr std::uint64_t longest_header = 100'000'000;  ///< the limit of the reference implementation
inline constexpr std::string_view metadata_key = "__metadata__";

inline Entry parse_entry(io::Scanner& text, const std::string& where) {
  Entry entry{};
  std::vector<Index> offsets;
  bool has_dtype = false, has_shape = false, has_offsets = false;
  const auto once = [&](bool& seen, std::string_view key) {
    require(!std::exchange(seen, true), where, ": has \"", key, "\" twice");
  };
  io::json::object(text, [&](const std::string& key) {
    if (key == "dtype") {
      once(has_dtype, key);
      const std::string name = io::json::string(text);
      const auto* known =
          std::find_if(std::begin(io::dtypes), std::end(io::dtypes), [&](auto& e) { return e.safetensors == name; });
      require(known != std::end(io::dtypes), where, ": expected F32, F64, BOOL or integers of 8 to 64 bits, the dtype is ",
              io::in_quotes(name));
      entry.dtype = known->dtype;
    } else if (key == "shape") {
      once(has_shape, key);
      entry.shape = io::json::integers(text);
    } else if (key == "data_offsets") {
      once(has_offsets, key);
      offsets = io::json::integers(text);
      require(offsets.size() == 2 && offsets[0] <= offsets[1], where, ": expected data_offsets [begin, end], actual ",
              io::shape_text(offsets));
    } else {
      fail(where, ": expected dtype, shape and data_offsets, actual ", io::in_quotes(key));
    }
  });
  require(has_dtype && has_shape && has_offsets, where, ": lacks ", !has_dtype ? "dtype" : !has_shape ? "shape" : "data_offsets");
  entry.begin = std::uint64_t(offsets[0]);
  entry.end = std::uint64_t(offsets[1]);
  io::require_bytes(where, entry.dtype, entry.shape, entry.end - entry.begin);
  return entry;
}

/// An open safetensors file; arrays are read from it on demand.
class File : public io::NamedArrays<File> {
 public:
  /// Errors: the file is not safetensors or is truncated; arrays overlap, leave gaps or contradict their shape and dtype.
  explicit File(const std::string& path) : file_(std::make_shared<const io::InputFile>(path)) {
    const std::uint64_t total = file_->size();
    require(total >= length_bytes, path, ": expected a safetensors file, it has only ", total, " bytes");
    std::uint64_t length = 0;
    file_->read(0, std::as_writable_bytes(std::span(&length, 1)));
    require(length <= longest_header, path, ": expected a safetensors header of at most ", longest_header, " bytes, it claims ",
            length);
    require(length <= total - length_bytes, path, ": is truncated: its header claims ", length, " bytes, ", total - length_bytes,
            " follow");
    std::string header(length, '\0');
    file_->read(length_bytes, std::as_writable_bytes(std::span(header)));
    require(header.starts_with('{'), path, ": expected a safetensors header, which starts with {, actual ",
            io::in_quotes(header.substr(0, 8)));
    data_ = length_bytes + length;
    parse(io::Scanner(path + ": header", header));
    check_layout();
  }

  /// In the order of their data.
  const std::vector<std::string>& names() const { return names_; }
  const Metadata& metadata() const { return metadata_; }
  /// Errors: there is no such text; the known keys are named.
  const std::string& metadata(const std::string& key) const {
    const auto found = metadata_.find(key);
    if (found != metadata_.end()) return found->second;
    std::vector<std::string> keys;
    for (const auto& [known, value] : metadata_) keys.push_back(known);
    fail(file_->path(), ": has no metadata ", io::in_quotes(key), "; its keys: ", io::quoted_list(keys));
  }

  /// Shape and dtype of an array. Errors: it is not there.
  io::StoredArray at(std::string_view name) const {
    const auto found = entries_.find(std::string(name));
    require(found != entries_.end(), file_->path(), ": has no array ", io::in_quotes(name),
            "; its arrays: ", io::quoted_list(names_));
    const Entry& e = found->second;
    return {label(name), e.dtype, e.shape, [file = file_, begin = data_ + e.begin] {
              return [file, next = begin](std::span<std::byte> out) mutable {
                file->read(next, out);
                next += out.size();
              };
            }};
  }

 private:
  static constexpr std::uint64_t length_bytes = 8;

  std::string label(std::string_view name) const { return file_->path() + ": array " + io::in_quotes(name); }

  void parse(io::Scanner text) {
    bool has_metadata = false;
    io::json::object(text, [&](const std::string& name) {
      if (name == metadata_key) {
        require(!std::exchange(has_metadata, true), text.where(), ": has ", metadata_key, " twice");
        io::json::object(text, [&](const std::string& key) {
          require(metadata_.emplace(key, io::json::string(text)).second, text.where(), ": has metadata ", io::in_quotes(key),
                  " twice");
        });
      } else {
        require(entries_.emplace(name, parse_entry(text, label(name))).second, text.where(), ": has array ", io::in_quotes(name),
                " twice");
        names_.push_back(name);
      }
    });
    text.skip(io::json::blanks);
    if (!text.at_end()) text.unexpected("the end of the header");
  }

  /// The arrays have to fill the space behind the header one after the other.
  void check_layout() {
    std::sort(names_.begin(), names_.end(), [&](const std::string& a, const std::string& b) {
      const Entry &x = entries_.at(a), &y = entries_.at(b);
      return std::tie(x.begin, x.end, a) < std::tie(y.begin, y.end, b);
    });
    const std::uint64_t available = file_->size() - data_;
    std::uint64_t at = 0;
    for (const std::string& name : names_) {
      const Entry& e = entries_.at(name);
      require(e.begin == at, label(name), ": its data begin at ", e.begin, ", expected ", at, ", where the array before it ends");
      require(e.end <= available, label(name), ": is truncated: its data end at ", e.end, ", the file has ", available,
              " bytes of data");
      at = e.end;
    }
    require(at == available, file_->path(), ": the arrays take ", at, " bytes of data, the file has ", available);
  }

  std::shared_ptr<const io::InputFile> file_;
  std::uint64_t data_ = 0;
  std::vector<std::string> names_;
  std::map<std::string, Entry> entries_;
  Metadata metadata_;
};

inline File load(const std::string& path) { return File(path); }

/// Writes arrays and texts; the file is replaced as a whole or not at all, so that an interrupted save loses nothing.
inline void save(const std::string& path, const std::vector<NamedArray>& arrays, const Metadata& metadata = {}) {
  io::require_names(path, arrays);
  std::vector<const NamedArray*> order;
  for (const NamedArray& a : arrays) {
    require(a.name != metadata_key, path, ": ", metadata_key, " cannot be the name of an array");
    order.push_back(&a);
  }
  // Wide numbers first: each array then begins at a multiple of its number's size, so that readers may map the file.
  std::stable_sort(order.begin(), order.end(),
                   [](auto* a, auto* b) { return io::entry(a->dtype).size > io::entry(b->dtype).size; });

  std::string header = "{";
  const auto member = [&](const std::string& key, const std::string& value) {
    header += (header.size() > 1 ? "," : "") + io::json::quote(key) + ":" + value;
  };
  std::string texts = "{";
  for (const auto& [key, value] : metadata) {
    require(io::is_utf8(key) && io::is_utf8(value), path, ": metadata ", io::in_quotes(key), " is not UTF-8");
    texts += (texts.size() > 1 ? "," : "") + io::json::quote(key) + ":" + io::json::quote(value);
  }
  if (!metadata.empty()) member(std::string(metadata_key), texts + "}");
  std::uint64_t at = 0;
  for (const NamedArray* a : order) {
    const std::uint64_t end = at + a->bytes().size();
    member(a->name, "{\"dtype\":\"" + std::string(io::entry(a->dtype).safetensors) + "\",\"shape\":" + io::json::list(a->shape) +
                        ",\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(end) + "]}");
    at = end;
  }
  header += '}';
  while (header.size() % 8 != 0) header += ' ';
  require(header.size() <= longest_header, path, ": names and metadata take ", header.size(), " bytes, at most ", longest_header,
          " are allowed");

  io::OutputFile out(path);
  const std::uint64_t length = header.size();
  out.write(std::as_bytes(std::span(&length, 1)));
  out.write(header);
  for (const NamedArray* a : order) out.write(a->bytes());
  out.commit();
}

}  // namespace moesaic::safetensors
