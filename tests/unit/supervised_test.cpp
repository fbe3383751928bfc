// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/expert/mlp.hpp>
#include <moesaic/flow/identity.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/balance.hpp>
#include <moesaic/loss/consistency.hpp>
#include <moesaic/loss/metric_learning.hpp>
#include <moesaic/loss/prototypes.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/supervised.hpp>

#include "support/allocations.hpp"

using namespace moesaic;
using B = Cpu<double>;

namespace {

Array<B> numbers(const Shape& shape, std::uint64_t stream) {
  Random random(5, stream);
  std::vector<double> v(std::size_t(shape.size()));
  for (auto& x : v) x = random.next_normal();
  return Array<B>(shape, v);
}

const auto x = numbers({20, 2}, 1), y = numbers({20, 1}, 2);
const auto model = mixture(experts<3>(Mlp<>{{2, 4, 1}}), gate::Softmax{}, flow::Identity{}, loss::mse + 0.1 * loss::router_z);

}  // namespace

TEST_CASE("a step's losses are means over the samples and its gradient is theirs") {
  Supervised problem(model, x, y);
  Array<B> gradient(problem.parameters.shape());
  const auto losses = problem.evaluate(Step{}, gradient);
  REQUIRE(losses.count() == 3);
  const auto guess = predict(model, problem.parameters, x);
  double mse = 0;
  for (Index i = 0; i < 20; ++i) mse += (guess.data()[i] - y.data()[i]) * (guess.data()[i] - y.data()[i]) / 20;
  CHECK(losses.name(1) == "mse");
  CHECK(losses.value(1) == doctest::Approx(mse).epsilon(1e-13));
  CHECK(losses.total() == doctest::Approx(losses.value(1) + 0.1 * losses.value(2)).epsilon(1e-13));
  for (Index i = 0; i < problem.parameters.size(); i += 7) {
    double& p = problem.parameters.data()[i];
    const double at = p, h = 1e-6;
    Array<B> ignored(gradient);
    p = at + h;
    const double up = problem.evaluate(Step{}, ignored).total();
    p = at - h;
    const double down = problem.evaluate(Step{}, ignored).total();
    p = at;
    CHECK(gradient.data()[i] == doctest::Approx((up - down) / (2 * h)).epsilon(1e-5));
  }
}

TEST_CASE("a batch is drawn by the step's random numbers alone") {
  Supervised problem(model, x, y, {.batch = 5});
  Array<B> a(problem.parameters.shape()), b(a), c(a);
  const Step one{.random = Random(1)}, two{.random = Random(2)};
  problem.evaluate(one, a);
  problem.evaluate(two, b);
  problem.evaluate(one, c);
  CHECK(to_host(a.tensor()) == to_host(c.tensor()));
  CHECK(to_host(a.tensor()) != to_host(b.tensor()));
  CHECK(problem.players(1e-2)[0].inner_steps == 4);
}

TEST_CASE("predictions of many samples are those of a few at a time") {
  const auto many = numbers({5000, 2}, 3);
  const auto p = model.initial<B>(Random(4));
  const auto all = predict(model, p, many);
  CHECK(all.shape() == Shape{5000, 1});
  for (Index at : {Index(0), Index(4090), Index(4999)}) {
    const auto alone = predict(model, p, Array<B>(many.tensor().rows(at, 1)));
    CHECK(all.data()[at] == doctest::Approx(alone.data()[0]).epsilon(1e-13));
  }
}

TEST_CASE("fit keeps the parameters that do best on other samples, if there are any") {
  const auto other_x = numbers({30, 2}, 6), other_y = numbers({30, 1}, 7);
  const auto run_of = [&](bool others) {
    Supervised problem(model, x, y, {.seed = 3});
    if (others) problem.validate_on(other_x, other_y);
    const auto run = fit(problem, problem.players(3e-2), {.iterations = 300, .validation_every = 5});
    return std::pair(run.best_validation, run.parameters_from);
  };
  const auto [own, from_own] = run_of(false);
  const auto [other, from_other] = run_of(true);
  CHECK(own < 0.3);            // noise, learnt by heart
  CHECK(other > 0.5);          // nothing to learn
  CHECK(from_other < from_own);
}

TEST_CASE("steps after the first allocate nothing") {
  const auto check = [](const auto& any) {
    Supervised problem(any, x, y, {.batch = 8});
    Array<B> gradient(problem.parameters.shape());
    for (Index i = 0; i < 2; ++i) problem.evaluate(Step{.count = i, .random = Random(std::uint64_t(i))}, gradient);
    const auto before = allocations(), capacity = problem.capacity();
    for (Index i = 2; i < 10; ++i) problem.evaluate(Step{.count = i, .random = Random(std::uint64_t(i))}, gradient);
    CHECK(allocations() == before);
    CHECK(problem.capacity() == capacity);
  };
  check(model);
  check(mixture(experts<3>(Mlp<>{{2, 4, 1}}), gate::Softmax{.top_k = 2, .noise = true}, flow::Identity{}, loss::mse));
  check(mixture(experts<3>(Mlp<>{{2, 4, 1}}), gate::Metric<>{.embedding = {4, 2}}, flow::Identity{},
                loss::mse + loss::triplet() + loss::prototype_separation() + loss::switch_balance + loss::consistency(-1)));
}

TEST_CASE("samples that do not fit are refused by name") {
  CHECK_THROWS_WITH_AS(Supervised(model, numbers({20, 3}, 1), y),
                       "the samples have shape [20, 3]; expected [samples, 2] with one sample at least", Error);
  CHECK_THROWS_WITH_AS(Supervised(model, x, numbers({19, 1}, 1)),
                       "the samples have shape [20, 2], their targets have shape [19, 1]; expected as many", Error);
  CHECK_THROWS_WITH_AS(Supervised(model, x, y, {.batch = 21}),
                       "Supervised: a batch of 21; expected 0 (all) to the number of samples, 20", Error);
  CHECK_THROWS_AS(Supervised(model, Array<B>(Shape{0, 2}), Array<B>(Shape{0, 1})), Error);
  CHECK_THROWS_AS(predict(model, model.initial<B>(Random(1)), numbers({4}, 1)), Error);
  Supervised problem(model, x, numbers({20, 2}, 1));
  Array<B> gradient(problem.parameters.shape());
  const char* differ = "the model predicts shape [20, 1], the targets have shape [20, 2]";
  CHECK_THROWS_WITH_AS(problem.evaluate(Step{}, gradient), differ, Error);
  CHECK_THROWS_WITH_AS(problem.validate(), differ, Error);
}
