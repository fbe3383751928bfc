// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <numeric>
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
        means_(take<T>(clusters_ * columns_)),
        sums_(take<double>((1 + tiles_.chunks().count) * clusters_ * columns_)),
        counts_(take<Index>((1 + tiles_.chunks().count) * clusters_)),
        relabelled_(take<Index>(tiles_.chunks().count)) {
    std::fill(assignment_.begin(), assignment_.end(), unlabelled_);
    std::fill_n(relabelled_, tiles_.chunks().count, rows_);
  }

  /// Labels all samples and sums them by label, both in one pass over memory. After the first pass, unless many labels changed
  /// in the pass before, the samples whose label changes leave one sum and join another, and the others stay in theirs.
  void assign() {
    scan_.set(centroids_, tiles_.origin());
    exact_ = few_ * std::accumulate(relabelled_, relabelled_ + tiles_.chunks().count, Index{0}) > rows_;
    if (exact_) clear_sums();
    std::fill_n(relabelled_, tiles_.chunks().count, Index{0});
    tiles_.for_each(scan_, [this](Index chunk, Index first, Index count, const T* tile) {
      std::array<std::int32_t, std::size_t(Scan::width)> found;
      scan_.nearest(tile, found.data());
      std::int32_t* const label = assignment_.data() + first;
      Index changed = 0;
      for (Index i = 0; i < count; ++i) changed += label[i] != unlabelled_ && found[std::size_t(i)] != label[i];
      if (changed > 0) relabelled_[chunk] += changed;
      if (!exact_ && changed > 0)
        for (Index i = 0; i < count; ++i)
          if (found[std::size_t(i)] != label[i]) {
            add<-1>(chunk, label[i], first + i);
            add<1>(chunk, found[std::size_t(i)], first + i);
          }
      std::copy_n(found.data(), count, label);
      if (exact_) add_members(chunk, first, count);
    });
    add_chunks();
  }

  /// Brings the labels to the clustering's assignment, where they are.
  void fetch_assignment() {}
  /// Sums anew after changes to the clustering's assignment.
  void take_assignment() {
    exact_ = true;
    clear_sums();
    const Chunks& chunks = tiles_.chunks();
    chunks.for_each([&](Index chunk) { add_members(chunk, chunks.begin(chunk), chunks.end(chunk) - chunks.begin(chunk)); });
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

  /// Moves the centroids to the means; whether they stayed within the tolerances. What ends a clustering, because it stays or
  /// because it is the `last` pass, are means of sums that were made afresh: those that samples joined and left carry roundings.
  bool move_centroids(bool last) {
    bool stays = find_means();
    if ((stays || last) && !exact_) {
      take_assignment();
      stays = find_means();
    }
    std::copy_n(means_, clusters_ * columns_, centroids_);
    return stays;
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

  /// The clusters' means; whether all are within the tolerances of the centroids.
  bool find_means() {
    const double absolute = options_.absolute_tolerance, relative = options_.relative_tolerance;
    Index moving = 0;  // counted rather than tested: the loop has no branch and vectorises
    for (Index k = 0; k < clusters_; ++k) {
      const double count = double(counts_[k]);
      for (Index d = k * columns_; d < (k + 1) * columns_; ++d) {
        means_[d] = T(sums_[d] / count);
        moving += moved(double(centroids_[d]), double(means_[d]), absolute, relative);
      }
    }
    return moving == 0;
  }

  // After the sums and counts of all samples come those of every chunk.
  double* sums_of(Index chunk) { return sums_ + (1 + chunk) * clusters_ * columns_; }
  Index* counts_of(Index chunk) { return counts_ + (1 + chunk) * clusters_; }
  void clear_sums() {
    const Index chunks = tiles_.chunks().count;
    std::fill_n(sums_of(0), chunks * clusters_ * columns_, 0.0);
    std::fill_n(counts_of(0), chunks * clusters_, Index{0});
  }
  void add_members(Index chunk, Index first, Index count) {
    for (Index i = first; i < first + count; ++i) add<1>(chunk, assignment_[std::size_t(i)], i);
  }
  /// Adds sample `i` to a cluster's sum, or takes it away.
  template <int sign>
  void add(Index chunk, Index cluster, Index i) {
    const T* const x = x_ + i * columns_;
    double* const sum = sums_of(chunk) + cluster * columns_;
    for (Index d = 0; d < columns_; ++d) sum[d] += sign * double(x[d]);
    counts_of(chunk)[cluster] += sign;
  }
  void add_chunks() {
    std::copy_n(sums_of(0), clusters_ * columns_, sums_);
    std::copy_n(counts_of(0), clusters_, counts_);
    for (Index chunk = 1; chunk < tiles_.chunks().count; ++chunk) {
      for (Index i = 0; i < clusters_ * columns_; ++i) sums_[i] += sums_of(chunk)[i];
      for (Index k = 0; k < clusters_; ++k) counts_[k] += counts_of(chunk)[k];
    }
  }

  static constexpr Index few_ = 4;  ///< a fourth at most
  static constexpr std::int32_t unlabelled_ = -1;

  const T* x_;
  Index rows_, columns_, clusters_;
  const KMeansOptions& options_;
  T* centroids_;
  std::span<std::int32_t> assignment_;
  SampleTiles<T> tiles_;
  Scan scan_;
  T* means_;
  double* sums_;
  Index *counts_, *relabelled_;  ///< members by cluster; by chunk, samples whose label the last pass changed
  bool exact_ = false;  ///< the sums were made afresh from the labels
};

}  // namespace moesaic::cluster::detail
