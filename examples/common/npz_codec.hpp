// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/io/npz.hpp>
#if __has_include(<zlib.h>)
#include <moesaic/io/zlib.hpp>
#endif

namespace common {

/// Opens compressed .npz files where zlib was there when the programs were built.
#if __has_include(<zlib.h>)
inline constexpr moesaic::npz::Codec npz_codec = moesaic::npz::zlib;
#else
inline constexpr moesaic::npz::Codec npz_codec = moesaic::npz::no_codec;
#endif

}  // namespace common
