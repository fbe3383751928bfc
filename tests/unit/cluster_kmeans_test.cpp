// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/cluster/kmeans.hpp>

namespace cluster_kmeans_test {

using namespace moesaic;
using namespace moesaic::cluster;

template <class T>
Array<Cpu<T>> normal(Index rows, Index cols, std::uint64_t seed, double offset = 0) {
  Array<Cpu<T>> out(Shape{rows, cols});
  const Random random(seed);
  for (Index i = 0; i < out.size(); ++i) out.data()[i] = T(offset + random.normal(std::uint64_t(i)));
  return out;
}

/// Plain Lloyd passes in double, straight from the definition.
struct Naive {
  Metric metric;
  Index rows, cols, clusters;
  std::vector<double> x, c;
  std::vector<std::int32_t> label;
  double inertia = 0;

  template <class T>
  Naive(Metric m, const Array<Cpu<T>>& samples, const Array<Cpu<T>>& start)
      : metric(m),
        rows(samples.shape()[0]),
        cols(samples.shape()[1]),
        clusters(start.shape()[0]),
        x(samples.data(), samples.data() + samples.size()),
        c(start.data(), start.data() + start.size()),
        label(std::size_t(rows)) {}

  double gap(Index i, Index k) const {
    double sum = 0;
    for (Index d = 0; d < cols; ++d) {
      const double g = x[std::size_t(i * cols + d)] - c[std::size_t(k * cols + d)];
      sum += metric == Metric::L1 ? std::abs(g) / double(cols) : g * g;
    }
    return sum;
  }
  void pass() {
    for (Index i = 0; i < rows; ++i) {
      Index best = 0;
      for (Index k = 1; k < clusters; ++k)
        if (gap(i, k) < gap(i, best)) best = k;
      label[std::size_t(i)] = std::int32_t(best);
    }
    for (Index k = 0; k < clusters; ++k)
      for (Index d = 0; d < cols; ++d) {
        double sum = 0, count = 0;
        for (Index i = 0; i < rows; ++i)
          if (label[std::size_t(i)] == k) sum += x[std::size_t(i * cols + d)], ++count;
        c[std::size_t(k * cols + d)] = sum / count;
      }
    inertia = 0;
    for (Index i = 0; i < rows; ++i) inertia += gap(i, label[std::size_t(i)]);
  }
};

template <class T>
bool same_bits(const Array<Cpu<T>>& a, const Array<Cpu<T>>& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), std::size_t(a.size()) * sizeof(T)) == 0;
}

TEST_CASE_TEMPLATE("k-means agrees with plain Lloyd passes", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  struct Size {
    Index rows, cols, clusters;
  };
  for (const Metric metric : {Metric::L1, Metric::SquaredEuclidean})
    for (const auto& size : {Size{7, 1, 2}, Size{64, 3, 1}, Size{65, 5, 4}, Size{360, 40, 10}, Size{5003, 6, 13}}) {
      const Index rows = size.rows, clusters = size.clusters;
      const auto x = normal<T>(rows, size.cols, 3);
      Array<Cpu<T>> start(x.tensor().rows(0, clusters));
      KMeansOptions options{.metric = metric, .max_passes = 6, .absolute_tolerance = 0, .relative_tolerance = 0};
      const auto result = kmeans(x.tensor(), start.tensor(), options);
      Naive naive(metric, x, start);
      for (int pass = 0; pass < result.passes; ++pass) naive.pass();
      CAPTURE(rows);
      CHECK(result.assignment == naive.label);
      CHECK(result.empty_cluster == -1);
      CHECK(result.inertia == doctest::Approx(naive.inertia).epsilon(tolerance * 10));
      double worst = 0;
      for (Index i = 0; i < result.centroids.size(); ++i)
        worst = std::max(worst, std::abs(double(result.centroids.data()[i]) - naive.c[std::size_t(i)]));
      CHECK(worst < tolerance);
    }
}

TEST_CASE("k-means far from the origin keeps its clusters: distances do not cancel") {
  const auto x = normal<float>(400, 4, 5), far = normal<float>(400, 4, 5, 4096);
  Array<Cpu<float>> start(far.tensor().rows(0, 5));
  Naive naive(Metric::SquaredEuclidean, far, start);
  const auto found = nearest_centroid(far.tensor(), start.tensor(), Metric::SquaredEuclidean);
  naive.pass();
  CHECK(found == naive.label);
}

TEST_CASE("k-means stops at the fixed point of separated clusters and says so") {
  const std::vector<double> points{0, 0, 0, 1, 10, 10, 10, 11, 20, 0, 20, 1}, first{1, 1, 9, 9, 19, 1};
  const Array<Cpu<double>> x(Shape{6, 2}, points), start(Shape{3, 2}, first);
  const auto r = kmeans(x.tensor(), start.tensor());
  CHECK(r.converged);
  CHECK(r.passes == 2);
  CHECK(r.assignment == std::vector<std::int32_t>{0, 0, 1, 1, 2, 2});
  CHECK(to_host(r.centroids.tensor()) == std::vector<double>{0, 0.5, 10, 10.5, 20, 0.5});
  CHECK(r.inertia == doctest::Approx(6 * 0.25));
}

TEST_CASE("ties go to the lowest index") {
  const std::vector<double> points{0, 1, -1}, centroids{1, -1, 1};
  const Array<Cpu<double>> x(Shape{3, 1}, points), c(Shape{3, 1}, centroids);
  for (const Metric metric : {Metric::L1, Metric::SquaredEuclidean})
    CHECK(nearest_centroid(x.tensor(), c.tensor(), metric) == std::vector<std::int32_t>{0, 0, 1});
}

TEST_CASE("an empty cluster is reported, or takes the farthest sample") {
  const std::vector<double> points{0, 1, 2, 30}, centroids{1, 100, 1.5};
  const Array<Cpu<double>> x(Shape{4, 1}, points), c(Shape{3, 1}, centroids);
  const auto report = kmeans(x.tensor(), c.tensor(), {.empty = EmptyCluster::Report});
  CHECK(report.empty_cluster == 1);
  CHECK_FALSE(report.converged);
  const auto reseed = kmeans(x.tensor(), c.tensor(), {.empty = EmptyCluster::Reseed});
  CHECK(reseed.empty_cluster == -1);
  CHECK(reseed.converged);
  CHECK(reseed.assignment == std::vector<std::int32_t>{0, 0, 2, 1});

  const Array<Cpu<double>> equal(Shape{4, 1});
  CHECK(kmeans(equal.tensor(), c.tensor(), {.empty = EmptyCluster::Reseed}).empty_cluster == 1);
}

TEST_CASE("k-means++ spreads the centroids, restarts lower the inertia, and both depend on the seed alone") {
  // Ten tight clusters on a line: a start that misses one leaves an inertia a hundred times higher.
  Array<Cpu<float>> x(Shape{500, 2});
  const Random random(9);
  for (Index i = 0; i < 500; ++i) {
    x.data()[2 * i] = float(10 * (i % 10)) + 0.1f * float(random.normal(std::uint64_t(i)));
    x.data()[2 * i + 1] = 0.1f * float(random.normal(std::uint64_t(i + 500)));
  }
  const auto r = kmeans(x.tensor(), 10, Random(4), {.restarts = 8});
  CHECK(r.inertia < 500 * 2 * 0.01 * 1.3);
  const auto one = kmeans(x.tensor(), 10, Random(4), {.restarts = 1});
  CHECK(r.inertia <= one.inertia);
  CHECK(same_bits(r.centroids, kmeans(x.tensor(), 10, Random(4), {.restarts = 8}).centroids));
  const auto start = kmeans_plus_plus(x.tensor(), 10, Random(1));
  for (Index k = 0; k < 10; ++k) {  // every centroid is a sample
    bool found = false;
    for (Index i = 0; i < 500; ++i) found |= std::memcmp(start.data() + 2 * k, x.data() + 2 * i, 2 * sizeof(float)) == 0;
    CHECK(found);
  }
}

TEST_CASE("the result has the same bits at any number of threads") {
  const int before = thread_count();
  const auto x = normal<float>(20000, 7, 11);
  const auto start = kmeans_plus_plus(x.tensor(), 9, Random(2));
  const KMeansOptions options{.max_passes = 5, .absolute_tolerance = 0};
  set_thread_count(1);
  const auto one = kmeans(x.tensor(), start.tensor(), options);
  set_thread_count(3);
  const auto three = kmeans(x.tensor(), start.tensor(), options);
  set_thread_count(before);
  CHECK(same_bits(one.centroids, three.centroids));
  CHECK(one.assignment == three.assignment);
  CHECK(one.inertia == three.inertia);
}

TEST_CASE("centroids are the means of their members to the last bit, whatever joined and left them on the way") {
  auto x = normal<double>(600, 3, 17);
  for (Index i = 0; i < 600; ++i)
    for (Index d = 0; d < 3; ++d) x.data()[3 * i + d] *= std::pow(10, i % 7);
  for (const int most : {6, 300}) {
    const auto r = kmeans(x.tensor(), Array<Cpu<double>>(x.tensor().rows(0, 9)).tensor(),
                          {.max_passes = most, .absolute_tolerance = 0, .relative_tolerance = 0});
    CHECK(r.converged == (most == 300));
    REQUIRE(r.passes >= 6);
    std::vector<double> sum(27, 0), count(9, 0);
    for (std::size_t i = 0; i < 600; ++i) {
      const auto k = std::size_t(r.assignment[i]);
      for (std::size_t d = 0; d < 3; ++d) sum[3 * k + d] += x.data()[3 * i + d];
      ++count[k];
    }
    for (std::size_t k = 0; k < 9; ++k)
      for (std::size_t d = 0; d < 3; ++d) CHECK(r.centroids.data()[3 * k + d] == sum[3 * k + d] / count[k]);
  }
}

TEST_CASE("large sets, which are transposed anew in every pass, give what small ones give") {
  const auto x = normal<float>(40000, 8, 21);  // above what is kept
  const auto start = kmeans_plus_plus(x.tensor(), 6, Random(3));
  const auto all = nearest_centroid(x.tensor(), start.tensor(), Metric::SquaredEuclidean);
  const auto part = nearest_centroid(x.tensor().rows(39000, 1000), start.tensor(), Metric::SquaredEuclidean);
  Index different = 0;  // the origin differs, so a near tie may fall the other way
  for (Index i = 0; i < 1000; ++i) different += all[std::size_t(39000 + i)] != part[std::size_t(i)];
  CHECK(different <= 1);
  const auto two = kmeans(x.tensor(), start.tensor(), {.max_passes = 2, .absolute_tolerance = 0, .relative_tolerance = 0});
  Naive naive(Metric::SquaredEuclidean, x, start);
  naive.pass(), naive.pass();
  CHECK(two.inertia == doctest::Approx(naive.inertia).epsilon(1e-6));
}

TEST_CASE("bad input is named") {
  const auto x = normal<float>(5, 2, 1);
  const auto message = [&](auto&& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  const auto contains = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  CHECK(contains(message([&] { kmeans(x.tensor(), 6, Random(1)); }), "6 clusters of 5 samples"));
  CHECK(contains(message([&] { kmeans(x.tensor(), 0, Random(1)); }), "0 clusters"));
  CHECK(contains(message([&] { kmeans(x.tensor(), normal<float>(6, 2, 1).tensor()); }), "6 clusters of 5 samples"));
  CHECK(contains(message([&] { kmeans(x.tensor(), normal<float>(2, 3, 1).tensor()); }), "expected 2 columns"));
  CHECK(contains(message([&] { kmeans(Tensor<Cpu<float>>{}, 2, Random(1)); }), "samples"));
  CHECK(contains(message([&] { kmeans(Array<Cpu<float>>(Shape{0, 2}).tensor(), 2, Random(1)); }), "at least one row"));
  CHECK(contains(message([&] { kmeans(x.tensor(), 2, Random(1), {.max_passes = 0}); }), "max_passes"));
  CHECK(contains(message([&] { kmeans(x.tensor(), 2, Random(1), {.restarts = 0}); }), "restarts"));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const auto y = normal<float>(5, 2, 1);
    y.data()[7] = bad;
    CHECK(contains(message([&] { kmeans(y.tensor(), 2, Random(1)); }), "samples: row 3, column 1"));
    CHECK(contains(message([&] { kmeans(x.tensor(), y.tensor()); }), "centroids: row 3, column 1"));
  }
}

TEST_CASE("distances that overflow are an error") {
  const auto x = normal<float>(70, 3, 1);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] *= 1e20f;
  CHECK_THROWS_WITH_AS(kmeans(x.tensor(), 3, Random(1)), "k-means: distances of the samples overflow; expected samples of a smaller scale",
                       Error);
  CHECK(std::isfinite(kmeans(x.tensor(), 3, Random(1), {.metric = Metric::L1}).inertia));
  // Two rows of the largest numbers: squares overflow, and between the rows the absolute distance too, but none to the own centroid.
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = i / 3 % 2 ? 3e38f : -3e38f;
  CHECK_THROWS_AS(kmeans(x.tensor(), 3, Random(1)), Error);
  const auto r = kmeans(x.tensor(), 2, Random(1), {.metric = Metric::L1});
  CHECK(r.inertia == 0);
  for (std::size_t i = 2; i < r.assignment.size(); ++i) CHECK(r.assignment[i] == r.assignment[i - 2]);
}

}  // namespace cluster_kmeans_test
