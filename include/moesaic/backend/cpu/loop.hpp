// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <moesaic/core/parallel.hpp>

namespace moesaic::cpu {

/// Primitive `for_each`.
struct Loops {
  template <class Kernel>
  static void for_each(Index count, const Kernel& kernel, Index work = 1) {
    const Index each = std::clamp(chunk_work / std::max<Index>(work, 1), Index{1}, std::max<Index>(count, 1));
    parallel_for((count + each - 1) / each, count * work > big_work, [&](Index chunk) {
      const Index last = std::min((chunk + 1) * each, count);
      for (Index i = chunk * each; i < last; ++i) kernel(i);
    });
  }

 private:
  static constexpr Index chunk_work = 1 << 14, big_work = 1 << 20;
};

}  // namespace moesaic::cpu
