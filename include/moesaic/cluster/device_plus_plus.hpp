// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <moesaic/cluster/metric.hpp>
#include <moesaic/core/random.hpp>

namespace moesaic::cluster::detail {

/// Distance of one sample from the nearest centroid drawn so far, of which `chosen[k]` is the last.
template <class T>
struct NearerKernel {
  Metric metric;
  const T* samples;
  Index columns, k;
  const Index* chosen;
  double* gap;
  MOESAIC_HD void operator()(Index i) const {
    const double d = device_distance(metric, samples + i * columns, samples + chosen[k] * columns, columns);
    gap[i] = k == 0 || d < gap[i] ? d : gap[i];
  }
};

/// The gaps and a tree of their sums: every entry of a level is the sum of `branches` entries of the level below, of which there
/// are zeros behind the last.
struct GapTree {
  static constexpr Index branches = 64;
  static constexpr int most_levels = 10;
  double* level[most_levels];
  int levels;
};

/// One thread: draws `chosen[k]` with probability in proportion to its gap, or uniformly where all gaps are zero.
struct DrawKernel {
  GapTree tree;
  Index rows, k;
  double uniform;
  Index* chosen;

  MOESAIC_HD void operator()(Index) const {
    const double total = tree.level[tree.levels - 1][0];
    Index at = Index(uniform * double(rows));
    if (total > 0 && finite(total)) {
      at = 0;
      double left = uniform * total;
      for (int level = tree.levels - 2; level >= 0; --level) at = descend(tree.level[level], at * GapTree::branches, left);
    }
    chosen[k] = at < rows ? at : rows - 1;
  }

 private:
  /// The entry at which the sum passes `left`. Rounding may leave a rest after all of them: the last possible one then wins.
  MOESAIC_HD static Index descend(const double* gap, Index first, double& left) {
    Index at = first;
    for (Index i = first; i < first + GapTree::branches; ++i) {
      if (!(gap[i] > 0)) continue;
      at = i;
      if (left < gap[i]) return at;
      left -= gap[i];
    }
    left = gap[at];
    return at;
  }
};

template <class T>
struct TakeRowsKernel {
  const T* samples;
  Index columns;
  const Index* chosen;
  T* out;
  MOESAIC_HD void operator()(Index i) const {
    const Index k = i / columns;
    out[i] = samples[chosen[k] * columns + (i - k * columns)];
  }
};

/// k-means++ by kernels, with nothing told to the host. It draws the numbers that the CPU draws, so it chooses the same samples
/// unless one of them falls within rounding of the boundary between two.
template <class B>
void draw_centroids(const Tensor<B>& centroids, const Tensor<B>& samples, Random random, Metric metric) {
  using T = typename B::Scalar;
  using D = Double<B>;
  const Index rows = samples.shape()[0], columns = samples.shape()[1], clusters = centroids.shape()[0];
  const Scratch<typename B::Memory> scratch;
  auto* const chosen = Workspace<typename B::Memory>::current().template take<Index>(std::size_t(clusters));
  GapTree tree{{}, 0};
  Tensor<D> level[GapTree::most_levels];
  for (Index count = rows, entries = 0; entries != 1; count = (count + GapTree::branches - 1) / GapTree::branches) {
    entries = count;
    const auto gaps = make_tensor<D>({(count + GapTree::branches - 1) / GapTree::branches, GapTree::branches});
    D::fill(gaps, 0);
    tree.level[tree.levels] = gaps.data();
    level[tree.levels++] = gaps;
  }
  for (Index k = 0; k < clusters; ++k) {
    B::for_each(1, DrawKernel{tree, rows, k, random.next_uniform(), chosen});
    B::for_each(rows, NearerKernel<T>{metric, samples.data(), columns, k, chosen, tree.level[0]});
    for (int l = 1; l < tree.levels; ++l) {
      const Index count = level[l - 1].shape()[0];
      D::sum_to({tree.level[l], {count, 1}}, level[l - 1]);
    }
  }
  B::for_each(clusters * columns, TakeRowsKernel<T>{samples.data(), columns, chosen, centroids.data()});
}

}  // namespace moesaic::cluster::detail
