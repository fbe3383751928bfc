// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <span>

#include <moesaic/cluster/kmeans_options.hpp>
#include <moesaic/cluster/nearest_centroid.hpp>

namespace moesaic::cluster::detail {

/// The steps of a pass of k-means, put together in kmeans.hpp. `DevicePasses` has the same members.
template <class B>
class HostPasses {
  using T = typename B::Scalar;
  using Scan = CentroidScan<T>;

 public:
  HostPasses(const Tensor<B>& samples, const KMeansOptions& options, const Clustering<B>& clustering)
      : x_(samples.data()),
        rows_(samples.shape()[0]),
        columns_(samples.shape()[1]),
        clusters_(clustering.centroids.shape()[0]),
        options_(options),
        centroids_(clustering.centroids.data()),
        assignment_(clustering.assignment),
        tiles_(options.metric, x_, rows_, columns_),
        scan_(options.metric, clusters_, columns_, take<T>(Scan::size(clusters_, columns_))),
        sums_(take<double>(tiles_.chunks().count * clusters_ * columns_)),
        counts_(take<Index>(tiles_.chunks().count * clusters_)) {}

  /// Labels all samples and sums them by label, both in one pass over memory.
  void assign() {
    scan_.set(centroids_, tiles_.origin());
    clear_sums();
    tiles_.for_each(scan_, [this](Index chunk, Index first, Index count, const T* tile) {
      std::array<std::int32_t, std::size_t(Scan::width)> found;
      scan_.nearest(tile, found.data());
      std::copy_n(found.data(), count, assignment_.data() + first);
      add_members(chunk, first, count);
    });
    add_chunks();
  }

  /// Brings the labels to the clustering's assignment, where they are.
  void fetch_assignment() {}
  /// Sums anew after changes to the clustering's assignment.
  void take_assignment() {
    clear_sums();
    for (Index chunk = 0; chunk < tiles_.chunks().count; ++chunk)
      add_members(chunk, tiles_.chunks().begin(chunk), tiles_.chunks().end(chunk) - tiles_.chunks().begin(chunk));
    add_chunks();
  }

  /// Members of every cluster.
  Index* counts() { return counts_; }
  /// Distance of every sample to its centroid.
  void gaps(std::span<double> out) const {
    for (Index i = 0; i < rows_; ++i) out[std::size_t(i)] = gap(i);
  }
  /// The sum of these.
  double inertia() const {
    double sum = 0;
    for (Index i = 0; i < rows_; ++i) sum += gap(i);
    return sum;
  }

  /// Moves the centroids to the means; whether they stayed within the tolerances.
  bool move_centroids() {
    const double absolute = options_.absolute_tolerance, relative = options_.relative_tolerance;
    Index moving = 0;  // counted rather than tested: the loop has no branch and vectorises
    for (Index k = 0; k < clusters_; ++k) {
      T* const centroid = centroids_ + k * columns_;
      const double* const sum = sums_ + k * columns_;
      const double count = double(counts_[k]);
      for (Index d = 0; d < columns_; ++d) {
        const double old = double(centroid[d]);
        centroid[d] = T(sum[d] / count);
        moving += moved(old, double(centroid[d]), absolute, relative);
      }
    }
    return moving == 0;
  }

 private:
  template <class N>
  static N* take(Index count) {
    return Workspace<HostMemory>::current().template take<N>(std::size_t(count));
  }
  double gap(Index i) const {
    return distance(options_.metric, x_ + i * columns_,
                    centroids_ + assignment_[std::size_t(i)] * columns_, columns_);
  }

  void clear_sums() {
    const Index chunks = tiles_.chunks().count;
    std::fill_n(sums_, chunks * clusters_ * columns_, 0.0);
    std::fill_n(counts_, chunks * clusters_, Index{0});
  }
  void add_members(Index chunk, Index first, Index count) {
    double* const sums = sums_ + chunk * clusters_ * columns_;
    Index* const counts = counts_ + chunk * clusters_;
    const Index columns = columns_;
    for (Index i = first; i < first + count; ++i) {
      const Index label = assignment_[std::size_t(i)];
      const T* const x = x_ + i * columns;
      double* const sum = sums + label * columns;
      for (Index d = 0; d < columns; ++d) sum[d] += double(x[d]);
      ++counts[label];
    }
  }
  void add_chunks() {
    for (Index chunk = 1; chunk < tiles_.chunks().count; ++chunk) {
      for (Index i = 0; i < clusters_ * columns_; ++i) sums_[i] += sums_[chunk * clusters_ * columns_ + i];
      for (Index k = 0; k < clusters_; ++k) counts_[k] += counts_[chunk * clusters_ + k];
    }
  }

  const T* x_;
  Index rows_, columns_, clusters_;
  const KMeansOptions& options_;
  T* centroids_;
  std::span<std::int32_t> assignment_;
  SampleTiles<T> tiles_;
  Scan scan_;
  double* sums_;
  Index* counts_;
};

}  // namespace moesaic::cluster::detail
