// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <moesaic/core/parallel.hpp>

namespace moesaic::cluster {

/// Rows `0 .. rows` cut into `count` chunks of `size` rows (the last may be shorter). The cut depends on nothing but the
/// number of rows, so sums taken chunk by chunk and then in chunk order have the same bits at any number of threads.
struct Chunks {
  Index rows, size, count;

  /// At most `most` chunks, each of a multiple of `grain` rows and of at least `least` rows.
  Chunks(Index all_rows, Index grain, Index least, Index most) : rows(all_rows) {
    const Index wanted = std::max(least, (rows + most - 1) / most);
    size = (wanted + grain - 1) / grain * grain;
    count = (rows + size - 1) / size;
  }
  Index begin(Index chunk) const { return chunk * size; }
  Index end(Index chunk) const { return std::min(rows, (chunk + 1) * size); }

  /// Calls `work(chunk)` for every chunk, on several threads where there are several chunks.
  template <class Work>
  void for_each(const Work& work) const {
    parallel_for(count, count > 1, work);
  }
};

}  // namespace moesaic::cluster
