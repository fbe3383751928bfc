// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/core/random.hpp>

namespace test_support {

/// Drawn from N(shift, size^2): others for every stream, the same in every run.
template <class B = moesaic::Cpu<double>>
moesaic::Array<B> numbers(const moesaic::Shape& shape, std::uint64_t stream, double size = 1, double shift = 0) {
  moesaic::Random random(11, stream);
  std::vector<typename B::Scalar> v(std::size_t(shape.size()));
  for (auto& x : v) x = typename B::Scalar(size * random.next_normal() + shift);
  return moesaic::Array<B>(shape, v);
}

}  // namespace test_support
