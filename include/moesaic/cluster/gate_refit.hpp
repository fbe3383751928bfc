// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
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

/// How a refit ended.
struct GateRefitReport {
  GateRefitOutcome outcome = GateRefitOutcome::Refitted;
  int passes = 0;            ///< of k-means
  Index empty_cluster = -1;  ///< the cluster without members, if that was the outcome
};

template <class B>
struct GateRefit : GateRefitReport {
  Array<B> weights;                             ///< [D + 1, M], last row the bias; absent unless refitted: keep the old ones
  Array<B> centroids;                           ///< [M, D] for the next call; absent unless refitted: start afresh
  std::vector<std::int32_t> cluster;            ///< of every environment
  std::vector<std::int32_t> expert_of_cluster;  ///< empty unless refitted
  std::vector<std::int32_t> expert;             ///< of every environment, to which the logits are fitted; empty unless refitted
};

/// Where a refit writes what `GateRefit` holds: memory of the caller, of use only after a refit.
template <class B>
struct GateRefitMemory {
  Tensor<B> weights, centroids;
  std::span<std::int32_t> cluster, expert_of_cluster, expert;
};

namespace detail {

/// [C, M]: the centre over a cluster's environments of each expert's loss. NaN, from an expert that diverged, counts as infinite.
template <class B>
Tensor<B> cluster_losses(const Tensor<B>& losses, std::span<const std::int32_t> cluster, Index clusters, LossCentre centre) {
  using T = typename B::Scalar;
  const Index experts = losses.shape()[1];
  const auto out = make_tensor<B>(Shape{clusters, experts});
  const auto room = host_scratch<T>(cluster.size());
  for (Index c = 0; c < clusters; ++c)
    for (Index m = 0; m < experts; ++m) {
      std::size_t count = 0;
      for (std::size_t e = 0; e < cluster.size(); ++e)
        if (Index(cluster[e]) == c) {
          const T loss = losses.data()[Index(e) * experts + m];
          room[count++] = finite(double(loss)) ? loss : std::numeric_limits<T>::infinity();
        }
      const auto values = room.first(count);
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

/// `x` with normal noise of standard deviation `size`, in the current workspaces.
template <class B>
Tensor<B> shaken(const Tensor<B>& x, const Random& random, double size) {
  using T = typename B::Scalar;
  if (size == 0) return x;
  const auto noise = host_scratch<T>(std::size_t(x.size()));
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = T(size * random.normal(i));
  const auto shake = make_tensor<B>(x.shape()), out = make_tensor<B>(x.shape());
  B::from_host(shake, noise.data());
  const Tensor<B> terms[] = {x, shake};
  const double ones[] = {1, 1};
  B::combine(out, 2, ones, terms);
  return out;
}

inline KMeansOptions clustering_of(const GateRefitOptions& options) {
  return {.metric = options.metric,
          .empty = options.empty,
          .max_passes = options.max_passes,
          .absolute_tolerance = options.absolute_tolerance,
          .relative_tolerance = options.relative_tolerance,
          .restarts = options.restarts};
}

template <class B>
void require_gate_refit(const Tensor<B>& contexts, const Tensor<B>& losses, const Tensor<B>& centroids,
                        const GateRefitOptions& options) {
  require_rows("gate refit: contexts", contexts);
  const Index environments = contexts.shape()[0], columns = contexts.shape()[1];
  require(bool(losses) && losses.shape().rank() == 2 && losses.shape()[0] == environments && losses.shape()[1] > 0,
          "gate refit: expected losses of shape [", environments, ", experts], met ", losses.shape());
  const Index experts = losses.shape()[1];
  require(experts <= environments, "gate refit: ", experts, " experts for ", environments,
          " environments, expected at least as many environments as experts");
  require(!centroids || centroids.shape() == Shape{experts, columns}, "gate refit: expected centroids of shape ",
          Shape{experts, columns}, ", met ", centroids.shape());
  if (centroids) require_centroids(contexts, centroids);
  require(options.noise >= 0 && finite(options.noise), "gate refit: noise is ", options.noise,
          ", expected a finite number from 0 on");
  require_options(clustering_of(options));
}

/// K-means from `centroids`, or where there are none from the start that the options name.
template <class B>
KMeansOutcome cluster_contexts(const Tensor<B>& contexts, const Tensor<B>& centroids, const Random& random,
                               const GateRefitOptions& options, const Clustering<B>& out) {
  using T = typename B::Scalar;
  const KMeansOptions clustering = clustering_of(options);
  if (centroids) {
    B::copy(out.centroids, centroids);
  } else if (options.start == GateStart::PlusPlus) {
    return best_of_starts(contexts, random, clustering, out);
  } else {
    const auto first = host_scratch<T>(std::size_t(out.centroids.size()));
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = T(2e-3 * random.uniform(i) - 1e-3);
    B::from_host(out.centroids, first.data());
  }
  return run_passes(contexts, clustering, out);
}

}  // namespace detail

/// `refit_gate` in memory of the caller: on the host it allocates nothing once the workspace has grown to what it needs.
template <class B>
GateRefitReport refit_gate(const Tensor<B>& contexts, const Tensor<B>& losses, const Tensor<B>& centroids, const Random& random,
                           const GateRefitOptions& options, const GateRefitMemory<B>& out) {
  using T = typename B::Scalar;
  detail::require_gate_refit(contexts, losses, centroids, options);
  const Index environments = contexts.shape()[0], columns = contexts.shape()[1], experts = losses.shape()[1];
  const Random start = random.fork(0), noise = random.fork(1);
  const Scratch<HostMemory> host_memory;
  const Scratch<typename B::Memory> scratch;

  const auto clusters = detail::cluster_contexts(contexts, centroids, start, options, {out.centroids, out.cluster});
  GateRefitReport report{GateRefitOutcome::Refitted, clusters.passes, clusters.empty_cluster};
  if (clusters.empty_cluster >= 0)
    report.outcome = GateRefitOutcome::EmptyCluster;
  else if (!options.last_pass_counts && clusters.passes == options.max_passes)
    report.outcome = GateRefitOutcome::NotConverged;
  if (report.outcome != GateRefitOutcome::Refitted) return report;

  const auto host_losses = host_scratch<T>(std::size_t(losses.size()));
  B::to_host(host_losses.data(), losses);
  for (auto& x : host_losses)
    if (std::isnan(x)) x = std::numeric_limits<T>::infinity();  // an expert that fails is the worst there is
  const Tensor<Cpu<T>> loss(host_losses.data(), losses.shape());
  const auto centre = detail::cluster_losses(loss, out.cluster, experts, options.centre);
  if (options.matching == Matching::Greedy)
    detail::assign_greedily(centre, out.expert_of_cluster);
  else
    detail::assign_optimally(centre, out.expert_of_cluster);

  const auto chosen = host_scratch<T>(std::size_t(environments * experts));
  std::fill(chosen.begin(), chosen.end(), T(0));
  for (Index e = 0; e < environments; ++e) {
    const auto matched = out.expert_of_cluster[std::size_t(out.cluster[std::size_t(e)])];
    const T* own = loss.data() + e * experts;
    const auto best = std::int32_t(std::min_element(own, own + experts) - own);
    const auto expert = double(own[best]) < options.desertion * double(own[matched]) ? best : matched;
    out.expert[std::size_t(e)] = expert;
    chosen[std::size_t(e * experts + expert)] = 1;
  }
  const auto x = make_tensor<B>(Shape{environments, columns + 1}), y = make_tensor<B>(Shape{environments, experts});
  B::from_host(y, chosen.data());
  B::fill(x, T(1));
  B::put_slice(x, detail::shaken(contexts, noise, options.noise), 1, 0, false);
  const LeastSquaresOptions fitting{.ridge = options.ridge, .unpenalised = 1};
  detail::require_least_squares(x, y, fitting);
  detail::solve_least_squares(x, y, fitting, out.weights);
  return report;
}

/// Refits a linear gate without gradients: clusters the environments' `contexts [E, D]` into as many clusters as there are
/// experts, matches clusters with experts by their `losses [E, M]` (each expert alone on each environment), and fits the logits
/// `[context, 1] W` to the one-hot choice by least squares. `centroids` are those of the last call, or absent. The same `random`
/// gives the same result. The work is done where the tensors lie but for the matching, which is the host's: few small numbers.
/// MixER, arXiv 2502.05335, algorithm 1.
/// Raises an error on mismatched shapes, non-finite contexts and fewer environments than experts.
template <class B>
GateRefit<B> refit_gate(const Tensor<B>& contexts, const Tensor<B>& losses, const Tensor<B>& centroids, const Random& random,
                        const GateRefitOptions& options = {}) {
  detail::require_gate_refit(contexts, losses, centroids, options);
  const Index columns = contexts.shape()[1], experts = losses.shape()[1];
  const auto environments = std::size_t(contexts.shape()[0]);
  GateRefit<B> result;
  result.weights = Array<B>(Shape{columns + 1, experts});
  result.centroids = Array<B>(Shape{experts, columns});
  result.cluster.resize(environments), result.expert.resize(environments), result.expert_of_cluster.resize(std::size_t(experts));
  const auto report = refit_gate<B>(contexts, losses, centroids, random, options,
                                    {result.weights, result.centroids, result.cluster, result.expert_of_cluster, result.expert});
  if (report.outcome != GateRefitOutcome::Refitted) result = {};
  static_cast<GateRefitReport&>(result) = report;
  return result;
}

}  // namespace moesaic::cluster
