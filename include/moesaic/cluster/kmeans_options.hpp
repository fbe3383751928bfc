// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include <moesaic/cluster/metric.hpp>

namespace moesaic::cluster {

/// What to do about a cluster without members: stop and say which one, or give it the sample farthest from its centroid.
enum class EmptyCluster { Report, Reseed };

struct KMeansOptions {
  Metric metric = Metric::SquaredEuclidean;  ///< of the assignment; centroids are arithmetic means under either
  EmptyCluster empty = EmptyCluster::Reseed;
  int max_passes = 300;
  double absolute_tolerance = 1e-4;  ///< converged when every |centroid - previous| is at most
  double relative_tolerance = 1e-5;  ///<   absolute_tolerance + relative_tolerance |previous|
  int restarts = 1;                  ///< k-means++ starts, of which the lowest inertia wins
};

/// How a clustering ended.
struct KMeansOutcome {
  double inertia = 0;  ///< sum over samples of the distance to their centroid
  int passes = 0;      ///< assignment passes done
  bool converged = false;
  Index empty_cluster = -1;  ///< where it stopped for want of members; -1 if nowhere
};

template <class B>
struct KMeansResult : KMeansOutcome {
  Array<B> centroids;                    ///< [K, D]: the means of `assignment`'s clusters
  std::vector<std::int32_t> assignment;  ///< [N]: made with the centroids of the pass before
};

namespace detail {

/// A clustering in memory of the caller: centroids [K, D] and the cluster of each of the N samples.
template <class B>
struct Clustering {
  Tensor<B> centroids;
  std::span<std::int32_t> assignment;
};

/// Whether a coordinate of a centroid moved by more than the tolerances.
MOESAIC_HD inline bool moved(double from, double to, double absolute, double relative) {
  return std::abs(to - from) > absolute + relative * std::abs(from);
}

}  // namespace detail
}  // namespace moesaic::cluster
