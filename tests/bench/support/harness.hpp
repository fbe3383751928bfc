// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstdio>
#include <functional>
#include <sstream>
#include <string>

#include <moesaic/ad/lanes.hpp>
#include <moesaic/core/random.hpp>
#include <moesaic/io/npy.hpp>
#include <moesaic/ops/ops.hpp>

/// What the benchmark programs share: options, the dumped problem, comparison with the peer's numbers, timing, one JSON line.
namespace bench {

using namespace moesaic;

struct Options {
  int threads = 1, repeat = 7, warmup = 3;
  double min_time = 0.2;  ///< seconds that a repeat lasts, about
  bool use_double = false;
  bool check_only = false;
  std::string dir;   ///< the peer's dump; without it the problem is drawn at random
  std::string size;  ///< where a benchmark has several
};

/// Options of the command line, which sets the number of threads, too.
Options parse(int argc, char** argv);

/// Inputs and results of a problem, from the .npy files of the peer's dump.
template <class T>
class Problem {
 public:
  explicit Problem(const Options& options) : options_(options) {}

  /// `DIR/name.npy`, or normal random numbers times `scale` where there is no dump.
  Array<Cpu<T>> array(const std::string& name, const Shape& shape, double scale = 1) {
    if (dumped()) {
      auto loaded = npy::load<T>(path(name));
      require(loaded.size() == shape.size(), path(name), " has shape ", loaded.shape(), "; expected ", shape);
      return Array<Cpu<T>>(loaded.tensor().reshape(shape));
    }
    Array<Cpu<T>> drawn(shape);
    for (Index i = 0; i < drawn.size(); ++i) drawn.data()[i] = T(scale * random_.next_normal());
    return drawn;
  }
  /// A linear layer's weights or biases: uniform in +-1/sqrt(inputs) where there is no dump.
  Array<Cpu<T>> weights(const std::string& name, const Shape& shape, Index inputs) {
    return array(name, shape, 0.577 / std::sqrt(double(inputs)));
  }

  /// Remembers the largest difference to `DIR/name.npy`, relative to the largest number there.
  void compare(const std::string& name, const Tensor<Cpu<T>>& ours) {
    if (!dumped()) return;
    const auto theirs = array(name, ours.shape());
    double difference = 0, largest = 0;
    for (Index i = 0; i < ours.size(); ++i) {
      const double d = std::abs(double(ours.data()[i]) - double(theirs.data()[i]));
      difference = d > difference || std::isnan(d) ? d : difference;
      largest = std::max(largest, std::abs(double(theirs.data()[i])));
    }
    record(name, difference / std::max(largest, 1e-30));
  }
  /// Remembers the largest error, and what has it.
  void record(const std::string& name, double error) {
    if (worst_name_.empty() || !(error <= worst_)) worst_ = error, worst_name_ = name;
  }

  bool dumped() const { return !options_.dir.empty(); }
  const std::string& size() const { return options_.size; }
  double worst() const { return worst_; }
  const std::string& worst_name() const { return worst_name_; }

 private:
  std::string path(const std::string& name) const { return options_.dir + "/" + name + ".npy"; }

  Options options_;
  Random random_{1};
  double worst_ = 0;
  std::string worst_name_;
};

/// What a benchmark hands over to be judged and timed.
struct Work {
  std::string workload;
  std::string sizes;                      ///< JSON members
  std::function<double()> step;           ///< returns the loss, or whatever number tells two implementations apart
  std::function<std::size_t()> bytes;     ///< of workspace and tape
  double flops = 0;
  double worst = 0;                       ///< largest relative difference to the dump, and where
  std::string worst_name;
  bool dumped = false;
};

/// Times the steps, prints the JSON line; returns the program's exit status.
int report(const Options& options, const Work& work);

/// Runs `Benchmark<float>` or `Benchmark<double>`: built from a `Problem`, it has `name`, `sizes()`, `check(problem)`, `step()`,
/// `bytes()` and `flops()`.
template <template <class> class Benchmark>
int run(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    const auto with = [&]<class T>(T) {
      Problem<T> problem(options);
      Benchmark<T> benchmark(problem);
      benchmark.check(problem);
      return report(options, {benchmark.name, benchmark.sizes(), [&] { return double(benchmark.step()); },
                              [&] { return benchmark.bytes(); }, benchmark.flops(), problem.worst(), problem.worst_name(),
                              problem.dumped()});
    };
    return options.use_double ? with(double{}) : with(float{});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}

/// The adjoint with which a scalar is swept back.
template <class B>
Tensor<B> one() {
  auto seed = make_tensor<B>(Shape{});
  B::fill(seed, typename B::Scalar(1));
  return seed;
}

}  // namespace bench
