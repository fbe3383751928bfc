// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/cluster/assignment.hpp>
#include <moesaic/cluster/kmeans.hpp>
#include <moesaic/cluster/least_squares.hpp>

namespace moesaic::cluster {

enum class LossCentre { Median, Mean };           ///< what stands for the losses of an expert on a cluster
enum class Matching { Optimal, Greedy };          ///< of clusters with experts
enum class GateStart { PlusPlus, SmallUniform };  ///< centroids where there are none: k-means++, or U(-1e-3, 1e-3)

/// How `refit_gate` works. The defaults differ from the published algorithm where that has a weakness:
///
/// | option | default | published | because |
/// |---|---|---|---|
/// | matching | optimal | greedy in cluster order | greedy depends on that order, its total loss can be several times the least |
/// | start | k-means++, best of 4 | U(-1e-3, 1e-3), once | centroids near zero leave clusters empty or poorly placed |
/// | empty | reseed | give up, start afresh | one empty cluster stalls the gate |
/// | metric | squared Euclidean | L1 | centroids are means, which lower squared distances in every pass, not L1 ones |
/// | passes | 100, the last counts | 20, reaching the last is a failure | a clustering that still moves a little is usable |
/// | desertion | below half the loss | never | contexts of two families can lie in one cluster; their losses tell them apart |
struct GateRefitOptions {
  Matching matching = Matching::Optimal;
  LossCentre centre = LossCentre::Median;
  GateStart start = GateStart::PlusPlus;
  int restarts = 4;  ///< k-means++ starts where there are no centroids
  Metric metric = Metric::SquaredEuclidean;
  EmptyCluster empty = EmptyCluster::Reseed;
  int max_passes = 100;
  double absolute_tolerance = 0;
  double relative_tolerance = 1e-5;
  bool last_pass_counts = true;  ///< whether a clustering that used up its passes refits the gate
  double noise = 1e-4;           ///< standard deviation of what is added to the contexts before the least squares
  /// An environment leaves its cluster's expert for the one with the smallest loss on it if that is below this fraction of the
  /// other's loss. 0: never.
  double desertion = 0.5;
  double ridge = 0;              ///< penalty on the weights of the contexts, not on the bias

  /// MixER's algorithm 1 with the constants of its released code: L1 clusters, medians, greedy matching, noise 1e-4, 20 passes.
  static GateRefitOptions published() {
    GateRefitOptions o;
    o.matching = Matching::Greedy;
    o.start = GateStart::SmallUniform;
    o.metric = Metric::L1;
    o.empty = EmptyCluster::Report;
    o.max_passes = 20;
    o.absolute_tolerance = 1e-4;
    o.last_pass_counts = false;
    o.desertion = 0;
    return o;
  }
};

enum class GateRefitOutcome { Refitted, EmptyCluster, NotConverged };

template <class B>
struct GateRefit {
  GateRefitOutcome outcome = GateRefitOutcome::Refitted;
  Array<B> weights;                             ///< [D + 1, M], last row the bias; absent unless refitted: keep the old ones
  Array<B> centroids;                           ///< [M, D] for the next call; absent unless refitted: start afresh
  std::vector<std::int32_t> cluster;            ///< of every environment
  std::vector<std::int32_t> expert_of_cluster;  ///< empty unless refitted
  std::vector<std::int32_t> expert;             ///< of every environment, to which the logits are fitted; empty unless refitted
  int passes = 0;                               ///< of k-means
  Index empty_cluster = -1;                     ///< the cluster without members, if that was the outcome
};

namespace detail {

/// [C, M]: the centre over a cluster's environments of each expert's loss. NaN, from an expert that diverged, counts as infinite.
template <class B>
Tensor<B> cluster_losses(const Tensor<B>& losses, const std::vector<std::int32_t>& cluster, Index clusters, LossCentre centre) {
  using T = typename B::Scalar;
  const Index experts = losses.shape()[1];
  const auto out = make_tensor<B>(Shape{clusters, experts});
  std::vector<T> values;
  values.reserve(cluster.size());
  for (Index c = 0; c < clusters; ++c)
    for (Index m = 0; m < experts; ++m) {
      values.clear();
      for (std::size_t e = 0; e < cluster.size(); ++e)
        if (Index(cluster[e]) == c) {
          const T loss = losses.data()[Index(e) * experts + m];
          values.push_back(finite(double(loss)) ? loss : std::numeric_limits<T>::infinity());
        }
      T& result = out.data()[c * experts + m];
      if (centre == LossCentre::Mean) {
        double sum = 0;
        for (T v : values) sum += double(v);
        result = T(sum / double(values.size()));
      } else {
        const auto middle = values.begin() + Index(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        result = *middle;
        if (values.size() % 2 == 0) result = result / 2 + *std::max_element(values.begin(), middle) / 2;
      }
    }
  return out;
}

/// `x` with normal noise of standard deviation `size`.
template <class B>
Tensor<B> shaken(const Tensor<B>& x, const Random& random, double size) {
  using T = typename B::Scalar;
  if (size == 0) return x;
  std::vector<T> noise(std::size_t(x.size()));
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = T(size * random.normal(i));
  const auto shake = make_tensor<B>(x.shape()), out = make_tensor<B>(x.shape());
  B::from_host(shake, noise.data());
  const Tensor<B> terms[] = {x, shake};
  const double ones[] = {1, 1};
  B::combine(out, 2, ones, terms);
  return out;
}

}  // namespace detail

/// Refits a linear gate without gradients: clusters the environments' `contexts [E, D]` into as many clusters as there are
/// experts, matches clusters with experts by their `losses [E, M]` (each expert alone on each environment), and fits the logits
/// `[context, 1] W` to the one-hot choice by least squares. `centroids` are those of the last call, or absent. The same `random`
/// gives the same result. The work is done where the tensors lie but for the matching, which is the host's: few small numbers.
/// MixER, arXiv 2502.05335, algorithm 1.
/// Raises an error on mismatched shapes, non-finite contexts and fewer environments than experts.
template <class B>
GateRefit<B> refit_gate(const Tensor<B>& contexts, const Tensor<B>& losses, const Tensor<B>& centroids, const Random& random,
                        const GateRefitOptions& options = {}) {
  using T = typename B::Scalar;
  require_rows("gate refit: contexts", contexts);
  const Index environments = contexts.shape()[0], columns = contexts.shape()[1];
  require(bool(losses) && losses.shape().rank() == 2 && losses.shape()[0] == environments && losses.shape()[1] > 0,
          "gate refit: expected losses of shape [", environments, ", experts], met ", losses.shape());
  const Index experts = losses.shape()[1];
  require(experts <= environments, "gate refit: ", experts, " experts for ", environments,
          " environments, expected at least as many environments as experts");
  require(!centroids || centroids.shape() == Shape{experts, columns}, "gate refit: expected centroids of shape ",
          Shape{experts, columns}, ", met ", centroids.shape());
  require(options.noise >= 0 && finite(options.noise), "gate refit: noise is ", options.noise,
          ", expected a finite number from 0 on");
  const Random start = random.fork(0), noise = random.fork(1);
  const Scratch<HostMemory> host_scratch;
  const Scratch<typename B::Memory> scratch;

  const KMeansOptions clustering{.metric = options.metric,
                                 .empty = options.empty,
                                 .max_passes = options.max_passes,
                                 .absolute_tolerance = options.absolute_tolerance,
                                 .relative_tolerance = options.relative_tolerance,
                                 .restarts = options.restarts};
  KMeansResult<B> clusters;
  if (centroids) {
    clusters = kmeans(contexts, centroids, clustering);
  } else if (options.start == GateStart::PlusPlus) {
    clusters = kmeans(contexts, experts, start, clustering);
  } else {
    std::vector<T> first(std::size_t(experts * columns));
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = T(2e-3 * start.uniform(i) - 1e-3);
    clusters = kmeans(contexts, Array<B>(Shape{experts, columns}, first).tensor(), clustering);
  }

  GateRefit<B> result;
  result.passes = clusters.passes;
  result.empty_cluster = clusters.empty_cluster;
  if (clusters.empty_cluster >= 0)
    result.outcome = GateRefitOutcome::EmptyCluster;
  else if (!options.last_pass_counts && clusters.passes == options.max_passes)
    result.outcome = GateRefitOutcome::NotConverged;
  if (result.outcome != GateRefitOutcome::Refitted) return result;

  result.cluster = std::move(clusters.assignment);
  result.centroids = std::move(clusters.centroids);
  auto host_losses = to_host(losses);
  for (auto& x : host_losses)
    if (std::isnan(x)) x = std::numeric_limits<T>::infinity();  // an expert that fails is the worst there is
  const Tensor<Cpu<T>> loss(host_losses.data(), losses.shape());
  const auto centre = detail::cluster_losses(loss, result.cluster, experts, options.centre);
  result.expert_of_cluster = options.matching == Matching::Greedy ? greedy_assignment(centre) : optimal_assignment(centre);

  std::vector<T> chosen(std::size_t(environments * experts), T(0));
  for (Index e = 0; e < environments; ++e) {
    const auto matched = result.expert_of_cluster[std::size_t(result.cluster[std::size_t(e)])];
    const T* own = loss.data() + e * experts;
    const auto best = std::int32_t(std::min_element(own, own + experts) - own);
    result.expert.push_back(double(own[best]) < options.desertion * double(own[matched]) ? best : matched);
    chosen[std::size_t(e * experts + result.expert.back())] = 1;
  }
  const auto x = make_tensor<B>(Shape{environments, columns + 1}), y = make_tensor<B>(Shape{environments, experts});
  B::from_host(y, chosen.data());
  B::fill(x, T(1));
  B::put_slice(x, detail::shaken(contexts, noise, options.noise), 1, 0, false);
  result.weights = least_squares(x, y, {.ridge = options.ridge, .unpenalised = 1});
  return result;
}

}  // namespace moesaic::cluster
