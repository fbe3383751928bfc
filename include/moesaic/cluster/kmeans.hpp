// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <type_traits>
#include <utility>

#include <moesaic/cluster/device_passes.hpp>
#include <moesaic/cluster/host_passes.hpp>
#include <moesaic/cluster/kmeans_plus_plus.hpp>

namespace moesaic::cluster {

namespace detail {

/// Gives every cluster without members the sample farthest from its centroid among clusters that can spare one. Returns the first
/// cluster that stays without members, or -1.
template <class Passes>
Index fill_empty_clusters(Passes& passes, Index clusters, EmptyCluster rule, std::vector<std::int32_t>& assignment) {
  Index* const counts = passes.counts();
  std::vector<double> gaps;
  bool changed = false;
  Index empty = -1;
  for (Index k = 0; k < clusters && empty < 0; ++k) {
    if (counts[k] > 0) continue;
    if (rule == EmptyCluster::Reseed && gaps.empty()) {
      passes.fetch_assignment();
      gaps = passes.gaps();
    }
    std::size_t far = 0;
    double most = 0;
    for (std::size_t i = 0; i < gaps.size(); ++i)
      if (gaps[i] > most && counts[assignment[i]] > 1) most = gaps[i], far = i;
    if (most > 0) {
      --counts[assignment[far]];
      ++counts[k];
      assignment[far] = std::int32_t(k);
      changed = true;
    } else {
      empty = k;
    }
  }
  if (changed) passes.take_assignment();
  return empty;
}

/// Lloyd's passes from `result.centroids` on; fills `result`.
template <class B>
void run_passes(const Tensor<B>& samples, const KMeansOptions& options, KMeansResult<B>& result) {
  const Scratch<typename B::Memory> scratch;
  std::conditional_t<on_host<B>, HostPasses<B>, DevicePasses<B>> passes(samples, options, result);
  while (result.passes < options.max_passes && !result.converged) {
    ++result.passes;
    passes.assign();
    result.empty_cluster = fill_empty_clusters(passes, result.centroids.shape()[0], options.empty, result.assignment);
    if (result.empty_cluster >= 0) break;
    result.converged = passes.move_centroids();
  }
  passes.fetch_assignment();
  result.inertia = passes.inertia();
  require(finite(result.inertia), "k-means: distances of the samples overflow; expected samples of a smaller scale");
}

inline void require_options(const KMeansOptions& options) {
  require(options.max_passes > 0, "k-means: max_passes is ", options.max_passes, ", expected at least 1");
  require(options.restarts > 0, "k-means: restarts is ", options.restarts, ", expected at least 1");
  require(options.absolute_tolerance >= 0 && options.relative_tolerance >= 0, "k-means: tolerances ", options.absolute_tolerance,
          " and ", options.relative_tolerance, ", expected none below 0");
}

}  // namespace detail

/// Lloyd's k-means of `samples [N, D]` from given `centroids [K, D]` (a warm start). Each pass assigns every sample to its
/// nearest centroid, ties to the lowest index, then moves centroids to the means of their members, summed in double in a fixed
/// order: the same bits at any number of threads. Lloyd: Least squares quantization in PCM, IEEE Trans. Inf. Theory 28 (1982).
/// Raises an error on empty or non-finite input, on more clusters than samples and on distances that overflow.
template <class B>
KMeansResult<B> kmeans(const Tensor<B>& samples, const Tensor<B>& centroids, const KMeansOptions& options = {}) {
  detail::require_options(options);
  require_rows("samples", samples);
  require_centroids(samples, centroids);
  require(centroids.shape()[0] <= samples.shape()[0], "k-means: ", centroids.shape()[0], " clusters of ", samples.shape()[0],
          " samples, expected no more clusters than samples");
  KMeansResult<B> result;
  result.centroids = Array<B>(centroids);
  detail::run_passes(samples, options, result);
  return result;
}

/// The best of `options.restarts` runs of k-means with `clusters` clusters from k-means++ starts. A run that ends with an empty
/// cluster loses against any that does not. Restart r draws from `random.fork(r)`.
template <class B>
KMeansResult<B> kmeans(const Tensor<B>& samples, Index clusters, const Random& random, const KMeansOptions& options = {}) {
  detail::require_options(options);
  KMeansResult<B> best;
  for (int r = 0; r < options.restarts; ++r) {
    const auto start = kmeans_plus_plus(samples, clusters, random.fork(std::uint64_t(r)), options.metric);
    auto next = kmeans(samples, start.tensor(), options);
    const auto rank = [](const KMeansResult<B>& k) { return std::pair(k.empty_cluster >= 0, k.inertia); };
    if (r == 0 || rank(next) < rank(best)) best = std::move(next);
  }
  return best;
}

}  // namespace moesaic::cluster
