// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <limits>

#include <doctest/doctest.h>

#include <moesaic/train/environments.hpp>

#include "support/mixer_support.hpp"

namespace environments_errors_test {

using namespace mixer_test;
using B = Cpu<double>;

/// Of twice as many states as it is given.
struct FieldOfWrongShape {
  Index state = 2, context = 2;

  void layout(Layout&) const {}
  template <class X>
  auto bind(Slots<X>&, const X&, Index) const {
    return [](double, const X& x) { return concat(x, x, 2); };
  }
};

auto model_of(Index count) { return contextual(count, LinearField{}, gate::KMeansLeastSquares{}, loss::mse); }
using Model = decltype(model_of(1));
using Training = EnvironmentTraining<B, Model>;

TEST_CASE("an expert that diverges has an infinite loss and hurts no other") {
  const auto model = model_of(2);
  const EnvironmentData<B> data(two_kinds());
  Training training(model, data, {.part_size = 4}), healthy(model, data, {.part_size = 4});
  for (Index i = 1; i < model.expert_size; ++i) training.parameters.data()[model.expert_size + i] = 1e200;
  const auto &losses = training.expert_losses(), &right = healthy.expert_losses();
  for (Index e = 0; e < 6; ++e) {
    CHECK(losses.data()[2 * e] == right.data()[2 * e]);
    CHECK(losses.data()[2 * e + 1] == std::numeric_limits<double>::infinity());
  }
  B::copy(training.contexts, numbers(training.contexts.shape(), 1));
  training.refit_gate(Random(1));
  for (double p : to_host(training.parameters.tensor().rows(model.gate_offset(), model.gate_size))) CHECK(std::isfinite(p));

  // A prediction of it is not a number.
  std::vector<Solve> solves{{0, 0, 0, 0, 1}, {0, 0, 0, 1, 1}};
  std::vector<double> y(2 * 3 * 5 * 2, 0.0);
  training.runner().predict(solves, data, training.parameters, training.contexts, y.data());
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(std::isfinite(y[i]) == (i < y.size() / 2));
}

TEST_CASE("a mistake is no divergence: it is not scored as infinite, it is an error") {
  const auto model = model_of(2);
  const EnvironmentData<B> data(two_kinds());
  Training training(model, data, {});
  std::vector<Solve> solves{{0, 0, 0, 0, 1}};
  std::vector<double> y(3 * 5 * 2, 0.0);
  const Array<B> few(Shape{3});
  const std::string size = std::to_string(layout_of(model).size());
  CHECK(message_of([&] { training.runner().predict(solves, data, few, training.contexts, y.data()); }) ==
        "the model has " + size + " parameters; there are 3");
  CHECK(message_of([&] { training.runner().predict(solves, data, {}, training.contexts, y.data()); }) ==
        "the model has " + size + " parameters; there are 0");
  const auto wrong = contextual(2, FieldOfWrongShape{}, gate::KMeansLeastSquares{}, loss::mse);
  const auto parameters = wrong.template initial<B>(Random(1));
  EnvironmentStep<B, decltype(wrong)> step(wrong);
  CHECK(message_of([&] { step.predict(solves, data, parameters, training.contexts, y.data()); }).find("the field returns shape") !=
        std::string::npos);
}

TEST_CASE("what cannot be trained is refused in words") {
  const auto model = model_of(2);
  const EnvironmentData<B> data(two_kinds());
  const auto refusal = [&](const Model& m, const EnvironmentData<B>& d, const EnvironmentOptions& o) {
    return message_of([&] { Training(m, d, o); });
  };
  CHECK(refusal(model, data, {.contributors = 7}) ==
        "EnvironmentTraining: 7 contributors; expected 0 to the number of environments, 6");
  CHECK(refusal(model, data, {.contributors = -1}).find("-1 contributors") != std::string::npos);
  CHECK(refusal(model, data, {.pool_size = 0}).find("a pool of 0") != std::string::npos);
  CHECK(refusal(model, data, {.pool_size = 7}).find("a pool of 7") != std::string::npos);
  CHECK(refusal(model, data, {.part_size = 0}) == "EnvironmentStep: parts of 0 solves; expected at least 1");
  CHECK(refusal(model, {}, {}) == "EnvironmentTraining: no environments");
  CHECK(refusal(model_of(7), data, {}).find("7 experts for 6 environments") != std::string::npos);
  CHECK(refusal(contextual(2, LinearField{3, 3}, gate::KMeansLeastSquares{}, loss::mse), data, {}) ==
        "EnvironmentTraining: the data have 2 states, the expert has 3");

  Training training(model, data, {});
  std::vector<double> losses(1);
  const auto step = [&](Solve solve, const Tensor<B>& contexts, const EnvironmentData<B>& d) {
    return message_of([&] {
      training.runner()({&solve, 1}, d, training.parameters, contexts, Training::Runner::Wanted::nothing, {}, losses);
    });
  };
  CHECK(step({0, 0, 0, 0, 1}, training.contexts, data) == "no error");
  for (const Solve& s : {Solve{6, 0, 0, 0, 1}, Solve{-1, 0, 0, 0, 1}, Solve{0, 6, 0, 0, 1}, Solve{0, 0, -1, 0, 1}, Solve{0, 0, 0, 2, 1}})
    CHECK(step(s, training.contexts, data).find("EnvironmentStep: a solve of environment") == 0);
  CHECK(step({0, 0, 0, 0, 1}, numbers({6, 3}, 1), data).find("EnvironmentStep: contexts of shape [6, 3]") == 0);
  CHECK(step({0, 0, 0, 0, 1}, training.contexts, EnvironmentData<B>(waves(6, 1, 3, 3))).find("the data have 3 states") !=
        std::string::npos);
}

TEST_CASE("trajectories that nothing can be learnt from are refused in words") {
  const auto refusal = [](const data::Trajectories& set) { return message_of([&] { EnvironmentData<B>{set}; }); };
  CHECK(refusal(two_kinds()) == "no error");
  CHECK(refusal({}).find("EnvironmentData: expected states [environment, trajectory, time, state]") == 0);
  CHECK(refusal(data::every(two_kinds(), 10)) == "EnvironmentData: expected at least 2 time points, got 1");
  auto set = two_kinds();
  set.trajectory(4, 2)[7] = std::nan("");
  CHECK(refusal(set) == "EnvironmentData: environment 4, trajectory 2, time 3, state 1 is nan");
  set = two_kinds();
  set.grid(3)[2] = set.grid(3)[1];
  CHECK(refusal(set).find("EnvironmentData: time 2 of environment 3") == 0);
  set = two_kinds();
  set.grid(3)[2] += 0.01;
  CHECK(refusal(set).find("EnvironmentData: the times of environment 3 are not evenly spaced") == 0);

  // Too large for float, in which models train.
  set = two_kinds();
  set.trajectory(4, 2)[7] = 1e39;
  CHECK(message_of([&] { EnvironmentData<Cpu<float>>{set}; }) ==
        "EnvironmentData: environment 4, trajectory 2, time 3, state 1 is 1e+39; too large for the model's numbers");
  // Evenly spaced, as far as floats can tell.
  auto rounded = waves(6, 1, 100);
  for (Index e = 0; e < 6; ++e)
    for (Index k = 0; k < 100; ++k) rounded.end[std::size_t(e)] = rounded.grid(e)[std::size_t(k)] = double(float((10.0 + 5.0 * double(e)) * double(k) / 99.0));
  CHECK(refusal(rounded) == "no error");

  // Uneven, but the same everywhere: one grid, in its own units.
  set = two_kinds();
  for (Index e = 0; e < 6; ++e) set.grid(e)[2] += 0.01;
  const EnvironmentData<B> shared(set);
  CHECK(shared.times[2] == doctest::Approx(0.51));
  CHECK(shared.rate.data()[5] == 1);
  // Evenly spaced, every environment in steps of its own.
  const EnvironmentData<B> own(waves(6, 1, 3));
  CHECK(own.times == std::vector<double>{0, 1, 2});
  CHECK(own.rate.data()[2] == doctest::Approx(0.3));
}

}  // namespace environments_errors_test
