// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <moesaic/core/parallel.hpp>
#include <moesaic/train/environments.hpp>

#include "support/mixer_support.hpp"

namespace mixer_capacity_test {

using namespace mixer_test;
using B = Cpu<double>;

TEST_CASE("ten experts on forty environments need less than 100 MB on one, two and four threads") {
  // 40 environments of 4 trajectories, 20 steps of RK4, experts with a main network of three layers of 64.
  const auto model = contextual(10, ThreeNetworks<>{.context = 4}, gate::KMeansLeastSquares{}, loss::mse);
  const EnvironmentData<B> data(waves(40, 4, 21));
  const int before = thread_count();
  for (const int threads : {1, 2, 4}) {
    set_thread_count(threads);
    EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(model, data, {});
    for (Index e = 0; e < 40; ++e) training.contexts.data()[e * 40 + e % 10] = 1;
    const auto gate = training.parameters.tensor().rows(model.gate_offset(), model.gate_size);
    for (Index i = 0; i < 41; ++i)
      for (Index k = 0; k < 10; ++k) gate.data()[i * 10 + k] = i == k;
    std::size_t capacity = 0;
    for (std::size_t player : {std::size_t{0}, std::size_t{1}, std::size_t{0}}) {
      Array<B> gradient((player == 0 ? training.contexts : training.parameters).shape());
      training.evaluate(Step{player, 0, 0, 0, Random(1)}, gradient);
      training.expert_losses();
      if (player == 1) capacity = training.capacity();
    }
    CHECK(training.capacity() == capacity);
    MESSAGE("with " << threads << " threads: " << double(capacity) / 1e6 << " MB");
    CHECK(double(capacity) < 100e6);
    CHECK(double(capacity) < 20e6 * threads);
  }
  set_thread_count(before);
}

}  // namespace mixer_capacity_test
