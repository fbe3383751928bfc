// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <moesaic/io/named_array.hpp>
#include <moesaic/io/scanner.hpp>

namespace moesaic::npy {

/// What stands before the numbers of a .npy file.
struct Header {
  io::Dtype dtype;
  std::vector<Index> shape;
  std::uint64_t bytes;  ///< length of the header: the offset of the first number
};

inline constexpr std::string_view magic = "\x93NUMPY";

inline io::Dtype parse_dtype(io::Scanner& text) {
  if (text.peek() == '[' || text.peek() == '(') fail(text.where(), ": expected numbers, the dtype is structured");
  const std::string quote(1, text.peek());
  if (quote != "'" && quote != "\"") text.unexpected("a dtype in quotes");
  text.expect(quote);
  const std::string_view name = text.until(quote);
  text.expect(quote);
  for (const io::DtypeEntry& e : io::dtypes)
    if (name == e.npy) return e.dtype;
  fail(text.where(), ": expected little-endian real numbers, integers or booleans (such as \"<f8\"), the dtype is ",
       io::in_quotes(name));
}

inline std::vector<Index> parse_shape(io::Scanner& text) {
  constexpr std::size_t numpy_max_rank = 64;
  std::vector<Index> shape;
  text.expect("(");
  for (text.skip(" "); !text.accept(")"); text.skip(" ")) {
    shape.push_back(text.integer());
    text.accept("L");  // written by Python 2
    text.skip(" ");
    if (text.peek() != ')' || shape.size() == 1) text.expect(",");
    require(shape.size() <= numpy_max_rank, text.where(), ": expected a rank of at most ", numpy_max_rank, ", it is larger");
  }
  return shape;
}

/// Parses the dictionary of a header: exactly the keys 'descr', 'fortran_order' and 'shape', in any order.
inline void parse_dictionary(io::Scanner& text, Header& header) {
  constexpr std::string_view blanks = " \t\r\n";
  bool has_dtype = false, has_order = false, has_shape = false, fortran = false;
  const auto once = [&](bool& seen, std::string_view key) {
    require(!std::exchange(seen, true), text.where(), ": the header has \"", key, "\" twice");
    text.skip(blanks);
    text.expect(":");
    text.skip(blanks);
  };
  text.skip(blanks);
  text.expect("{");
  for (text.skip(blanks); !text.accept("}"); text.skip(blanks)) {
    if (text.accept("'descr'") || text.accept("\"descr\"")) {
      once(has_dtype, "descr");
      header.dtype = parse_dtype(text);
    } else if (text.accept("'fortran_order'") || text.accept("\"fortran_order\"")) {
      once(has_order, "fortran_order");
      fortran = text.accept("True");
      if (!fortran) text.expect("False");
    } else if (text.accept("'shape'") || text.accept("\"shape\"")) {
      once(has_shape, "shape");
      header.shape = parse_shape(text);
    } else {
      text.unexpected("one of the keys 'descr', 'fortran_order', 'shape'");
    }
    text.skip(blanks);
    if (text.peek() != '}') text.expect(",");
  }
  text.skip(blanks);
  if (!text.at_end()) text.unexpected("the end of the header");
  require(has_dtype && has_order && has_shape, text.where(), ": the header lacks \"",
          !has_dtype   ? "descr"
          : !has_order ? "fortran_order"
                       : "shape",
          "\"");
  require(!fortran || header.shape.size() < 2, text.where(),
          ": expected row-major (C) order, it is in Fortran order; save it with numpy.ascontiguousarray");
}

/// Reads and checks the header at the front of `total` bytes, which `next(span)` delivers in order.
template <class Next>
Header read_header(const std::string& where, std::uint64_t total, Next&& next) {
  constexpr std::uint64_t longest = 1 << 16;
  auto take = [&, left = total](std::span<std::byte> out) mutable {
    require(out.size() <= left, where, ": is truncated: the .npy header needs ", out.size() - left, " bytes more than the ",
            total, " there are");
    left -= out.size();
    next(out);
  };
  std::array<std::byte, 8> start{};
  take(start);
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  require(text.starts_with(magic), where, ": expected a .npy array, the first bytes are ",
          io::in_quotes(text.substr(0, magic.size())));
  const int major = std::to_integer<int>(start[6]), minor = std::to_integer<int>(start[7]);
  require(major >= 1 && major <= 3 && minor == 0, where, ": expected .npy version 1.0, 2.0 or 3.0, it has ", major, '.', minor);

  std::array<std::byte, 4> length_bytes{};
  take(std::span(length_bytes).first(major == 1 ? 2 : 4));
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < length_bytes.size(); ++i) length |= std::to_integer<std::uint64_t>(length_bytes[i]) << (8 * i);
  require(length < longest, where, ": expected a .npy header of less than ", longest, " bytes, it claims ", length);
  Header header{};
  header.bytes = (major == 1 ? 10 : 12) + length;
  require(header.bytes <= total, where, ": is truncated: its .npy header claims ", header.bytes, " bytes, there are ", total);

  std::vector<std::byte> dictionary(length);
  take(dictionary);
  io::Scanner scanner(where, {reinterpret_cast<const char*>(dictionary.data()), dictionary.size()});
  parse_dictionary(scanner, header);
  io::require_bytes(where, header.dtype, header.shape, total - header.bytes);
  return header;
}

/// The header that NumPy would write (version 1.0, padded so that the numbers start at a multiple of 64 bytes).
inline std::string header_text(const NamedArray& array) {
  std::string shape;
  for (const Index& e : array.shape)
    shape += std::to_string(e) + (array.shape.size() == 1 ? "," : &e == &array.shape.back() ? "" : ", ");
  std::string text =
      "{'descr': '" + std::string(io::entry(array.dtype).npy) + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  constexpr std::size_t before = magic.size() + 4;
  while ((before + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string out(magic);
  out += {'\x01', '\x00', static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)};
  return out + text;
}

}  // namespace moesaic::npy
