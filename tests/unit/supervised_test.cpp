// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/expert/mlp.hpp>
#include <moesaic/flow/encoder.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/balance.hpp>
#include <moesaic/loss/consistency.hpp>
#include <moesaic/loss/metric_learning.hpp>
#include <moesaic/loss/prototypes.hpp>
#include <moesaic/loss/reconstruction.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/supervised.hpp>

#include "support/allocations.hpp"
#include "support/numbers.hpp"

namespace supervised_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

const auto x = numbers({20, 2}, 1), y = numbers({20, 1}, 2);
const auto model = mixture(experts<3>(Mlp<>{{2, 4, 1}}), gate::Softmax{}, flow::Identity{}, loss::mse + 0.1 * loss::router_z);

/// A linear map of two numbers to a forecast of one step and one variate.
struct Row {
  Mlp<> net{{2, 1}};
  Index inputs() const { return 2; }
  void layout(Layout& l) const { net.layout(l); }
  template <class X>
  X operator()(const X& parameters, const X& pairs) const { return reshape(net(parameters, pairs), {shape(pairs)[0], 1, 1}); }
};

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

TEST_CASE("a pass sees every sample once, in an order that depends on the seed and the pass alone") {
  Shuffle shuffle(20);
  const auto pass = [&](std::uint64_t seed, Index number) {
    std::vector<std::int32_t> all;
    for (Index first = 0; first < 20; first += 5) {
      std::vector<std::int32_t> batch(5);
      shuffle.draw(Random(seed), number, first, batch);
      all.insert(all.end(), batch.begin(), batch.end());
    }
    return all;
  };
  const auto first = pass(1, 0), second = pass(1, 1);
  CHECK(first != second);
  auto sorted = second;
  std::sort(sorted.begin(), sorted.end());
  for (std::int32_t i = 0; i < 20; ++i) CHECK(sorted[std::size_t(i)] == i);
  CHECK(pass(1, 0) == first);
  std::vector<std::int32_t> past_the_end(4);
  shuffle.draw(Random(1), 0, 18, past_the_end);
  CHECK(past_the_end == std::vector{first[18], first[19], first[0], first[1]});
}

TEST_CASE("a step takes the samples that its place in the pass gives it") {
  Supervised problem(model, x, y, {.batch = 5});
  Array<B> a(problem.parameters.shape()), b(a), c(a);
  const Step one{.inner = 0}, two{.inner = 1};
  problem.evaluate(one, a);
  problem.evaluate(two, b);
  problem.evaluate(one, c);
  CHECK(to_host(a.tensor()) == to_host(c.tensor()));
  CHECK(to_host(a.tensor()) != to_host(b.tensor()));
  CHECK(problem.players(1e-2)[0].inner_steps == 4);
}

TEST_CASE("windows of a series are its rows in order") {
  std::vector<double> rows;
  for (int t = 0; t < 10; ++t) rows.insert(rows.end(), {double(t), 100.0 + t});
  const Array<B> series({10, 2}, rows);
  const Windows<B> windows(series, 2, 7, 3, 2);
  REQUIRE(windows.size() == 3);
  const std::vector<std::int32_t> who{2, 0};
  const Batch<B> batch = windows.take(who);
  CHECK(batch.x.shape() == Shape{2, 6});
  CHECK(batch.y.shape() == Shape{2, 2, 2});
  CHECK(to_host(batch.x) == std::vector<double>{4, 104, 5, 105, 6, 106, 2, 102, 3, 103, 4, 104});
  CHECK(to_host(batch.y) == std::vector<double>{7, 107, 8, 108, 5, 105, 6, 106});
  CHECK(to_host(windows.range(0, 1).x) == std::vector<double>{2, 102, 3, 103, 4, 104});
  CHECK_THROWS_WITH_AS(Windows<B>(series, 0, 4, 3, 2), "Windows: 4 rows; a window of look-back 3 and horizon 2 takes 5", Error);
  CHECK_THROWS_WITH_AS(Windows<B>(series, 5, 6, 3, 2), "Windows: 6 rows from row 5 on, of a series of 10", Error);
}

TEST_CASE("a window's season is the cycle at the amplitude that its look-back shows") {
  // Variate 0 is 5 + 3 times its cycle, variate 1 has none.
  std::vector<double> rows, cycle;
  for (int t = 0; t < 12; ++t) {
    const double c = t % 3 - 1;
    rows.insert(rows.end(), {5 + 3 * c, double(t * t)});
    cycle.insert(cycle.end(), {c, 0});
  }
  const auto batch_of = [&](double shrinkage) {
    Windows<B> windows(Array<B>({12, 2}, rows), 0, 12, 6, 2);
    windows.take_out(Array<B>({12, 2}, cycle), shrinkage);
    const Batch<B> batch = windows.range(1, 1);
    return std::array{to_host(batch.x), to_host(batch.y), to_host(batch.season)};
  };
  const auto [x0, y0, season0] = batch_of(0);
  for (std::size_t t = 0; t < 6; ++t) {
    CHECK(x0[2 * t] == doctest::Approx(5).epsilon(1e-6));
    CHECK(x0[2 * t + 1] == double((t + 1) * (t + 1)));
  }
  CHECK(y0[0] == doctest::Approx(5).epsilon(1e-6));
  CHECK(y0[0] + season0[0] == doctest::Approx(rows[2 * 7]));
  CHECK(season0[1] == 0);
  const auto [x1, y1, season1] = batch_of(1);  // sum c^2 = 4 of the window, and as much again from the mean cycle
  CHECK(season1[0] == doctest::Approx(2 * cycle[2 * 7]).epsilon(1e-6));
  const auto [x2, y2, season2] = batch_of(1e9);
  CHECK(season2[0] == doctest::Approx(cycle[2 * 7]).epsilon(1e-6));
  CHECK(x2[0] == doctest::Approx(rows[2] - cycle[2]).epsilon(1e-6));
  Windows<B> windows(Array<B>({12, 2}, rows), 0, 12, 6, 2);
  const auto [x3, y3, season3] = batch_of(std::numeric_limits<double>::infinity());
  CHECK(season3[0] == doctest::Approx(cycle[2 * 7]).epsilon(1e-6));
  rows[5] = std::nan("");
  CHECK_THROWS_WITH_AS(Windows<B>(Array<B>({12, 2}, rows), 0, 12, 6, 2), "Windows: row 2, column 1 of the series is nan; expected a finite number",
                       Error);
  CHECK_THROWS_WITH_AS(windows.take_out(Array<B>({12, 2}, rows), 1), "Windows: row 2, column 1 of the cycle is nan; expected a finite number",
                       Error);
  CHECK_THROWS_WITH_AS(windows.take_out(Array<B>({11, 2}), 1), "Windows: a cycle of shape [11, 2] for a series of shape [12, 2]", Error);
}

TEST_CASE("a model learns from windows what it learns from the same samples") {
  const auto series = numbers({30, 1}, 8);
  const Windows<B> windows(series, 0, 30, 2, 1);
  std::vector<double> left, right;
  for (Index i = 0; i < windows.size(); ++i) {
    left.insert(left.end(), series.data() + i, series.data() + i + 2);
    right.push_back(series.data()[i + 2]);
  }
  const auto flat = mixture(experts<2>(Row{}), gate::Softmax{}, flow::Identity{}, loss::mse + 0.1 * loss::router_z);
  const SupervisedOptions options{.batch = 7, .validate_by = "mse"};
  Supervised cut(flat, windows, options);
  Supervised whole(flat, Array<B>({28, 2}, left), Array<B>({28, 1, 1}, right), options);
  const auto a = fit(cut, cut.players(1e-2), {.iterations = 4}), b = fit(whole, whole.players(1e-2), {.iterations = 4});
  CHECK(to_host(a.parameters[0].tensor()) == to_host(b.parameters[0].tensor()));
  CHECK(a.best_validation == b.best_validation);
  double mse = 0;
  for_each_outcome(flat, a.parameters[0], windows, [&](Index first, const Batch<B>&, const Outcome<Tensor<B>>& part) {
    for (Index i = 0; i < part.prediction.size(); ++i) {
      const double error = part.prediction.data()[i] - right[std::size_t(first + i)];
      mse += error * error / 28;
    }
  });
  CHECK(mse == doctest::Approx(a.best_validation).epsilon(1e-12));
  Supervised odd(flat, windows, {.validate_by = "mae"});
  CHECK_THROWS_WITH_AS(odd.validate(), "Supervised: validate_by is \"mae\", which is no term of the loss", Error);
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

TEST_CASE("behind an encoder the gate sees the code, the experts the samples") {
  const flow::Encoder<> encoder{.features = 2, .flow = {.features = 4, .couplings = 2, .hidden = {4}}, .hidden = {3}};
  const Mlp<> expert{{2, 4, 1}};
  const auto encoded = mixture(experts<1>(expert), gate::Metric<>{.embedding = {2}}, encoder, loss::mse + 0.1 * loss::nll + loss::reconstruction);
  CHECK(encoded.gate_features() == 4);
  const auto p = encoded.initial<B>(Random(1));
  const auto own = view(p.tensor(), 0, {encoded.expert_size});
  CHECK(to_host(predict(encoded, p, x).tensor()) == to_host(expert(own, x.tensor())));
  Supervised problem(encoded, x, y, {.batch = 5});
  const double before = problem.validate();
  CHECK(fit(problem, problem.players(1e-2), {.iterations = 50}).best_validation < before);
  CHECK_THROWS_WITH_AS(mixture(experts<1>(Mlp<>{{3, 1}}), gate::Metric<>{}, encoder, loss::mse),
                       "mixture: the flow encodes samples of 2 features, the experts take 3", Error);
}

TEST_CASE("a loss term of weight 0 is left out") {
  const auto trained = [](const auto& any) {
    Supervised problem(any, x, y, {.batch = 5});
    Array<B> gradient(problem.parameters.shape());
    const Losses losses = problem.evaluate(Step{}, gradient);
    return std::pair(losses.count(), to_host(gradient.tensor()));
  };
  const auto of = [](const auto& loss) { return mixture(experts<3>(Mlp<>{{2, 4, 1}}), gate::Softmax{}, flow::Identity{}, loss); };
  CHECK(trained(of(loss::mse + 0 * loss::router_z)) == std::pair(2, trained(of(loss::mse)).second));
  CHECK(trained(of(0 * loss::router_z + loss::mse)) == std::pair(2, trained(of(loss::mse)).second));
  CHECK_THROWS_WITH_AS(of(0 * loss::mse), "mixture: all terms of the loss have weight 0", Error);
}

TEST_CASE("frozen parameters stand still, the others learn") {
  const auto start = Supervised(model, x, y).parameters;
  Supervised problem(model, x, y, {.frozen = {{0, 3}, {10, 2}}});
  fit(problem, problem.players(1e-2, AdamW{.weight_decay = 1}), {.iterations = 5});
  for (Index i = 0; i < start.size(); ++i) {
    const bool frozen = i < 3 || i == 10 || i == 11;
    CHECK((problem.parameters.data()[i] == start.data()[i]) == frozen);
  }
  CHECK_THROWS_WITH_AS(Supervised(model, x, y, {.frozen = {{0, 1000}}}),
                       ("Supervised: frozen parameters 0 .. 1000 of " + std::to_string(start.size())).c_str(), Error);
}

TEST_CASE("a scheduled temperature is that of the step, and the rest of the gate learns") {
  const auto annealed = mixture(experts<3>(Mlp<>{{2, 4, 1}}), gate::Metric<>{.embedding = {2}, .learn_temperature = true}, flow::Identity{}, loss::mse);
  const Layout layout = layout_of(annealed);
  Index at = 0;
  for (const auto& entry : layout.entries())
    if (entry.name == "gate.log_temperature") at = entry.offset;
  Supervised problem(annealed, x, y, {.batch = 5, .temperature = schedule::Exponential{2, 0.9}});
  CHECK(problem.parameters.data()[at] == doctest::Approx(std::log(2)));
  const double prototype = problem.parameters.data()[annealed.gate_offset() + 6];
  fit(problem, problem.players(1e-2), {.iterations = 2});
  problem.evaluate(Step{.inner = 1, .outer = 2}, Array<B>(problem.parameters.shape()));
  CHECK(problem.parameters.data()[at] == doctest::Approx(std::log(2) + double(2 * problem.steps() + 1) * std::log(0.9)));
  CHECK(problem.parameters.data()[annealed.gate_offset() + 6] != prototype);
  CHECK_THROWS_WITH_AS(Supervised(model, x, y, {.temperature = 1.0}),
                       "Supervised: a schedule of the temperature, but the gate has none that is a parameter (learn_temperature)", Error);
  CHECK_THROWS_WITH_AS(Supervised(annealed, x, y, {.temperature = 0.0}), "Supervised: the schedule gives a temperature of 0 at step 0", Error);
}

TEST_CASE("a learned weight settles where sigma^2 is twice its loss") {
  const auto weighed = mixture(experts<1>(Mlp<>{{2, 1}}), gate::Softmax{}, flow::Identity{}, loss::learned(loss::mse));
  Supervised problem(weighed, x, y);
  fit(problem, problem.players(schedule::Cosine{5e-2, 1500}), {.iterations = 1500});
  Array<B> gradient(problem.parameters.shape());
  const double mse = problem.evaluate(Step{}, gradient).value(1);
  CHECK(std::exp(2 * problem.parameters.data()[weighed.loss_offset()]) == doctest::Approx(2 * mse).epsilon(1e-3));
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
  const std::string size = std::to_string(layout_of(model).size());
  CHECK_THROWS_WITH_AS(predict(model, Array<B>({3}), x), ("the model has " + size + " parameters; there are 3").c_str(), Error);
  auto broken = x;
  broken.data()[2 * 7 + 1] = std::nan("");
  CHECK_THROWS_WITH_AS(Supervised(model, broken, y), "the samples are not all finite: number 1 of sample 7 is nan", Error);
  Supervised other(model, x, y);
  CHECK_THROWS_WITH_AS(other.validate_on(broken, y), "the validation samples are not all finite: number 1 of sample 7 is nan", Error);
  Supervised problem(model, x, numbers({20, 2}, 1));
  Array<B> gradient(problem.parameters.shape());
  const char* differ = "the model predicts shape [20, 1], the targets have shape [20, 2]";
  CHECK_THROWS_WITH_AS(problem.evaluate(Step{}, gradient), differ, Error);
  CHECK_THROWS_WITH_AS(problem.validate(), differ, Error);
}

}  // namespace supervised_test
