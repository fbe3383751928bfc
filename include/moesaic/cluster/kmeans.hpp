// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <span>
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
Index fill_empty_clusters(Passes& passes, Index clusters, EmptyCluster rule, std::span<std::int32_t> assignment) {
  const Scratch<HostMemory> scratch;
  Index* const counts = passes.counts();
  std::span<double> gaps;
  bool changed = false;
  Index empty = -1;
  for (Index k = 0; k < clusters && empty < 0; ++k) {
    if (counts[k] > 0) continue;
    if (rule == EmptyCluster::Reseed && gaps.empty()) {
      passes.fetch_assignment();
      gaps = host_scratch<double>(assignment.size());
      passes.gaps(gaps);
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

/// Lloyd's passes from the centroids of `clustering` on, which they move.
template <class B>
KMeansOutcome run_passes(const Tensor<B>& samples, const KMeansOptions& options, const Clustering<B>& clustering) {
  const Scratch<typename B::Memory> scratch;
  std::conditional_t<on_host<B>, HostPasses<B>, DevicePasses<B>> passes(samples, options, clustering);
  KMeansOutcome outcome;
  while (outcome.passes < options.max_passes && !outcome.converged) {
    ++outcome.passes;
    passes.assign();
    outcome.empty_cluster = fill_empty_clusters(passes, clustering.centroids.shape()[0], options.empty, clustering.assignment);
    if (outcome.empty_cluster >= 0) break;
    outcome.converged = passes.move_centroids(outcome.passes == options.max_passes);
  }
  passes.fetch_assignment();
  outcome.inertia = passes.inertia();
  require(finite(outcome.inertia), "k-means: distances of the samples overflow; expected samples of a smaller scale");
  return outcome;
}

inline void require_options(const KMeansOptions& options) {
  require(options.max_passes > 0, "k-means: max_passes is ", options.max_passes, ", expected at least 1");
  require(options.restarts > 0, "k-means: restarts is ", options.restarts, ", expected at least 1");
  require(options.absolute_tolerance >= 0 && options.relative_tolerance >= 0, "k-means: tolerances ", options.absolute_tolerance,
          " and ", options.relative_tolerance, ", expected none below 0");
}

/// The best of some runs from k-means++ starts.
template <class B>
KMeansOutcome best_of_starts(const Tensor<B>& samples, const Random& random, const KMeansOptions& options,
                             const Clustering<B>& out) {
  const Scratch<HostMemory> host_memory;
  const Scratch<typename B::Memory> scratch;
  const Clustering<B> next{make_tensor<B>(out.centroids.shape()), host_scratch<std::int32_t>(out.assignment.size())};
  const auto rank = [](const KMeansOutcome& k) { return std::pair(k.empty_cluster >= 0, k.inertia); };
  KMeansOutcome best;
  for (int r = 0; r < options.restarts; ++r) {
    draw_centroids(next.centroids, samples, random.fork(std::uint64_t(r)), options.metric);
    require_centroids(samples, next.centroids);
    const auto outcome = run_passes(samples, options, next);
    if (r > 0 && !(rank(outcome) < rank(best))) continue;
    best = outcome;
    B::copy(out.centroids, next.centroids);
    std::copy(next.assignment.begin(), next.assignment.end(), out.assignment.begin());
  }
  return best;
}

}  // namespace detail

/// Lloyd's k-means of `samples [N, D]` from given `centroids [K, D]` (a warm start). Each pass assigns every sample to its
/// nearest centroid, ties to the lowest index, then moves centroids to the means of their members, summed in double in a fixed
/// order: the same bits at any number of threads. Between passes with few changes sums are carried on; where the clustering ends by
/// itself or after its last pass they are made afresh. Lloyd: Least squares quantization in PCM, IEEE Trans. Inf. Theory 28 (1982).
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
  result.assignment.resize(std::size_t(samples.shape()[0]));
  static_cast<KMeansOutcome&>(result) = detail::run_passes<B>(samples, options, {result.centroids, result.assignment});
  return result;
}

/// The best of `options.restarts` runs of k-means with `clusters` clusters from k-means++ starts. A run that ends with an empty
/// cluster loses against any that does not. Restart r draws from `random.fork(r)`.
template <class B>
KMeansResult<B> kmeans(const Tensor<B>& samples, Index clusters, const Random& random, const KMeansOptions& options = {}) {
  detail::require_options(options);
  detail::require_clusters(samples, clusters);
  KMeansResult<B> result;
  result.centroids = Array<B>(Shape{clusters, samples.shape()[1]});
  result.assignment.resize(std::size_t(samples.shape()[0]));
  static_cast<KMeansOutcome&>(result) =
      detail::best_of_starts<B>(samples, random, options, {result.centroids, result.assignment});
  return result;
}

}  // namespace moesaic::cluster
