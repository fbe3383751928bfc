// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// W2: k-means from given centres, 20 passes or until nothing moves, with the labels of the final centres.
// --size a: 360 x 40, 10 clusters; b: 200000 x 32, 64; c: 1000000 x 16, 256.
#include <moesaic/cluster/kmeans.hpp>

#include "support/harness.hpp"

namespace {

using namespace bench;

template <class T>
class Clustering {
  using B = Cpu<T>;
  static constexpr int most_passes = 20;

 public:
  const char* name = "W2_kmeans";
  std::string sizes() const {
    std::ostringstream out;
    out << "\"size\": \"" << size_ << "\", \"n\": " << rows_ << ", \"d\": " << columns_ << ", \"k\": " << clusters_
        << ", \"n_iter\": " << passes_;
    return out.str();
  }
  double flops() const { return double(passes_) * double(rows_) * double(columns_) * (2.0 * double(clusters_) + 1); }

  explicit Clustering(Problem<T>& problem) : size_(problem.size()) {
    require(size_ == "a" || size_ == "b" || size_ == "c", "--size ", size_, ": expected a, b or c");
    rows_ = size_ == "a" ? 360 : size_ == "b" ? 200'000 : 1'000'000;
    columns_ = size_ == "a" ? 40 : size_ == "b" ? 32 : 16;
    clusters_ = size_ == "a" ? 10 : size_ == "b" ? 64 : 256;
    samples_ = problem.array("in_x", {rows_, columns_});
    start_ = problem.array("in_centers0", {clusters_, columns_});
  }

  void check(Problem<T>& problem) {
    step();
    Array<B> inertia(Shape{});
    inertia.data()[0] = T(inertia_of_labels());
    problem.compare("out_inertia", inertia);
    // In float32 a sample between two centres falls to either of them by rounding, and 20 passes over a large set carry that on.
    if (!problem.dumped() || (sizeof(T) < 8 && size_ != "a")) return;
    problem.compare("out_centers", centres_);
    const auto theirs = problem.array("out_labels", {rows_});
    Index differ = 0;
    for (Index i = 0; i < rows_; ++i) differ += Index(theirs.data()[i]) != labels_[std::size_t(i)];
    problem.record("out_labels, share that differs", double(differ) / double(rows_));
  }

  double step() {
    cluster::KMeansOptions options;
    options.max_passes = most_passes;
    options.absolute_tolerance = options.relative_tolerance = 0;
    auto result = cluster::kmeans(samples_.tensor(), start_.tensor(), options);
    passes_ = result.passes;
    centres_ = std::move(result.centroids);
    // Where centres moved in the last pass, their labels are a pass behind.
    labels_ = result.converged ? std::move(result.assignment)
                               : cluster::nearest_centroid(samples_.tensor(), centres_.tensor(), options.metric);
    return result.inertia;
  }
  std::size_t bytes() const { return Workspace<HostMemory>::current().capacity(); }

 private:
  double inertia_of_labels() const {
    double sum = 0;
    for (Index i = 0; i < rows_; ++i)
      for (Index j = 0; j < columns_; ++j) {
        const T* centre = centres_.data() + labels_[std::size_t(i)] * columns_;
        const double d = double(samples_.data()[i * columns_ + j]) - double(centre[j]);
        sum += d * d;
      }
    return sum;
  }

  std::string size_;
  Index rows_, columns_, clusters_;
  int passes_ = 0;
  Array<B> samples_, start_, centres_;
  std::vector<std::int32_t> labels_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<Clustering>(argc, argv); }
