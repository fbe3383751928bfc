// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include <moesaic/cluster/metric.hpp>

namespace moesaic::cluster {

/// Finds the nearest of K centroids for tiles of samples that lie transposed, `[D, width]`: one sample a SIMD lane, so that the
/// argmin needs no horizontal step and K no padding.
template <class T>
class CentroidScan {
 public:
  using Batch = xsimd::batch<T>;
  static constexpr Index lanes = Index(Batch::size), vectors = 4, width = lanes * vectors;  ///< samples of a tile
  static constexpr Index group = sizeof(Batch) == 64 ? 4 : 2;  ///< centroids at a time: what the registers hold

  /// `memory` for K centroids of D columns: `size(K, D)` numbers.
  CentroidScan(Metric metric, Index clusters, Index columns, T* memory)
      : metric_(metric), clusters_(clusters), columns_(columns), rows_(memory), bias_(memory + clusters * columns) {}
  static Index size(Index clusters, Index columns) { return clusters * (columns + 1); }

  /// Takes centroids [K, D] in the coordinates x - origin. The squared distance less |x|^2 is twice |c|^2/2 - x.c.
  void set(const T* centroids, const T* origin) {
    const T sign = metric_ == Metric::L1 ? T(1) : T(-1);
    for (Index k = 0; k < clusters_; ++k) {
      T* const row = rows_ + k * columns_;
      for (Index d = 0; d < columns_; ++d) row[d] = sign * (centroids[k * columns_ + d] - origin[d]);
      bias_[k] = metric_ == Metric::L1 ? T(0) : T(distance(metric_, centroids + k * columns_, origin, columns_) / 2);
    }
  }

  /// Transposes `count` <= width samples less `origin` into a tile; unused lanes are zero.
  void pack(const T* samples, Index count, const T* origin, T* tile) const {
    Index s = 0;
    if constexpr (side > 0)
      for (; s + side <= count; s += side) pack_rows(samples + s * columns_, origin, tile + s);
    for (; s < count; ++s)
      for (Index d = 0; d < columns_; ++d) tile[d * width + s] = samples[s * columns_ + d] - origin[d];
    for (; s < width; ++s)
      for (Index d = 0; d < columns_; ++d) tile[d * width + s] = 0;
  }

  /// The nearest centroid of every sample of a tile; ties go to the lowest index.
  void nearest(const T* tile, std::int32_t* labels) const {
    Best best;
    best.score.fill(Batch(std::numeric_limits<T>::max()));
    best.label.fill(Batch(T(0)));
    if (metric_ == Metric::L1)
      scan<Metric::L1>(tile, best);
    else
      scan<Metric::SquaredEuclidean>(tile, best);
    alignas(64) T found[std::size_t(width)];
    for (Index v = 0; v < vectors; ++v) best.label[std::size_t(v)].store_aligned(found + v * lanes);
    for (Index s = 0; s < width; ++s) labels[s] = std::int32_t(found[s]);
  }

 private:
  struct Best {
    std::array<Batch, std::size_t(vectors)> score, label;
  };
  using Small = typename xsimd::make_sized_batch<T, 16 / sizeof(T)>::type;  // 128 bits: void where there is no such register
  static constexpr Index side = std::is_void_v<Small> ? 0 : Index(16 / sizeof(T));

  template <Index... I, class F>
  static void unroll(std::integer_sequence<Index, I...>, const F& f) {
    (f(std::integral_constant<Index, I>{}), ...);
  }
  template <Index N, class F>
  static void unroll(const F& f) {
    unroll(std::make_integer_sequence<Index, N>{}, f);
  }

  template <Metric metric>
  void scan(const T* tile, Best& best) const {
    Index k = 0;
    for (; k + group <= clusters_; k += group) scan_group<metric, group>(tile, k, best);
    unroll<group - 1>([&](auto rest) {
      if (clusters_ - k == rest + 1) scan_group<metric, rest + 1>(tile, k, best);
    });
  }

  template <Index count>
  using Sums = std::array<std::array<Batch, std::size_t(vectors)>, std::size_t(count)>;

  template <Metric metric, Index count>
  void scan_group(const T* tile, Index first, Best& best) const {
    const Sums<count> sums = distances<metric, count>(tile, first);
    for (std::size_t g = 0; g < std::size_t(count); ++g) {
      const Batch label(T(first + Index(g)));
      for (std::size_t v = 0; v < std::size_t(vectors); ++v) {
        const auto closer = sums[g][v] < best.score[v];
        best.score[v] = xsimd::select(closer, sums[g][v], best.score[v]);
        best.label[v] = xsimd::select(closer, label, best.label[v]);
      }
    }
  }

  /// Scores of a tile's samples against `count` centroids; all sums stay in registers.
  template <Metric metric, Index count>
  Sums<count> distances(const T* tile, Index first) const {
    Sums<count> sums;
    const T* const c = rows_ + first * columns_;
    unroll<count>([&](auto g) { unroll<vectors>([&](auto v) { sums[g][v] = Batch(bias_[first + g]); }); });
    for (Index d = 0; d < columns_; ++d) {
      std::array<Batch, std::size_t(vectors)> x;
      unroll<vectors>([&](auto v) { x[v] = Batch::load_aligned(tile + d * width + v * lanes); });
      unroll<count>([&](auto g) {
        const Batch centroid(c[g * columns_ + d]);
        unroll<vectors>([&](auto v) {
          if constexpr (metric == Metric::L1)
            sums[g][v] += xsimd::abs(x[v] - centroid);
          else
            sums[g][v] = xsimd::fma(x[v], centroid, sums[g][v]);
        });
      });
    }
    return sums;
  }

  /// `side` samples at once: square transposes in 128-bit registers.
  void pack_rows(const T* samples, const T* origin, T* tile) const {
    Index d = 0;
    if constexpr (side > 0) {
      for (; d + side <= columns_; d += side) {
        const auto shift = Small::load_unaligned(origin + d);
        std::array<Small, std::size_t(side)> r;
        unroll<side>([&](auto i) { r[i] = Small::load_unaligned(samples + i * columns_ + d) - shift; });
        if constexpr (side == 4) {
          const auto a = xsimd::zip_lo(r[0], r[2]), b = xsimd::zip_lo(r[1], r[3]);
          const auto e = xsimd::zip_hi(r[0], r[2]), f = xsimd::zip_hi(r[1], r[3]);
          r = {xsimd::zip_lo(a, b), xsimd::zip_hi(a, b), xsimd::zip_lo(e, f), xsimd::zip_hi(e, f)};
        } else {
          r = {xsimd::zip_lo(r[0], r[1]), xsimd::zip_hi(r[0], r[1])};
        }
        unroll<side>([&](auto i) { r[i].store_unaligned(tile + (d + i) * width); });
      }
      for (; d < columns_; ++d)
        for (Index i = 0; i < side; ++i) tile[d * width + i] = samples[i * columns_ + d] - origin[d];
    }
  }

  Metric metric_;
  Index clusters_, columns_;
  T *rows_, *bias_;
};

}  // namespace moesaic::cluster
