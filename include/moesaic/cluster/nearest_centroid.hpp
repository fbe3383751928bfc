// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <moesaic/cluster/centroid_scan.hpp>
#include <moesaic/cluster/chunks.hpp>
#include <moesaic/cluster/device_passes.hpp>
#include <moesaic/core/host_memory.hpp>

namespace moesaic::cluster {

/// The samples [N, D] of one clustering, handed out as transposed tiles less a common origin. Small sets are transposed once
/// and kept, large ones anew in every pass: reading them twice would cost more than the transposing.
template <class T>
class SampleTiles {
 public:
  using Scan = CentroidScan<T>;

  /// Takes its memory from the current workspace, so it must not outlive the caller's `Scratch`.
  SampleTiles(Metric metric, const T* samples, Index rows, Index columns)
      : samples_(samples), columns_(columns), chunks_(rows, Scan::width, 2048, 64) {
    auto& workspace = Workspace<HostMemory>::current();
    const Index tiles = (rows + Scan::width - 1) / Scan::width;
    kept_ = tiles * Scan::width * columns <= kept_numbers;
    memory_ = workspace.template take<T>(std::size_t((kept_ ? tiles : chunks_.count) * Scan::width * columns));
    origin_ = workspace.template take<T>(std::size_t(columns));
    std::fill_n(origin_, columns, T(0));
    // |c|^2 - 2 x.c cancels badly far from zero, so distances are taken about a point amid the samples.
    if (metric == Metric::SquaredEuclidean) {
      const Index step = (rows + 31) / 32, count = (rows + step - 1) / step;
      for (Index i = 0; i < rows; i += step)
        for (Index d = 0; d < columns; ++d) origin_[d] += samples[i * columns + d];
      for (Index d = 0; d < columns; ++d) origin_[d] /= T(count);
    }
  }

  const T* origin() const { return origin_; }
  const Chunks& chunks() const { return chunks_; }

  /// Calls `work(chunk, first row, rows, tile)` for every tile; tiles of one chunk come in order and on one thread.
  template <class Work>
  void for_each(const Scan& scan, const Work& work) {
    chunks_.for_each([&](Index chunk) {
      for (Index first = chunks_.begin(chunk); first < chunks_.end(chunk); first += Scan::width) {
        T* const tile = memory_ + (kept_ ? first : chunk * Scan::width) * columns_;
        const Index count = std::min(Scan::width, chunks_.end(chunk) - first);
        if (!packed_) scan.pack(samples_ + first * columns_, count, origin_, tile);
        work(chunk, first, count, tile);
      }
    });
    packed_ = kept_;
  }

 private:
  static constexpr Index kept_numbers = Index{1} << 18;  // about a second-level cache

  const T* samples_;
  Index columns_;
  Chunks chunks_;
  bool kept_ = false, packed_ = false;
  T *memory_ = nullptr, *origin_ = nullptr;
};

/// Raises an error unless `centroids [K, D]` are finite and have as many columns as `samples [N, D]`.
template <class B>
void require_centroids(const Tensor<B>& samples, const Tensor<B>& centroids) {
  require_rows("centroids", centroids);
  require(centroids.shape()[1] == samples.shape()[1], "centroids: expected ", samples.shape()[1],
          " columns as the samples have, met ", centroids.shape()[1]);
  // Labels travel through the SIMD lanes as numbers of type T.
  require(centroids.shape()[0] <= Index{1} << 24, "centroids: expected at most ", Index{1} << 24, ", met ", centroids.shape()[0]);
}

namespace detail {

template <class B>
  requires on_host<B>
void find_nearest(std::vector<std::int32_t>& labels, const Tensor<B>& samples, const Tensor<B>& centroids, Metric metric) {
  using T = typename B::Scalar;
  using Scan = CentroidScan<T>;
  const Index rows = samples.shape()[0], columns = samples.shape()[1], clusters = centroids.shape()[0];
  Scratch<HostMemory> scratch;
  SampleTiles<T> tiles(metric, samples.data(), rows, columns);
  auto* const memory = Workspace<HostMemory>::current().template take<T>(std::size_t(Scan::size(clusters, columns)));
  Scan scan(metric, clusters, columns, memory);
  scan.set(centroids.data(), tiles.origin());
  tiles.for_each(scan, [&](Index, Index first, Index count, const T* tile) {
    std::array<std::int32_t, std::size_t(Scan::width)> found;
    scan.nearest(tile, found.data());
    std::copy_n(found.data(), count, labels.data() + first);
  });
}

}  // namespace detail

/// The index of the nearest of `centroids [K, D]` for every row of `samples [N, D]`; ties go to the lowest index.
/// Raises an error on empty or non-finite input.
template <class B>
std::vector<std::int32_t> nearest_centroid(const Tensor<B>& samples, const Tensor<B>& centroids, Metric metric) {
  require_rows("samples", samples);
  require_centroids(samples, centroids);
  std::vector<std::int32_t> labels(std::size_t(samples.shape()[0]), 0);
  detail::find_nearest(labels, samples, centroids, metric);
  return labels;
}

}  // namespace moesaic::cluster
