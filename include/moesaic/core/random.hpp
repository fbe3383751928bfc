// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include <moesaic/core/host_device.hpp>

namespace moesaic {

/// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011): four 32-bit words that
/// are a pure function of a counter and a key.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0], b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {std::uint32_t(b >> 32) ^ counter[1] ^ key[0], std::uint32_t(b), std::uint32_t(a >> 32) ^ counter[3] ^ key[1],
               std::uint32_t(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// A counter-based random stream: number `i` depends on nothing but the seed, the stream and `i`, so every backend and every
/// number of threads draws the same numbers. `next_*` walk the counter; the counter is all the state there is to save.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed = 0, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// An independent stream for a named purpose.
  constexpr Random fork(std::uint64_t stream) const { return Random(seed_, stream_ * 0x9E3779B97F4A7C15u + stream + 1); }

  constexpr std::array<std::uint32_t, 4> words(std::uint64_t index) const {
    return philox({std::uint32_t(index), std::uint32_t(index >> 32), std::uint32_t(stream_), std::uint32_t(stream_ >> 32)},
                  {std::uint32_t(seed_), std::uint32_t(seed_ >> 32)});
  }
  /// Uniform in [0, 1), 53 random bits.
  constexpr double uniform(std::uint64_t index) const {
    const auto w = words(index);
    return double(((std::uint64_t{w[0]} << 32) | w[1]) >> 11) * 0x1.0p-53;
  }
  /// Standard normal (Box and Muller 1958).
  MOESAIC_HD double normal(std::uint64_t index) const {
    const auto w = words(index);
    const double u = (double(((std::uint64_t{w[0]} << 32) | w[1]) >> 11) + 0.5) * 0x1.0p-53;
    const double v = double(((std::uint64_t{w[2]} << 32) | w[3]) >> 11) * 0x1.0p-53;
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

  constexpr double next_uniform() { return uniform(counter_++); }
  constexpr double next_uniform(double low, double high) { return low + (high - low) * next_uniform(); }
  double next_normal() { return normal(counter_++); }
  /// Uniform integer in [0, n).
  constexpr std::uint64_t next_below(std::uint64_t n) { return std::uint64_t(next_uniform() * double(n)); }

  constexpr std::uint64_t counter() const { return counter_; }
  constexpr void set_counter(std::uint64_t counter) { counter_ = counter; }

 private:
  std::uint64_t seed_, stream_, counter_ = 0;
};

}  // namespace moesaic
