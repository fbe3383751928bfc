// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <string>

#include <moesaic/ode/tsit5.hpp>
#include <moesaic/train/supervised.hpp>

#include "both.hpp"
#include "mixer_cases.hpp"

namespace recorded_test {

using namespace thrust_test;
using B = Thrust<double>;

std::int64_t waits() { return device::Traffic::own().waits; }

TEST_CASE("a record does nothing until it is done again, and then what was asked for, as often as one likes") {
  const Array<B> x(Shape{2, 3}, std::vector<double>{1, 2, 3, 4, 5, 6}), w(Shape{3, 1}, std::vector<double>{1, -1, 2}), sum(Shape{2, 1});
  Array<B> copied(Shape{2, 1});
  const auto work = [&] {
    const Scratch<B::Memory> scratch;
    add_in_place(sum.tensor(), matmul(x.tensor(), w.tensor()));
    B::copy(copied, sum);
  };
  work();  // memory first
  CHECK(to_host(sum.tensor()) == std::vector<double>{5, 11});
  const B::Graph graph(work);
  CHECK(to_host(sum.tensor()) == std::vector<double>{5, 11});
  const auto before = device::Traffic::own().replays;
  graph.replay();
  graph.replay();
  CHECK(device::Traffic::own().replays - before == 2);
  CHECK(to_host(sum.tensor()) == std::vector<double>{15, 33});
  CHECK(to_host(copied.tensor()) == std::vector<double>{15, 33});
}

TEST_CASE("work that waits for the device or asks for memory cannot be recorded, and says so") {
  const Array<B> x(Shape{3});
  CHECK(message([&] { B::Graph([&] { to_host(x.tensor()); }); }).find("between the device and the host") != std::string::npos);
  CHECK(message([&] { B::Graph([&] { Array<B>(Shape{3}); }); }).find("asks for memory") != std::string::npos);
  CHECK_FALSE(B::Graph::recording());
  CHECK(to_host(x.tensor()) == std::vector<double>{0, 0, 0});
}

/// What a run has to do with the device.
template <class Model>
device::Traffic traffic_of(const Model& model, Index iterations, const EnvironmentOptions& options) {
  const EnvironmentData<B> data(two_kinds());
  EnvironmentTraining<B, Model> training(model, data, options);
  const auto players = training.players(0.01, 0.02, 5);
  const device::Traffic before = device::Traffic::own();
  const auto run = fit(training, std::span<const Player<B>>(players), {.iterations = iterations, .clip = {.norm = 0.5}, .seed = 1});
  const auto total = run.history.values("weights.total");
  CHECK(total.back() < total.front());
  device::Traffic spent = device::Traffic::own();
  spent.waits -= before.waits, spent.replays -= before.replays;
  return spent;
}
/// Waits in a turn of five steps, from the fourth iteration on.
template <class Model>
double waits_in_a_turn(const Model& model, const EnvironmentOptions& options = {.seed = 3}) {
  return double(traffic_of(model, 6, options).waits - traffic_of(model, 4, options).waits) / (2 * 2);
}
template <class Model>
void check_recorded(const Model& model, const EnvironmentOptions& options = {.seed = 3}) {
  CHECK(waits_in_a_turn(model, options) == 1);
  CHECK(traffic_of(model, 6, options).replays == 6 * 2 * 5 - 2);  // all steps but the first of each player
}

TEST_CASE("steps of MixER are recorded, and the host waits for the device once in a turn of five") {
  const gate::KMeansLeastSquares seldom{.refit_every = 1000};
  const auto coda = model_of(Coda<>{}, seldom);
  check_recorded(coda);
  check_recorded(coda, {.contributors = 5, .seed = 3});
  check_recorded(coda, {.contributors = 5, .draw = Draw::neighbours, .reweighting = Reweighting::softmax, .seed = 3});
  check_recorded(model_of(Geps<>{}, gate::Softmax{.top_k = 1, .renormalise = false}, 0, false));
  for (const Pool pool : {Pool::nearest, Pool::nearest_others, Pool::random, Pool::smallest})
    check_recorded(model_of(Coda<>{}, seldom, 1), {.pool_size = 2, .pool = pool, .seed = 3});
}

TEST_CASE("a run that diverges among neighbours and pools ends with an error that says where") {
  const EnvironmentData<B> data(two_kinds());
  const auto model = model_of(Coda<>{}, gate::KMeansLeastSquares{.refit_every = 1000}, 1);
  for (const Pool pool : {Pool::nearest_others, Pool::smallest}) {
    EnvironmentTraining<B, std::remove_cvref_t<decltype(model)>> training(
        model, data, {.contributors = 4, .draw = Draw::neighbours, .pool_size = 2, .pool = pool, .seed = 3});
    const auto players = training.players(0.01, 1e200, 5);
    const auto what = message([&] { fit(training, std::span<const Player<B>>(players), {.iterations = 4, .seed = 1}); });
    CHECK_MESSAGE(what.find("in one of the last") != std::string::npos, what);
  }
}

/// Kernels of a step for every evaluation of the field, the mean of both players.
template <class Field>
double kernels_of(const std::string& name, const Field& field) {
  const EnvironmentData<B> data(two_kinds());
  const auto model = model_of(field, gate::KMeansLeastSquares{.refit_every = 1000});
  EnvironmentTraining<B, std::remove_cvref_t<decltype(model)>> training(model, data, {.seed = 3});
  const auto players = training.players(0.01, 0.02, 1);
  const auto before = device::Traffic::own().calls;
  fit(training, std::span<const Player<B>>(players), {.iterations = 1, .seed = 1});
  const double evaluations = 4 * 2 * 6;  // stages, steps from one time to the next, times
  const double each = double(device::Traffic::own().calls - before) / 2 / evaluations;
  MESSAGE(name << ": " << each << " kernels of a step for each of " << evaluations << " evaluations of the field");
  return each;
}

TEST_CASE("a step starts few kernels") {
  CHECK(kernels_of("CoDA", Coda<>{}) < 16);
  ThreeNetworks<> three_networks;
  three_networks.interface = 4;
  CHECK(kernels_of("three networks", three_networks) < 28);
}

TEST_CASE("a mixture of all experts on batches of samples is recorded, too") {
  const auto x = numbers({30, 2}, 1), y = numbers({30, 1}, 2);
  const Array<B> xs({30, 2}, to_host(x.tensor())), ys({30, 1}, to_host(y.tensor()));
  const auto waits_with = [&](int top_k, Index iterations) {
    const auto model = mixture(experts<3>(Mlp<>{{2, 4, 1}}), gate::Softmax{.top_k = top_k}, flow::Identity{}, loss::mse + 0.1 * loss::router_z);
    Supervised problem(model, xs, ys, {.batch = 6, .seed = 5});
    const auto before = waits();
    const auto run = fit(problem, problem.players(1e-2), {.iterations = iterations, .validation_every = 1000});
    const auto on_device = waits() - before;
    Supervised host(model, x, y, {.batch = 6, .seed = 5});
    const auto judge = fit(host, host.players(1e-2), {.iterations = iterations, .validation_every = 1000});
    CHECK(relative(judge.history.values("total"), run.history.values("total")) < 1e-12);
    CHECK(difference(host.parameters.tensor(), problem.parameters.tensor()) < 1e-12);
    return on_device;
  };
  CHECK(waits_with(0, 8) - waits_with(0, 5) == 3);  // once in an iteration of five steps
  CHECK(waits_with(1, 8) - waits_with(1, 5) > 3 * 5);  // experts get the samples that the host chooses
}

TEST_CASE("an expert that has to wait for the device is trained all the same") {
  Coda<> field{{.state = 2, .context = 2, .width = 6, .depth = 2}};
  auto bank = experts(2, ContextFlow<Coda<>, ode::Tsit5>{.field = field, .solver = {.control = ode::Adaptive{.relative = 1e-3}}});
  bank.same_start = true;
  const auto model = mixture(bank, gate::KMeansLeastSquares{.refit_every = 1000}, flow::Identity{}, loss::relative(0.3));
  CHECK(waits_in_a_turn(model) > 5);
}

TEST_CASE("a loss that is not finite ends the run with an error that names it, and the best parameters so far") {
  const auto model = model_of(Coda<>{}, gate::KMeansLeastSquares{.refit_every = 1});
  const EnvironmentData<B> data(two_kinds());
  EnvironmentTraining<B, std::remove_cvref_t<decltype(model)>> training(model, data, {.seed = 3});
  const auto first = on_host(training.parameters);
  SUBCASE("in the first turn, where the best are the first") {
    const auto players = training.players(0.01, 1e200, 3);
    CHECK_THROWS_AS(fit(training, std::span<const Player<B>>(players), {.iterations = 8, .seed = 1}), FitError<B>);
    CHECK(on_host(training.parameters) == first);
    for (const double x : on_host(training.contexts)) CHECK(x == 0);
  }
  SUBCASE("later") {
    const auto players = training.players(schedule::Stepwise{.rate = 0.01, .factor = 1e200, .boundaries = {4}}, 0.02, 3);
    try {
      fit(training, std::span<const Player<B>>(players), {.iterations = 8, .seed = 1});
      FAIL("expected an error");
    } catch (const FitError<B>& e) {
      const std::string what = e.what();
      CAPTURE(what);
      CHECK(what.find("player \"weights\"") != std::string::npos);
      CHECK(what.find("the loss term") != std::string::npos);
      CHECK(what.find("in one of the last") != std::string::npos);
      CHECK(e.run->parameters_from == 1);
    }
    CHECK(on_host(training.parameters) != first);
    for (const double x : on_host(training.parameters)) CHECK(std::isfinite(x));
  }
}

template <class D, class T = typename D::Scalar>
Array<D> samples(Index columns, std::uint64_t seed) {
  const auto x = to_host(numbers({30, columns}, seed).tensor());
  return Array<D>({30, columns}, std::vector<T>(x.begin(), x.end()));
}
template <class D>
std::vector<double> clipped(const Clip& clip, double weight) {
  const auto model = mixture(experts<2>(Mlp<>{{2, 4, 1}}), gate::Softmax{}, flow::Identity{}, weight * loss::mse);
  Supervised problem(model, samples<D>(2, 1), samples<D>(1, 2));
  fit(problem, problem.players(1e-2, Sgd{}), {.iterations = 5, .clip = clip});
  return on_host(problem.parameters);
}

TEST_CASE("gradients are clipped as by the CPU, also those whose squares leave the range of the numbers") {
  for (const Clip clip : {Clip{.norm = 1e-3}, Clip{.value = 1e-4}, Clip{.value = 0.05, .norm = 0.1}}) {
    CHECK(relative(clipped<Cpu<double>>(clip, 1), clipped<B>(clip, 1)) < 1e-12);
    CHECK(relative(clipped<Cpu<float>>(clip, 1e25), clipped<Thrust<float>>(clip, 1e25)) < 1e-5);
  }
  CHECK(message([] { clipped<B>({.norm = -1}, 1); }).find("expected positive numbers") != std::string::npos);
}

}  // namespace recorded_test
