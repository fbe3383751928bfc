// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <moesaic/core/parallel.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>

#include "support/mixer_support.hpp"

namespace environments_bits_test {

using namespace mixer_test;

/// Parameters, contexts and losses after some iterations with refits of the gate.
template <class T>
std::vector<double> train(int threads, std::uint64_t seed = 3) {
  using B = Cpu<T>;
  const int before = thread_count();
  set_thread_count(threads);
  const auto model = contextual(3, LinearField{}, gate::KMeansLeastSquares{.refit_every = 2}, loss::mse + 0.1 * loss::context_l1, 1);
  const EnvironmentData<B> data(waves(11, 3, 5));
  EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(
      model, data, {.contributors = 7, .pool_size = 2, .reweighting = Reweighting::softmax, .part_size = 2, .seed = seed});
  const auto players = training.players(0.01, 0.01, 4);
  const auto run = fit(training, std::span<const Player<B>>(players), {.iterations = 8, .seed = seed});
  set_thread_count(before);

  std::vector<double> out = run.history.numbers();
  for (T x : to_host(training.parameters.tensor())) out.push_back(double(x));
  for (T x : to_host(training.contexts.tensor())) out.push_back(double(x));
  return out;
}

TEST_CASE_TEMPLATE("the same seed gives the same bits on any number of threads", T, float, double) {
  const auto one = train<T>(1);
  CHECK(one == train<T>(1));
  CHECK(one != train<T>(1, 4));
#ifdef _OPENMP
  CHECK(one == train<T>(2));
  CHECK(one == train<T>(3));
#else
  MESSAGE("compiled without OpenMP: one thread");
#endif
}

}  // namespace environments_bits_test
