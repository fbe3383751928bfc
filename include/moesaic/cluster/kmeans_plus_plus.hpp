// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <limits>

#include <moesaic/cluster/device_plus_plus.hpp>
#include <moesaic/cluster/metric.hpp>
#include <moesaic/core/random.hpp>

namespace moesaic::cluster {

namespace detail {

template <class B>
  requires on_host<B>
void draw_centroids(const Tensor<B>& centroids, const Tensor<B>& samples, Random random, Metric metric) {
  using T = typename B::Scalar;
  const Index rows = samples.shape()[0], columns = samples.shape()[1], clusters = centroids.shape()[0];
  Scratch<HostMemory> scratch;
  auto* const gap = Workspace<HostMemory>::current().take<double>(std::size_t(rows));
  std::fill_n(gap, rows, std::numeric_limits<double>::max());
  Index chosen = Index(random.next_below(std::uint64_t(rows)));
  for (Index k = 0; k < clusters; ++k) {
    const T* const centroid = samples.data() + chosen * columns;
    std::copy_n(centroid, columns, centroids.data() + k * columns);
    double total = 0;
    for (Index i = 0; i < rows; ++i) {
      gap[i] = std::min(gap[i], distance(metric, samples.data() + i * columns, centroid, columns));
      total += gap[i];
    }
    const double uniform = random.next_uniform();
    chosen = std::min(rows - 1, Index(uniform * double(rows)));
    if (!(total > 0) || !finite(total)) continue;
    double left = uniform * total;
    for (Index i = 0; i < rows; ++i) {
      if (gap[i] > 0) chosen = i;  // rounding may leave a rest after the last sample: the last possible one then wins
      left -= gap[i];
      if (left < 0) break;
    }
  }
}

template <class B>
void require_clusters(const Tensor<B>& samples, Index clusters) {
  require_rows("samples", samples);
  const Index rows = samples.shape()[0];
  require(clusters > 0 && clusters <= rows, "k-means++: ", clusters, " clusters of ", rows, " samples, expected 1 to ", rows);
}

}  // namespace detail

/// Starting centroids [K, D] for k-means, drawn from `samples [N, D]`: the first uniformly, each further one with probability in
/// proportion to its distance (under `metric`) from the nearest already drawn. Once every sample coincides with a centroid, the
/// rest are drawn uniformly. Arthur, Vassilvitskii: k-means++: the advantages of careful seeding, SODA 2007.
/// Raises an error on empty or non-finite samples and on more clusters than samples.
template <class B>
Array<B> kmeans_plus_plus(const Tensor<B>& samples, Index clusters, Random random, Metric metric = Metric::SquaredEuclidean) {
  detail::require_clusters(samples, clusters);
  Array<B> centroids(Shape{clusters, samples.shape()[1]});
  detail::draw_centroids(centroids.tensor(), samples, random, metric);
  return centroids;
}

}  // namespace moesaic::cluster
