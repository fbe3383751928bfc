// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <moesaic/cluster/kmeans_options.hpp>

namespace moesaic::cluster::detail {

/// The nearest centroid of one sample, ties to the lowest index.
template <class T>
struct NearestKernel {
  static constexpr int group = 8;  ///< centroids at a time: what the registers hold
  Metric metric;
  const T *samples, *centroids;
  Index columns, clusters;
  T* label;

  MOESAIC_HD void operator()(Index i) const {
    const T* const x = samples + i * columns;
    label[i] = metric == Metric::L1 ? nearest<Metric::L1>(x) : nearest<Metric::SquaredEuclidean>(x);
  }

 private:
  struct Best {
    T gap;
    Index label;
  };
  template <Metric measure>
  MOESAIC_HD T nearest(const T* x) const {
    Best best{std::numeric_limits<T>::max(), 0};
    Index k = 0;
    for (; k + group <= clusters; k += group) scan<measure, group>(x, k, best);
    for (; k < clusters; ++k) scan<measure, 1>(x, k, best);
    return T(best.label);
  }
  template <Metric measure, int count>
  MOESAIC_HD void scan(const T* x, Index first, Best& best) const {
    const T* const c = centroids + first * columns;
    T sum[count] = {};
    for (Index d = 0; d < columns; ++d)
      for (int g = 0; g < count; ++g) {
        const T gap = x[d] - c[g * columns + d];
        sum[g] += measure == Metric::SquaredEuclidean ? gap * gap : gap < 0 ? -gap : gap;
      }
    for (int g = 0; g < count; ++g)
      if (sum[g] < best.gap) best = {sum[g], first + g};
  }
};

/// Adds column `d` of one chunk's samples to its clusters' sums `[chunk, K, D + 1]`; the last column counts members.
template <class T>
struct AddMembersKernel {
  const T *samples, *label;
  Index rows, columns, clusters, chunk_rows;
  double* sums;

  MOESAIC_HD void operator()(Index i) const {
    const Index width = columns + 1, chunk = i / width, d = i - chunk * width, begin = chunk * chunk_rows;
    const Index end = begin + chunk_rows < rows ? begin + chunk_rows : rows;
    double* const sum = sums + chunk * clusters * width + d;
    for (Index r = begin; r < end; ++r) sum[Index(label[r]) * width] += d < columns ? double(samples[r * columns + d]) : 1.0;
  }
};

/// One coordinate of the centroids' means: where it goes, whether it moves; and the number of members.
template <class T>
struct MeanKernel {
  const double* sums;
  const T* from;
  Index columns;
  double absolute, relative;
  T* to;
  double *moving, *counts;

  MOESAIC_HD void operator()(Index i) const {
    const Index k = i / columns, d = i - k * columns;
    const double *const sum = sums + k * (columns + 1), count = sum[columns];
    to[i] = T(sum[d] / count);
    moving[i] = moved(double(from[i]), double(to[i]), absolute, relative) ? 1 : 0;
    if (d == 0) counts[k] = count;
  }
};

/// Distance of one sample to its centroid.
template <class T>
struct GapKernel {
  Metric metric;
  const T *samples, *centroids, *label;
  Index columns;
  double* gap;
  MOESAIC_HD void operator()(Index i) const {
    gap[i] = device_distance(metric, samples + i * columns, centroids + Index(label[i]) * columns, columns);
  }
};

template <class T>
void to_integers(std::span<std::int32_t> out, const std::vector<T>& labels) {
  std::transform(labels.begin(), labels.end(), out.begin(), [](T label) { return std::int32_t(label); });
}

template <class B>
void label_samples(const Tensor<B>& label, const Tensor<B>& samples, const Tensor<B>& centroids, Metric metric) {
  B::for_each(label.size(), NearestKernel<typename B::Scalar>{metric, samples.data(), centroids.data(), samples.shape()[1],
                                                              centroids.shape()[0], label.data()});
}
template <class B>
void find_nearest(std::vector<std::int32_t>& labels, const Tensor<B>& samples, const Tensor<B>& centroids, Metric metric) {
  const Scratch<typename B::Memory> scratch;
  const auto label = make_tensor<B>({samples.shape()[0]});
  label_samples(label, samples, centroids, metric);
  to_integers(labels, to_host(label));
}

/// The steps of a pass of k-means by kernels; the members do what those of `HostPasses` do.
///
/// A pass tells the host one thing, when it is over: `report_ [2, K]`, how many members the clusters have and how many of their
/// coordinates move. Only where a cluster is empty, labels and distances follow.
template <class B>
class DevicePasses {
  using T = typename B::Scalar;
  using D = Double<B>;

 public:
  DevicePasses(const Tensor<B>& samples, const KMeansOptions& options, const Clustering<B>& clustering)
      : samples_(samples), options_(options), clustering_(clustering), counts_(std::size_t(clusters_)) {}

  void assign() {
    label_samples(label_, samples_, clustering_.centroids, options_.metric);
    sum();
  }
  void fetch_assignment() { to_integers(clustering_.assignment, to_host(label_)); }
  void take_assignment() {
    const std::vector<T> host(clustering_.assignment.begin(), clustering_.assignment.end());
    B::from_host(label_, host.data());
    sum();
  }

  Index* counts() { return counts_.data(); }
  void gaps(std::span<double> out) const {
    const Scratch<typename B::Memory> scratch;
    D::to_host(out.data(), measure());
  }
  double inertia() const {
    const Scratch<typename B::Memory> scratch;
    const auto total = make_tensor<D>(Shape{});
    D::sum_to(total, measure());
    return to_host(total)[0];
  }

  bool move_centroids(bool /*last*/) {
    B::copy(clustering_.centroids, means_);
    return still_;
  }

 private:
  Tensor<D> measure() const {
    const auto gap = make_tensor<D>(Shape{rows_});
    B::for_each(rows_, GapKernel<T>{options_.metric, samples_.data(), clustering_.centroids.data(), label_.data(),
                                    columns_, gap.data()});
    return gap;
  }

  /// Sums by label, chunk by chunk and then the chunks: an order that follows from shapes alone.
  void sum() {
    D::fill(parts_, 0);
    B::for_each(chunks_ * (columns_ + 1), AddMembersKernel<T>{samples_.data(), label_.data(), rows_, columns_, clusters_,
                                                              chunk_rows_, parts_.data()});
    D::sum_to(sums_, parts_);
    B::for_each(clusters_ * columns_,
                MeanKernel<T>{sums_.data(), clustering_.centroids.data(), columns_, options_.absolute_tolerance,
                              options_.relative_tolerance, means_.data(), moving_.data(), report_.data()});
    D::sum_to(report_.rows(1, 1).reshape({clusters_, 1}), moving_);
    const auto report = to_host(report_);
    const auto moves = report.begin() + clusters_;
    std::transform(report.begin(), moves, counts_.begin(), [](double count) { return Index(count); });
    still_ = std::all_of(moves, report.end(), [](double count) { return count == 0; });
  }

  Tensor<B> samples_;
  const KMeansOptions& options_;
  const Clustering<B> clustering_;
  const Index rows_ = samples_.shape()[0], columns_ = samples_.shape()[1], clusters_ = clustering_.centroids.shape()[0];
  /// As many chunks as keep a GPU busy, within 64 MB for their sums.
  const Index most_chunks_ = std::clamp((Index{1} << 23) / (clusters_ * (columns_ + 1)), Index{1}, Index{4096});
  const Index chunk_rows_ = std::max((rows_ + most_chunks_ - 1) / most_chunks_, Index{64});
  const Index chunks_ = (rows_ + chunk_rows_ - 1) / chunk_rows_;
  const Tensor<B> label_ = make_tensor<B>({rows_}), means_ = make_tensor<B>({clusters_, columns_});
  const Tensor<D> parts_ = make_tensor<D>({chunks_, clusters_ * (columns_ + 1)}), sums_ = make_tensor<D>({1, clusters_ * (columns_ + 1)});
  const Tensor<D> moving_ = make_tensor<D>({clusters_, columns_}), report_ = make_tensor<D>({2, clusters_});
  std::vector<Index> counts_;
  bool still_ = false;
};

}  // namespace moesaic::cluster::detail
