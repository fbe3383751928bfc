// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <random>

#include <moesaic/data/rounded.hpp>

namespace moesaic::data {

/// The stream behind `numpy.random.seed(seed)`, which the published data sets were drawn from.
///
/// MT19937 (Matsumoto and Nishimura 1998) as `std::mt19937` seeds it; a double takes two words, u = (2^26 (a >> 5) + (b >> 6)) /
/// 2^53.
class Mersenne {
 public:
  explicit Mersenne(std::uint32_t seed) : engine_(seed) {}

  /// Uniform in [0, 1), 53 random bits.
  double uniform() {
    const double a = double(std::uint32_t(engine_()) >> 5), b = double(std::uint32_t(engine_()) >> 6);
    return (a * 0x1.0p26 + b) * 0x1.0p-53;  // exact: a 2^26 + b has 53 bits
  }
  double uniform(double low, double high) { return low + product(high - low, uniform()); }

 private:
  std::mt19937 engine_;
};

}  // namespace moesaic::data
