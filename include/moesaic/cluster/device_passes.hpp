// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <moesaic/cluster/kmeans_options.hpp>

namespace moesaic::cluster::detail {

/// The nearest centroids of `tile` samples, ties to the lowest index. Samples come column by column, so that neighbouring threads read
/// neighbouring numbers, and a thread has several, so that it computes more than it loads: for each number of `group` centroids and
/// `tile` samples, group + tile loads and 2 * group * tile operations.
template <class T, int tile>
struct NearestKernel {
  static constexpr int group = 8;  ///< centroids at a time: what the registers hold
  Metric metric;
  const T *by_column, *centroids;
  Index rows, columns, clusters;
  T* label;

  MOESAIC_HD static Index threads(Index rows) { return (rows + tile - 1) / tile; }
  MOESAIC_HD void operator()(Index i) const {
    metric == Metric::L1 ? label_nearest<Metric::L1>(i) : label_nearest<Metric::SquaredEuclidean>(i);
  }

 private:
  struct Best {
    T gap = std::numeric_limits<T>::max();
    Index label = 0;
  };
  template <Metric measure>
  MOESAIC_HD void label_nearest(Index i) const {
    const Index step = threads(rows);
    Index sample[tile];
    for (int t = 0; t < tile; ++t) sample[t] = i + t * step < rows ? i + t * step : i;
    Best best[tile];
    Index k = 0;
    for (; k + group <= clusters; k += group) scan<measure, group>(sample, k, best);
    for (; k < clusters; ++k) scan<measure, 1>(sample, k, best);
    for (int t = 0; t < tile; ++t)
      if (i + t * step < rows) label[sample[t]] = T(best[t].label);
  }
  template <Metric measure, int count>
  MOESAIC_HD void scan(const Index* sample, Index first, Best* best) const {
    const T* const c = centroids + first * columns;
    T sum[tile][count] = {};
    for (Index d = 0; d < columns; ++d) {
      T x[tile];
      for (int t = 0; t < tile; ++t) x[t] = by_column[d * rows + sample[t]];
      for (int g = 0; g < count; ++g) {
        const T at = c[g * columns + d];
        for (int t = 0; t < tile; ++t) {
          const T gap = x[t] - at;
          sum[t][g] += measure == Metric::SquaredEuclidean ? gap * gap : gap < 0 ? -gap : gap;
        }
      }
    }
    for (int t = 0; t < tile; ++t)
      for (int g = 0; g < count; ++g)
        if (sum[t][g] < best[t].gap) best[t] = {sum[t][g], first + g};
  }
};

/// Adds column `d` of one chunk's samples to its clusters' sums `[chunk, K, D + 1]`; the last column counts members. With the labels
/// that they had before, those whose label has changed leave one sum and join another, and the others stay in theirs.
template <class T>
struct AddMembersKernel {
  const T *samples, *label, *before;
  Index rows, columns, clusters, chunk_rows;
  double* sums;

  MOESAIC_HD void operator()(Index i) const {
    const Index width = columns + 1, chunk = i / width, d = i - chunk * width, begin = chunk * chunk_rows;
    const Index end = begin + chunk_rows < rows ? begin + chunk_rows : rows;
    double* const sum = sums + chunk * clusters * width + d;
    for (Index r = begin; r < end; ++r) {
      if (before && before[r] == label[r]) continue;
      const double value = d < columns ? double(samples[r * columns + d]) : 1.0;
      if (before) sum[Index(before[r]) * width] -= value;
      sum[Index(label[r]) * width] += value;
    }
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

/// Samples `[N, D]` column by column, `[D, N]`.
template <class B>
Tensor<B> columns_of(const Tensor<B>& samples) {
  const auto out = make_tensor<B>({samples.shape()[1], samples.shape()[0]});
  B::transpose(out, samples);
  return out;
}
template <class B>
void label_samples(const Tensor<B>& label, const Tensor<B>& by_column, const Tensor<B>& centroids, Metric metric) {
  constexpr Index many = 1 << 16;  // that several for each thread still keep a GPU busy
  const auto run = [&]<int tile>(std::integral_constant<int, tile>) {
    using Kernel = NearestKernel<typename B::Scalar, tile>;
    const Index columns = by_column.shape()[0], rows = by_column.shape()[1];
    B::for_each(Kernel::threads(rows),
                Kernel{metric, by_column.data(), centroids.data(), rows, columns, centroids.shape()[0], label.data()});
  };
  label.size() >= many ? run(std::integral_constant<int, 4>{}) : run(std::integral_constant<int, 1>{});
}
template <class B>
void find_nearest(std::vector<std::int32_t>& labels, const Tensor<B>& samples, const Tensor<B>& centroids, Metric metric) {
  const Scratch<typename B::Memory> scratch;
  const auto label = make_tensor<B>({samples.shape()[0]});
  label_samples(label, columns_of(samples), centroids, metric);
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
    std::swap(label_, before_);
    label_samples(label_, by_column_, clustering_.centroids, options_.metric);
    sum(first_);
    first_ = false;
  }
  void fetch_assignment() { to_integers(clustering_.assignment, to_host(label_)); }
  void take_assignment() {
    const std::vector<T> host(clustering_.assignment.begin(), clustering_.assignment.end());
    B::from_host(label_, host.data());
    sum(true);
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

  bool move_centroids(bool last) {
    if ((still_ || last) && !exact_) sum(true);
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

  /// Sums by label, afresh or carried on, chunk by chunk and then the chunks: an order that follows from shapes alone.
  void sum(bool afresh) {
    exact_ = afresh;
    if (afresh) D::fill(parts_, 0);
    B::for_each(chunks_ * (columns_ + 1), AddMembersKernel<T>{samples_.data(), label_.data(), afresh ? nullptr : before_.data(), rows_,
                                                              columns_, clusters_, chunk_rows_, parts_.data()});
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
  const Tensor<B> by_column_ = columns_of(samples_), means_ = make_tensor<B>({clusters_, columns_});
  Tensor<B> label_ = make_tensor<B>({rows_}), before_ = make_tensor<B>({rows_});  ///< of this pass and the one before
  const Tensor<D> parts_ = make_tensor<D>({chunks_, clusters_ * (columns_ + 1)}), sums_ = make_tensor<D>({1, clusters_ * (columns_ + 1)});
  const Tensor<D> moving_ = make_tensor<D>({clusters_, columns_}), report_ = make_tensor<D>({2, clusters_});
  std::vector<Index> counts_;
  bool still_ = false, first_ = true;
  bool exact_ = false;  ///< the sums were made afresh from the labels
};

}  // namespace moesaic::cluster::detail
