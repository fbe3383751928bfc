// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/cluster/gate_refit.hpp>

namespace cluster_gate_refit_test {

using namespace moesaic;
using namespace moesaic::cluster;

using Real = Cpu<double>;
using Labels = std::vector<std::int32_t>;

Array<Real> array(const Shape& shape, const std::vector<double>& values) { return Array<Real>(shape, values); }

/// The published algorithm without noise.
GateRefitOptions published() {
  auto options = GateRefitOptions::published();
  options.noise = 0;
  return options;
}

std::vector<double> logits(const Array<Real>& contexts, Index e, const Array<Real>& weights) {
  const Index columns = contexts.shape()[1], experts = weights.shape()[1];
  std::vector<double> out(weights.data() + columns * experts, weights.data() + (columns + 1) * experts);
  for (Index d = 0; d < columns; ++d)
    for (Index m = 0; m < experts; ++m) out[std::size_t(m)] += contexts.data()[e * columns + d] * weights.data()[d * experts + m];
  return out;
}

double worst(const Array<Real>& a, const std::vector<double>& b) {
  double gap = 0;
  for (Index i = 0; i < a.size(); ++i) gap = std::max(gap, std::abs(a.data()[i] - b[std::size_t(i)]));
  return gap;
}

/// `each` contexts around each of `families` far corners; the losses favour expert (family + 1) mod families.
struct Families {
  Array<Real> contexts, losses;
  Families(Index families, Index each, Index columns, double spread) {
    contexts = Array<Real>(Shape{families * each, columns});
    losses = Array<Real>(Shape{families * each, families});
    const Random random(17);
    for (Index e = 0; e < families * each; ++e) {
      const Index family = e % families;
      for (Index d = 0; d < columns; ++d)
        contexts.data()[e * columns + d] =
            3 * Random(99).normal(std::uint64_t(family * columns + d)) + spread * random.normal(std::uint64_t(e * columns + d));
      for (Index m = 0; m < families; ++m)
        losses.data()[e * families + m] =
            (m == (family + 1) % families ? 0.1 : 1.0) + 0.01 * random.uniform(std::uint64_t(1000 + e + m));
    }
  }
};

const std::vector<double> worked_contexts{1, 0, 1.2, .1, .9, -.1, -1, 0, -1.1, .2, -.8, -.1};

TEST_CASE("the worked gate case of MixER: assignment, centroids, weights, logits") {
  const auto contexts = array(Shape{6, 2}, worked_contexts), start = array(Shape{2, 2}, {.5, 0, -.5, 0});
  // Cluster 0 has medians (.8, .2) and takes expert 1; cluster 1 is left with expert 0 although its losses speak against it.
  const auto losses = array(Shape{6, 2}, {.8, .2, .7, .1, .9, .3, 5, .1, 6, .2, 7, .3});
  const auto gate = refit_gate(contexts.tensor(), losses.tensor(), start.tensor(), Random(1), published());
  CHECK(gate.outcome == GateRefitOutcome::Refitted);
  CHECK(gate.passes == 2);
  CHECK(gate.cluster == Labels{0, 0, 0, 1, 1, 1});
  CHECK(gate.expert_of_cluster == Labels{1, 0});
  CHECK(worst(gate.centroids, {1.033333, 0, -.966667, .033333}) < 1e-6);
  CHECK(worst(gate.weights, {-.49396993, .49396993, -.08755989, .08755989, .51792500, .48207500}) < 1e-8);
  const auto is = [&](Index e, double a, double b) {
    const auto l = logits(contexts, e, gate.weights);
    CHECK(std::abs(l[0] - a) < 1e-6);
    CHECK(std::abs(l[1] - b) < 1e-6);
  };
  is(0, .023955, .976045);
  is(3, 1.011895, -.011895);
  is(5, .921857, .078143);
}

TEST_CASE("reaching the last pass is a failure as published, and counts by default") {
  const auto contexts = array(Shape{6, 2}, worked_contexts), start = array(Shape{2, 2}, {.5, 0, -.5, 0});
  const Array<Real> losses(Shape{6, 2});
  auto options = published();
  options.max_passes = 2;  // it converges in the second pass, which is the last
  auto gate = refit_gate(contexts.tensor(), losses.tensor(), start.tensor(), Random(1), options);
  CHECK(gate.outcome == GateRefitOutcome::NotConverged);
  CHECK_FALSE(gate.weights);
  CHECK_FALSE(gate.centroids);
  options.max_passes = 3;
  CHECK(refit_gate(contexts.tensor(), losses.tensor(), start.tensor(), Random(1), options).outcome == GateRefitOutcome::Refitted);
  GateRefitOptions by_default;
  by_default.max_passes = 1;
  CHECK(refit_gate(contexts.tensor(), losses.tensor(), start.tensor(), Random(1), by_default).outcome ==
        GateRefitOutcome::Refitted);
}

TEST_CASE("contexts that are all zero leave one cluster with everything: gate unchanged, centroids reset") {
  const Array<Real> contexts(Shape{8, 3}), losses(Shape{8, 2});
  for (const auto& options : {GateRefitOptions::published(), GateRefitOptions{}}) {
    const auto gate = refit_gate(contexts.tensor(), losses.tensor(), {}, Random(3), options);
    CHECK(gate.outcome == GateRefitOutcome::EmptyCluster);
    CHECK(gate.empty_cluster >= 0);
    CHECK_FALSE(gate.weights);
    CHECK_FALSE(gate.centroids);
    CHECK(gate.cluster.empty());
  }
}

TEST_CASE("greedy matching pays 58 where optimal matching pays 10") {
  // One environment a cluster, so the losses are the medians of the worked case.
  const auto contexts = array(Shape{3, 1}, {0, 10, 20});
  const auto losses = array(Shape{3, 3}, {1, 2, 9, 1, 50, 60, 9, 8, 7});
  const auto greedy = refit_gate(contexts.tensor(), losses.tensor(), contexts.tensor(), Random(1), published());
  const auto optimal = refit_gate(contexts.tensor(), losses.tensor(), contexts.tensor(), Random(1), {});
  CHECK(greedy.expert_of_cluster == Labels{0, 1, 2});
  CHECK(optimal.expert_of_cluster == Labels{1, 0, 2});
}

TEST_CASE("the order of environments does not matter, a permutation of experts permutes the gate's columns") {
  const Families f(3, 12, 4, 0.5);
  const Index n = 36;
  Array<Real> contexts(Shape{n, 4}), losses(Shape{n, 3}), swapped(Shape{n, 3});
  const Index column_of[3] = {2, 0, 1};
  for (Index e = 0; e < n; ++e) {
    const Index from = (e * 7 + 3) % n;
    std::copy_n(f.contexts.data() + from * 4, 4, contexts.data() + e * 4);
    std::copy_n(f.losses.data() + from * 3, 3, losses.data() + e * 3);
    for (Index m = 0; m < 3; ++m) swapped.data()[e * 3 + column_of[m]] = f.losses.data()[e * 3 + m];
  }
  GateRefitOptions better;
  better.noise = 0;
  for (const auto& options : {published(), better}) {
    const auto start = f.contexts.tensor().rows(0, 3);
    const auto gate = refit_gate(f.contexts.tensor(), f.losses.tensor(), start, Random(1), options);
    REQUIRE(gate.outcome == GateRefitOutcome::Refitted);
    const auto shuffled = refit_gate(contexts.tensor(), losses.tensor(), start, Random(1), options);
    CHECK(worst(shuffled.weights, to_host(gate.weights.tensor())) < 1e-12);
    const auto renamed = refit_gate(f.contexts.tensor(), swapped.tensor(), start, Random(1), options);
    double gap = 0;
    for (Index i = 0; i < 5; ++i)
      for (Index m = 0; m < 3; ++m)
        gap = std::max(gap, std::abs(renamed.weights.data()[i * 3 + column_of[m]] - gate.weights.data()[i * 3 + m]));
    CHECK(gap < 1e-12);
  }
}

TEST_CASE("the logits sum to 1 everywhere, with noise and with a ridge") {
  const Families f(4, 20, 6, 0.7);
  for (const double ridge : {0.0, 0.5}) {
    GateRefitOptions options;
    options.ridge = ridge;
    options.noise = 1e-2;
    const auto gate = refit_gate(f.contexts.tensor(), f.losses.tensor(), {}, Random(5), options);
    REQUIRE(gate.outcome == GateRefitOutcome::Refitted);
    const Families other(4, 3, 6, 5.0);
    for (Index e = 0; e < 12; ++e) {
      const auto l = logits(other.contexts, e, gate.weights);
      CHECK(std::accumulate(l.begin(), l.end(), 0.0) == doctest::Approx(1));
    }
  }
}

TEST_CASE("with no more environments than columns and bias the fit is exact, and the softmax takes its known levels") {
  struct Level {
    Index experts;
    double high, low;
  };
  // e / (e + M - 1) and 1 / (e + M - 1): logits 1 and 0.
  for (const auto& level : {Level{2, .7311, .2689}, Level{3, .5761, .2119}, Level{4, .4754, .1749}, Level{5, .4046, .1488},
                            Level{10, .2320, .0853}, Level{20, .1252, .0460}}) {
    const Index experts = level.experts;
    const Families f(experts, 2, 2 * experts, 1e-2);
    const auto gate =
        refit_gate(f.contexts.tensor(), f.losses.tensor(), f.contexts.tensor().rows(0, experts), Random(1), published());
    REQUIRE(gate.outcome == GateRefitOutcome::Refitted);
    for (Index e = 0; e < 2 * experts; ++e) {
      const auto l = logits(f.contexts, e, gate.weights);
      double total = 0;
      for (double x : l) total += std::exp(x);
      for (Index m = 0; m < experts; ++m) {
        const bool chosen = m == (e % experts + 1) % experts;
        CHECK(std::abs(l[std::size_t(m)] - (chosen ? 1 : 0)) < 1e-8);
        CHECK(std::abs(std::exp(l[std::size_t(m)]) / total - (chosen ? level.high : level.low)) < 5e-5);
      }
    }
  }
}

TEST_CASE("the defaults find ten families from nothing where the published start gives up") {
  const Families f(10, 16, 40, 0.3);
  const auto given_up = refit_gate(f.contexts.tensor(), f.losses.tensor(), {}, Random(2), GateRefitOptions::published());
  CHECK(given_up.outcome == GateRefitOutcome::EmptyCluster);
  const auto gate = refit_gate(f.contexts.tensor(), f.losses.tensor(), {}, Random(2));
  REQUIRE(gate.outcome == GateRefitOutcome::Refitted);
  Index right = 0;
  for (Index e = 0; e < 160; ++e)
    right += gate.expert_of_cluster[std::size_t(gate.cluster[std::size_t(e)])] == std::int32_t((e % 10 + 1) % 10);
  CHECK(right == 160);
  const auto again = refit_gate(f.contexts.tensor(), f.losses.tensor(), gate.centroids.tensor(), Random(2));
  CHECK(again.passes <= 2);
}

TEST_CASE("median or mean: one outlying loss turns the mean, and a diverged expert counts as infinitely bad") {
  const auto contexts = array(Shape{4, 1}, {0, .1, .2, 9}), start = array(Shape{2, 1}, {0, 9});
  const auto losses = array(Shape{4, 2}, {1, 2, 1, 2, 100, 2, 3, 3});
  auto options = published();
  CHECK(refit_gate(contexts.tensor(), losses.tensor(), start.tensor(), Random(1), options).expert_of_cluster == Labels{0, 1});
  options.centre = LossCentre::Mean;
  CHECK(refit_gate(contexts.tensor(), losses.tensor(), start.tensor(), Random(1), options).expert_of_cluster == Labels{1, 0});
  losses.data()[0] = losses.data()[2] = std::numeric_limits<double>::quiet_NaN();
  for (const auto matching : {Matching::Greedy, Matching::Optimal})
    for (const auto centre : {LossCentre::Mean, LossCentre::Median}) {
      options.matching = matching;
      options.centre = centre;
      CHECK(refit_gate(contexts.tensor(), losses.tensor(), start.tensor(), Random(1), options).expert_of_cluster == Labels{1, 0});
    }
  // An environment deserts an expert that fails on it, whether by an infinite loss or by none.
  GateRefitOptions deserting;
  const auto two = array(Shape{2, 1}, {0, 9}), centroids = array(Shape{2, 1}, {0, 9});
  for (double failed : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const auto each = array(Shape{2, 2}, {failed, .5, failed, .4});
    CHECK(refit_gate(two.tensor(), each.tensor(), centroids.tensor(), Random(1), deserting).expert == Labels{1, 1});
  }
}

TEST_CASE("an even cluster's median is the mean of the middle two") {
  const auto losses = array(Shape{4, 1}, {4, 1, 2, 100});
  const Scratch<HostMemory> scratch;
  const Labels together(4, 0);
  CHECK(cluster::detail::cluster_losses(losses.tensor(), together, 1, LossCentre::Median).data()[0] == 3);
  CHECK(cluster::detail::cluster_losses(losses.tensor(), together, 1, LossCentre::Mean).data()[0] == 26.75);
}

TEST_CASE("the same random stream gives the same gate, another moves it by about the noise") {
  const Families f(3, 10, 4, 0.5);
  const auto start = f.contexts.tensor().rows(0, 3);
  const auto a = refit_gate(f.contexts.tensor(), f.losses.tensor(), start, Random(1));
  const auto b = refit_gate(f.contexts.tensor(), f.losses.tensor(), start, Random(1));
  const auto c = refit_gate(f.contexts.tensor(), f.losses.tensor(), start, Random(2));
  CHECK(std::memcmp(a.weights.data(), b.weights.data(), std::size_t(a.weights.size()) * sizeof(double)) == 0);
  const double moved = worst(c.weights, to_host(a.weights.tensor()));
  CHECK(moved > 0);
  CHECK(moved < 1e-2);
}

TEST_CASE("one expert takes all environments") {
  const Families f(1, 5, 3, 1.0);
  for (const auto& options : {GateRefitOptions::published(), GateRefitOptions{}}) {
    const auto gate = refit_gate(f.contexts.tensor(), f.losses.tensor(), {}, Random(1), options);
    REQUIRE(gate.outcome == GateRefitOutcome::Refitted);
    CHECK(worst(gate.weights, {0, 0, 0, 1}) < 1e-8);
  }
}

TEST_CASE("bad input is named") {
  const Families f(3, 4, 2, 0.5);
  const auto x = f.contexts.tensor(), l = f.losses.tensor();
  CHECK_THROWS_WITH_AS(refit_gate(x.rows(0, 2), l.rows(0, 2), {}, Random(1)),
                       "gate refit: 3 experts for 2 environments, expected at least as many environments as experts", Error);
  CHECK_THROWS_WITH_AS(refit_gate(x, l.rows(0, 5), {}, Random(1)),
                       "gate refit: expected losses of shape [12, experts], met [5, 3]", Error);
  CHECK_THROWS_WITH_AS(refit_gate(x, l, x.rows(0, 2), Random(1)), "gate refit: expected centroids of shape [3, 2], met [2, 2]",
                       Error);
  CHECK_THROWS_AS(refit_gate(Tensor<Real>{}, l, {}, Random(1)), Error);
  CHECK_THROWS_AS(refit_gate(x, Tensor<Real>{}, {}, Random(1)), Error);
  GateRefitOptions options;
  options.noise = -1;
  CHECK_THROWS_AS(refit_gate(x, l, {}, Random(1), options), Error);
  x.data()[5] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(refit_gate(x, l, {}, Random(1)), "gate refit: contexts: row 2, column 1 is nan, expected a finite number",
                       Error);
}

}  // namespace cluster_gate_refit_test
