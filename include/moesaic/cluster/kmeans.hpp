// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <utility>

#include <moesaic/cluster/kmeans_plus_plus.hpp>
#include <moesaic/cluster/nearest_centroid.hpp>

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

template <class B>
struct KMeansResult {
  Array<B> centroids;                    ///< [K, D]: the means of `assignment`'s clusters
  std::vector<std::int32_t> assignment;  ///< [N]: made with the centroids of the pass before
  double inertia = 0;                    ///< sum over samples of the distance to their centroid
  int passes = 0;                        ///< assignment passes done
  bool converged = false;
  Index empty_cluster = -1;  ///< where it stopped for want of members; -1 if nowhere
};

namespace detail {

/// Lloyd's passes from `result.centroids` on; fills `result`.
template <class B>
class Lloyd {
  using T = typename B::Scalar;
  using Scan = CentroidScan<T>;

 public:
  Lloyd(const Tensor<B>& samples, const KMeansOptions& options, KMeansResult<B>& result)
      : x_(samples.data()),
        rows_(samples.shape()[0]),
        columns_(samples.shape()[1]),
        clusters_(result.centroids.shape()[0]),
        options_(options),
        result_(result),
        tiles_(options.metric, x_, rows_, columns_),
        scan_(options.metric, clusters_, columns_, take<T>(Scan::size(clusters_, columns_))),
        sums_(take<double>(tiles_.chunks().count * clusters_ * columns_)),
        counts_(take<Index>(tiles_.chunks().count * clusters_)) {}

  void run() {
    result_.assignment.assign(std::size_t(rows_), 0);
    while (result_.passes < options_.max_passes && !result_.converged) {
      ++result_.passes;
      assign();
      result_.empty_cluster = fill_empty_clusters();
      if (result_.empty_cluster >= 0) break;
      result_.converged = move_centroids();
    }
    result_.inertia = inertia();
  }

 private:
  template <class N>
  static N* take(Index count) {
    return Workspace<HostMemory>::current().template take<N>(std::size_t(count));
  }

  /// Labels all samples and sums them by label, both in one pass over memory.
  void assign() {
    scan_.set(result_.centroids.data(), tiles_.origin());
    clear_sums();
    tiles_.for_each(scan_, [this](Index chunk, Index first, Index count, const T* tile) {
      std::array<std::int32_t, std::size_t(Scan::width)> found;
      scan_.nearest(tile, found.data());
      std::copy_n(found.data(), count, result_.assignment.data() + first);
      add_members(chunk, first, count);
    });
    add_chunks();
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
      const Index label = result_.assignment[std::size_t(i)];
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

  /// The first cluster that is and stays without members, or -1.
  Index fill_empty_clusters() {
    bool moved = false;
    Index empty = -1;
    for (Index k = 0; k < clusters_ && empty < 0; ++k) {
      if (counts_[k] > 0) continue;
      const Index far = options_.empty == EmptyCluster::Reseed ? farthest_sample() : -1;
      if (far < 0) {
        empty = k;
      } else {
        --counts_[result_.assignment[std::size_t(far)]];
        ++counts_[k];
        result_.assignment[std::size_t(far)] = std::int32_t(k);
        moved = true;
      }
    }
    if (moved && empty < 0) {
      clear_sums();
      for (Index chunk = 0; chunk < tiles_.chunks().count; ++chunk)
        add_members(chunk, tiles_.chunks().begin(chunk), tiles_.chunks().end(chunk) - tiles_.chunks().begin(chunk));
      add_chunks();
    }
    return empty;
  }

  /// The sample farthest from its centroid among clusters that can spare one; -1 if all lie on their centroids.
  Index farthest_sample() const {
    Index far = -1;
    double most = 0;
    for (Index i = 0; i < rows_; ++i) {
      const Index label = result_.assignment[std::size_t(i)];
      if (counts_[label] < 2) continue;
      const double gap = distance(options_.metric, x_ + i * columns_, result_.centroids.data() + label * columns_, columns_);
      if (gap > most) most = gap, far = i;
    }
    return far;
  }

  bool move_centroids() {
    const double absolute = options_.absolute_tolerance, relative = options_.relative_tolerance;
    Index moving = 0;  // counted rather than tested: the loop has no branch and vectorises
    for (Index k = 0; k < clusters_; ++k) {
      T* const centroid = result_.centroids.data() + k * columns_;
      const double* const sum = sums_ + k * columns_;
      const double count = double(counts_[k]);
      for (Index d = 0; d < columns_; ++d) {
        const double old = double(centroid[d]);
        centroid[d] = T(sum[d] / count);
        moving += std::abs(double(centroid[d]) - old) > absolute + relative * std::abs(old);
      }
    }
    return moving == 0;
  }

  double inertia() const {
    double sum = 0;
    for (Index i = 0; i < rows_; ++i)
      sum += distance(options_.metric, x_ + i * columns_,
                      result_.centroids.data() + result_.assignment[std::size_t(i)] * columns_, columns_);
    return sum;
  }

  const T* x_;
  Index rows_, columns_, clusters_;
  const KMeansOptions& options_;
  KMeansResult<B>& result_;
  SampleTiles<T> tiles_;
  Scan scan_;
  double* sums_;
  Index* counts_;
};

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
/// Raises an error on empty or non-finite input and on more clusters than samples.
template <class B>
KMeansResult<B> kmeans(const Tensor<B>& samples, const Tensor<B>& centroids, const KMeansOptions& options = {}) {
  static_assert(std::is_same_v<typename B::Memory, HostMemory>, "kmeans: works on tensors of a CPU backend");
  detail::require_options(options);
  require_rows("samples", samples);
  require_centroids(samples, centroids);
  require(centroids.shape()[0] <= samples.shape()[0], "k-means: ", centroids.shape()[0], " clusters of ", samples.shape()[0],
          " samples, expected no more clusters than samples");
  Scratch<HostMemory> scratch;
  KMeansResult<B> result;
  result.centroids = Array<B>(centroids);
  detail::Lloyd<B>(samples, options, result).run();
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
