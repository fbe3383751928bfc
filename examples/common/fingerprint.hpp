// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdio>
#include <span>
#include <string>

#include <moesaic/core/tensor.hpp>
#include <moesaic/io/crc32.hpp>

namespace common {

/// Tells arrays with other numbers or another shape apart: what a run was trained on, in its checkpoint.
template <class B>
std::string fingerprint(const moesaic::Array<B>& a) {
  std::string shape;
  for (int i = 0; i < a.shape().rank(); ++i) shape += std::to_string(a.shape()[i]) + (i + 1 < a.shape().rank() ? " x " : "");
  char code[16];
  std::snprintf(code, sizeof code, "%08x", unsigned(moesaic::io::crc32(std::as_bytes(std::span(a.data(), std::size_t(a.size()))))));
  return "[" + shape + "] " + code;
}

}  // namespace common
