// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <limits>
#include <string>

#include <moesaic/cluster/gate_refit.hpp>

#include "both.hpp"

namespace cluster_test {

using namespace thrust_test;
using namespace moesaic::cluster;

using Labels = std::vector<std::int32_t>;

template <class B>
Array<B> array(const Shape& shape, const std::vector<double>& values) {
  return Array<B>(shape, std::vector<typename B::Scalar>(values.begin(), values.end()));
}

template <class A, class B>
void compare(const KMeansResult<A>& cpu, const KMeansResult<B>& device) {
  using T = typename A::Scalar;
  CHECK(cpu.assignment == device.assignment);
  CHECK(cpu.passes == device.passes);
  CHECK(cpu.converged == device.converged);
  CHECK(cpu.empty_cluster == device.empty_cluster);
  CHECK(device.inertia == doctest::Approx(cpu.inertia).epsilon(rounding<T>));
  CHECK(difference(cpu.centroids.tensor(), device.centroids.tensor()) <= rounding<T>);
}

/// Calls `f` with each backend's tag and compares the results.
template <class T, class F>
void compare_kmeans(const F& f) {
  compare(f(Cpu<T>{}), f(Thrust<T>{}));
}

template <class T, class F>
void compare_weights(const F& f, double tolerance = rounding<T>) {
  CHECK(difference(f(Cpu<T>{}).tensor(), f(Thrust<T>{}).tensor()) <= tolerance);
}

/// Both backends raise the same error, and it says `part`.
template <class T, class F>
void compare_errors(const char* part, const F& f) {
  const auto device = message([&] { f(Thrust<T>{}); });
  CHECK(device == message([&] { f(Cpu<T>{}); }));
  CHECK_MESSAGE(device.find(part) != std::string::npos, device);
}

TEST_CASE_TEMPLATE("k-means from given centroids agrees", T, float, double) {
  struct Size {
    Index rows, columns, clusters;
  };
  for (const Metric metric : {Metric::L1, Metric::SquaredEuclidean})
    for (const auto& size : {Size{7, 1, 2}, Size{64, 3, 1}, Size{65, 5, 4}, Size{360, 40, 10}, Size{5003, 6, 13}, Size{9, 4, 9}}) {
      CAPTURE(size.rows);
      compare_kmeans<T>([&]<class B>(B) {
        const auto x = numbers<B>({size.rows, size.columns}, 3);
        return kmeans(x.tensor(), x.tensor().rows(0, size.clusters), {.metric = metric, .max_passes = 6});
      });
    }
}

TEST_CASE_TEMPLATE("k-means of many samples agrees, several of them for each thread", T, float, double) {
  for (const Metric metric : {Metric::L1, Metric::SquaredEuclidean})
    compare_kmeans<T>([&]<class B>(B) {
      const auto x = numbers<B>({65539, 3}, 3);
      return kmeans(x.tensor(), x.tensor().rows(0, 11), {.metric = metric, .max_passes = 5});
    });
}

TEST_CASE_TEMPLATE("k-means far from the origin keeps its clusters", T, float, double) {
  compare_kmeans<T>([&]<class B>(B) {
    auto host = to_host(numbers<B>({400, 4}, 5).tensor());
    for (auto& x : host) x += 4096;
    const Array<B> x({400, 4}, host);
    return kmeans(x.tensor(), x.tensor().rows(0, 5), {.absolute_tolerance = 0});
  });
}

TEST_CASE_TEMPLATE("k-means++ starts are the same samples, at any depth of the tree of sums", T, float, double) {
  for (const Index rows : {1, 2, 63, 64, 65, 500, 4097, 10000})
    for (const Metric metric : {Metric::L1, Metric::SquaredEuclidean})
      for (const std::uint64_t seed : {1, 2, 3}) {
        CAPTURE(rows);
        compare_weights<T>(
            [&]<class B>(B) {
              return kmeans_plus_plus(numbers<B>({rows, 3}, 7).tensor(), std::min<Index>(rows, 9), Random(seed), metric);
            },
            0);
      }
  compare_weights<T>([]<class B>(B) { return kmeans_plus_plus(array<B>({5, 1}, {2, 2, 2, 4, 2}).tensor(), 5, Random(4)); }, 0);
}

TEST_CASE_TEMPLATE("restarts find the same clusters, and a repeated run the same bits", T, float, double) {
  const auto run = []<class B>(B) {
    auto host = to_host(numbers<B>({500, 2}, 9, 0.1).tensor());
    for (std::size_t i = 0; i < 500; ++i) host[2 * i] += typename B::Scalar(10 * (i % 10));
    return kmeans(Array<B>({500, 2}, host).tensor(), 10, Random(4), {.restarts = 8});
  };
  compare_kmeans<T>(run);
  CHECK(run(Thrust<T>{}).inertia < 500 * 2 * 0.01 * 1.3);
  CHECK(to_host(run(Thrust<T>{}).centroids.tensor()) == to_host(run(Thrust<T>{}).centroids.tensor()));
}

TEST_CASE_TEMPLATE("ties go to the lowest index", T, float, double) {
  using B = Thrust<T>;
  for (const Metric metric : {Metric::L1, Metric::SquaredEuclidean})
    CHECK(nearest_centroid(array<B>({3, 1}, {0, 1, -1}).tensor(), array<B>({3, 1}, {1, -1, 1}).tensor(), metric) == Labels{0, 0, 1});
}

TEST_CASE_TEMPLATE("an empty cluster is reported, or takes the farthest sample", T, float, double) {
  const auto run = [](const std::vector<double>& samples, const std::vector<double>& centroids, EmptyCluster rule) {
    const auto f = [&]<class B>(B) {
      return kmeans(array<B>({Index(samples.size()), 1}, samples).tensor(), array<B>({Index(centroids.size()), 1}, centroids).tensor(),
                    {.empty = rule});
    };
    compare_kmeans<T>(f);
    return f(Thrust<T>{});
  };
  CHECK(run({0, 1, 2, 30}, {1, 100, 1.5}, EmptyCluster::Report).empty_cluster == 1);
  CHECK(run({0, 1, 2, 30}, {1, 100, 1.5}, EmptyCluster::Reseed).assignment == Labels{0, 0, 2, 1});
  CHECK(run({0, 1, 2, 30, 9, 8}, {1, 100, 200, 300}, EmptyCluster::Reseed).empty_cluster == -1);
  CHECK(run({0, 0, 0, 0}, {1, 100, 1.5}, EmptyCluster::Reseed).empty_cluster == 1);
  CHECK(run({0, 0, 0, 7}, {0, 100, 200}, EmptyCluster::Reseed).empty_cluster == 2);  // one can be filled, the next cannot
}

TEST_CASE_TEMPLATE("bad samples and options are named as on the CPU", T, float, double) {
  const auto at = [](auto b, Index rows, Index columns) { return numbers<decltype(b)>({rows, columns}, 1); };
  compare_errors<T>("6 clusters of 5 samples", [&](auto b) { kmeans(at(b, 5, 2).tensor(), 6, Random(1)); });
  compare_errors<T>("0 clusters", [&](auto b) { kmeans(at(b, 5, 2).tensor(), 0, Random(1)); });
  compare_errors<T>("6 clusters of 5 samples", [&](auto b) { kmeans(at(b, 5, 2).tensor(), at(b, 6, 2).tensor()); });
  compare_errors<T>("expected 2 columns", [&](auto b) { kmeans(at(b, 5, 2).tensor(), at(b, 2, 3).tensor()); });
  compare_errors<T>("samples", [](auto b) { kmeans(Tensor<decltype(b)>{}, 2, Random(1)); });
  compare_errors<T>("max_passes", [&](auto b) { kmeans(at(b, 5, 2).tensor(), 2, Random(1), {.max_passes = 0}); });
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()})
    compare_errors<T>("samples: row 1, column 1", [&](auto b) {
      kmeans(array<decltype(b)>({3, 2}, {1, 2, 3, bad, 5, 6}).tensor(), 2, Random(1));
    });
}

TEST_CASE_TEMPLATE("least squares of any shape agrees, with and without a ridge", T, float, double) {
  struct Size {
    Index rows, columns, k;
  };
  for (const auto& size : {Size{1, 1, 1}, Size{30, 1, 2}, Size{1, 5, 3}, Size{360, 41, 10}, Size{41, 41, 3}, Size{9, 65, 3}, Size{5, 8, 9},
                           Size{200, 7, 17}, Size{3000, 5, 3}})
    for (const auto method : {LeastSquaresMethod::Fast, LeastSquaresMethod::Svd})
      for (const double ridge : {0.0, 0.3})
        for (const Index unpenalised : {0, 1}) {
          CAPTURE(size.rows);
          CAPTURE(size.columns);
          CAPTURE(ridge);
          compare_weights<T>([&]<class B>(B) {
            return least_squares(numbers<B>({size.rows, size.columns}, 1).tensor(), numbers<B>({size.rows, size.k}, 2).tensor(),
                                 {.ridge = ridge, .unpenalised = unpenalised, .method = method});
          }, 10 * rounding<T>);  // the square problem has a condition of several hundreds
        }
}

TEST_CASE_TEMPLATE("rows taken block by block give the same weights", T, float, double) {
  const LeastSquaresOptions options{.ridge = 0.3, .unpenalised = 1};
  compare_weights<T>([&]<class B>(B) {
    const auto a = numbers<B>({361, 9}, 1), y = numbers<B>({361, 4}, 2);
    if constexpr (std::is_same_v<B, Cpu<T>>) {
      return least_squares(a.tensor(), y.tensor(), options);
    } else {
      Array<B> w({9, 4});
      cluster::detail::DeviceLeastSquares<B>(a, y, options, 1).solve(w);
      return w;
    }
  });
}

TEST_CASE_TEMPLATE("a rank-deficient problem gets the solution of least norm", T, float, double) {
  for (const Index rows : {50, 6, 5})
    for (const auto method : {LeastSquaresMethod::Fast, LeastSquaresMethod::Svd}) {
      const Index columns = rows == 50 ? 6 : 50;
      std::vector<double> a(std::size_t(rows * columns), 0);  // of rank 3, of whole numbers
      const auto left = to_host(numbers<Cpu<double>>({rows, 3}, 11, 4).tensor());
      const auto right = to_host(numbers<Cpu<double>>({columns, 3}, 12, 4).tensor());
      for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t r = 0; r < 3; ++r)
          a[i] += std::round(left[i / std::size_t(columns) * 3 + r]) * std::round(right[i % std::size_t(columns) * 3 + r]);
      compare_weights<T>([&]<class B>(B) {
        return least_squares(array<B>({rows, columns}, a).tensor(), numbers<B>({rows, 4}, 13).tensor(), {.method = method});
      }, 20 * rounding<T>);
    }
  compare_weights<T>([]<class B>(B) {  // a column twice
    return least_squares(array<B>({4, 3}, {1, 2, 1, 3, 1, 3, -2, 5, -2, 1, 7, 1}).tensor(), numbers<B>({4, 2}, 1).tensor());
  });
  compare_weights<T>([]<class B>(B) { return least_squares(Array<B>({7, 3}).tensor(), numbers<B>({7, 2}, 1).tensor()); }, 0);
  compare_weights<T>([]<class B>(B) { return least_squares(Array<B>({2, 5}).tensor(), numbers<B>({2, 2}, 1).tensor()); }, 0);
}

TEST_CASE("rcond decides which singular values count, and squares may overflow") {
  for (const double rcond : {0.0, 1e-6, 1e-3})
    for (const auto method : {LeastSquaresMethod::Fast, LeastSquaresMethod::Svd})
      compare_weights<double>([&]<class B>(B) {
        auto a = to_host(numbers<B>({80, 4}, 21).tensor());
        for (std::size_t i = 0; i < a.size(); ++i) a[i] *= std::vector{1e-6, 1.0, 1e2, 1e-2}[i % 4];
        return least_squares(Array<B>({80, 4}, a).tensor(), numbers<B>({80, 2}, 22).tensor(), {.rcond = rcond, .method = method});
      }, 1e-9);
  compare_weights<double>([]<class B>(B) {
    return least_squares(numbers<B>({20, 3}, 5, 1e200).tensor(), numbers<B>({20, 1}, 6).tensor());
  });
}

TEST_CASE("bad least squares are named as on the CPU") {
  const auto at = [](auto b, Index rows, Index columns) { return numbers<decltype(b)>({rows, columns}, 1); };
  compare_errors<double>("A has 4 rows and Y has 3", [&](auto b) { least_squares(at(b, 4, 2).tensor(), at(b, 3, 3).tensor()); });
  compare_errors<double>("ridge", [&](auto b) { least_squares(at(b, 4, 2).tensor(), at(b, 4, 3).tensor(), {.ridge = -1}); });
  compare_errors<double>("least squares: A: row 1, column 0", [&](auto b) {
    least_squares(array<decltype(b)>({2, 2}, {1, 2, NAN, 4}).tensor(), at(b, 2, 3).tensor());
  });
}

/// Contexts of four families whose losses favour one expert each; one environment's losses tell that it belongs elsewhere.
template <class B>
GateRefit<B> refit_families(const GateRefitOptions& options, bool warm, bool distinct = true) {
  constexpr Index environments = 48, columns = 6, experts = 4;
  auto contexts = to_host(numbers<B>({environments, columns}, 1, 0.3).tensor());
  std::vector<double> losses;
  const Random corner(99);
  for (Index e = 0; e < environments; ++e) {
    for (Index d = 0; d < columns; ++d) {
      auto& x = contexts[std::size_t(e * columns + d)];
      x = distinct ? x + typename B::Scalar(3 * corner.normal(std::uint64_t(e % experts * columns + d))) : 0;
    }
    for (Index m = 0; m < experts; ++m)
      losses.push_back((m == (e + (e == 5 ? 2 : 1)) % experts ? 0.1 : 1.0) + 0.01 * corner.uniform(std::uint64_t(1000 + 7 * e + m)));
  }
  const Array<B> x({environments, columns}, contexts);
  return refit_gate(x.tensor(), array<B>({environments, experts}, losses).tensor(), warm ? x.tensor().rows(0, experts) : Tensor<B>{},
                    Random(5), options);
}

TEST_CASE_TEMPLATE("a refit of the gate agrees", T, float, double) {
  GateRefitOptions ridge;
  ridge.ridge = 0.5;
  ridge.noise = 0;
  ridge.centre = LossCentre::Mean;
  for (const auto& options : {GateRefitOptions{}, GateRefitOptions::published(), ridge})
    for (const bool warm : {true, false}) {
      const auto cpu = refit_families<Cpu<T>>(options, warm);
      const auto device = refit_families<Thrust<T>>(options, warm);
      CHECK(cpu.outcome == device.outcome);
      CHECK(cpu.passes == device.passes);
      CHECK(cpu.empty_cluster == device.empty_cluster);
      CHECK(cpu.cluster == device.cluster);
      CHECK(cpu.expert_of_cluster == device.expert_of_cluster);
      CHECK(cpu.expert == device.expert);
      REQUIRE(bool(cpu.weights) == bool(device.weights));
      if (warm) REQUIRE(cpu.outcome == GateRefitOutcome::Refitted);
      if (!cpu.weights) continue;
      CHECK(difference(cpu.weights.tensor(), device.weights.tensor()) <= 10 * rounding<T>);
      CHECK(difference(cpu.centroids.tensor(), device.centroids.tensor()) <= rounding<T>);
    }
  const auto empty = refit_families<Thrust<T>>({}, false, false);
  CHECK(empty.outcome == GateRefitOutcome::EmptyCluster);
  CHECK_FALSE(empty.weights);
}

}  // namespace cluster_test
