// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/core/parallel.hpp>
#include <moesaic/train/fit.hpp>

#include "support/allocations.hpp"

namespace train_memory_test {

using namespace moesaic;
using B = Cpu<float>;

struct Pull {
  double target;
  template <class S>
  S operator()(const S& x) const {
    return x * x * x + constant<S>(target) * x;
  }
};

/// Works in the workspace only, and notes how often memory was asked for up to each step.
struct Counted {
  using Backend = B;
  Tensor<B> weights, contexts;
  std::vector<std::size_t> log;

  Losses evaluate(const Step& s, const Tensor<B>& gradient) {
    log.push_back(allocations());
    const Tensor<B> p = s.player == 0 ? contexts : weights;
    B::map(gradient, Pull{s.random.uniform(0)}, p);
    const double size = squared_norm(gradient);
    return Losses(size).add("size", size);
  }
  void after_step(const Step&) {}
  double validate() { return squared_norm(weights); }
};

Array<B> some(Index n) {
  std::vector<float> numbers(static_cast<std::size_t>(n));
  const Random random(5);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = float(random.normal(i));
  return {{n}, numbers};
}

struct Outcome {
  std::vector<float> weights, contexts;
  std::vector<double> history;
  std::vector<std::size_t> log;
};
Outcome train(Index size) {
  Array<B> weights = some(size), contexts = some(1000);
  Counted problem{weights, contexts, {}};
  problem.log.reserve(1000);
  const auto run = fit(problem,
                       {{.name = "contexts", .parameters = contexts, .inner_steps = 3, .tolerance = 1e-12, .proximal = 10},
                        {.name = "weights",
                         .parameters = weights,
                         .optimiser = AdamW{},
                         .rate = schedule::warm_up(5, schedule::Cosine{0.1, 50}),
                         .inner_steps = 2,
                         .parts_sharing_state = 2}},
                       {.iterations = 30, .validation_every = 2, .clip = {.value = 3, .norm = 10}});
  return {to_host(weights.tensor()), to_host(contexts.tensor()), run.history.numbers(), problem.log};
}

TEST_CASE("nothing is allocated after the first outer iteration") {
  const auto log = train(5000).log;
  REQUIRE(log.size() == 150);
  CHECK(log[0] > 0);
  // The history's columns are known at the end of the first iteration; the first validation comes at the end of the second.
  CHECK(log[10] == log[149]);
  CHECK(log[1] == log[3]);
}

TEST_CASE("one thread and two give the same bits") {
  const int before = thread_count();
  set_thread_count(1);
  const auto one = train(200'000);  // enough for elementwise work to be shared out
  set_thread_count(2);
  const auto two = train(200'000);
  set_thread_count(before);
  CHECK(one.weights == two.weights);
  CHECK(one.contexts == two.contexts);
  REQUIRE(one.history.size() == two.history.size());  // it holds NaN where nothing was validated
  CHECK(std::memcmp(one.history.data(), two.history.data(), one.history.size() * sizeof(double)) == 0);
}

}  // namespace train_memory_test
