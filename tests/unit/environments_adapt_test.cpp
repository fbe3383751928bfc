// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>

#include <doctest/doctest.h>

#include <moesaic/core/parallel.hpp>
#include <moesaic/data/metrics.hpp>
#include <moesaic/train/adapt.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/pool_ensemble.hpp>
#include <moesaic/train/predict_environments.hpp>

#include "support/mixer_support.hpp"

namespace environments_adapt_test {

using namespace mixer_test;
using B = Cpu<double>;

const std::vector<double> spiral{-0.5, 1.5, -1.5, -0.5}, saddle{0.4, 0, 0, -1};

/// Two experts that know the matrix of their kind, and a gate that chooses expert 0 wherever the context's first number is not
/// far above 0.
struct Known {
  decltype(contextual(2, LinearField{}, gate::KMeansLeastSquares{}, loss::mse)) model =
      contextual(2, LinearField{}, gate::KMeansLeastSquares{}, loss::mse);
  Array<B> parameters = model.initial<B>(Random(1));

  Known() {
    B::fill(parameters, 0.0);
    std::copy_n(saddle.data(), 4, parameters.data() + 1);  // after the shift
    std::copy_n(spiral.data(), 4, parameters.data() + model.expert_size + 1);
    const auto gate = view(parameters.tensor(), model.gate_offset(), {5, 2});
    gate.data()[0 * 2 + 1] = 1;
    gate.data()[4 * 2 + 0] = 100;
  }
};

/// New environments: three of expert 1's kind, two of expert 0's.
data::Trajectories new_environments(Index points = 6) {
  return linear_systems({spiral, spiral, saddle, spiral, saddle}, {{0.3, -0.2}, {0.5, 0.1}, {-0.4, 0.2}, {0, 0.6}, {0.1, 0.1}}, 2,
                        points);
}

struct Found {
  std::vector<double> contexts, loss;
  std::vector<Index> expert;
  bool operator==(const Found&) const = default;
};
Found found(const Known& known, const data::Trajectories& set, ExpertSearch search, Index steps = 150, Index part_size = 8) {
  const auto a = adapt(known.model, known.parameters.tensor(), EnvironmentData<B>(set),
                       {.steps = steps, .rate = 0.02, .search = search, .part_size = part_size});
  return {to_host(a.contexts.tensor()), a.loss, a.expert};
}

TEST_CASE("where the gate is wrong at context 0, the search finds the right expert and a smaller loss") {
  const Known known;
  const auto before = to_host(known.parameters.tensor());
  const auto set = new_environments();
  const auto gate = found(known, set, ExpertSearch::gate), all = found(known, set, ExpertSearch::all);
  CHECK(to_host(known.parameters.tensor()) == before);
  CHECK(gate.expert == std::vector<Index>{0, 0, 0, 0, 0});
  CHECK(all.expert == std::vector<Index>{1, 1, 0, 1, 0});
  for (std::size_t e = 0; e < 5; ++e) {
    CHECK(all.loss[e] <= gate.loss[e]);
    CHECK(all.loss[e] < 1e-4);
    if (all.expert[e] == 1) CHECK(gate.loss[e] > 1e-2);
  }
  // The right expert's part of the context is the force, the other's stays 0.
  const std::vector<double> force{0.3, -0.2, 0.5, 0.1, -0.4, 0.2, 0, 0.6, 0.1, 0.1};
  for (std::size_t e = 0; e < 5; ++e)
    for (std::size_t i = 0; i < 2; ++i) {
      const auto own = std::size_t(all.expert[e]);
      CHECK(all.contexts[4 * e + 2 * own + i] == doctest::Approx(force[2 * e + i]).epsilon(0.05).scale(1));
      CHECK(all.contexts[4 * e + 2 * (1 - own) + i] == 0);
    }
}

TEST_CASE("an environment starts from the known context that fits it best, or from 0") {
  const Known known;
  const EnvironmentData<B> data(new_environments());
  // The gate hands the first two to expert 0, the others, far along their first number, to expert 1.
  const Array<B> contexts({4, 4}, std::vector<double>{-0.39, 0.2, 9, 9, 0.9, 0.9, 9, 9, 200, 0, 0.3, -0.2, 300, 0, 0.8, 0.8});
  const auto adapted = [&](ExpertSearch search, const Tensor<B>& from) {
    const AdaptOptions still{.steps = 1, .rate = 1e-9, .search = search};
    const auto a = adapt(known.model, known.parameters.tensor(), data, still, from);
    return Found{to_host(a.contexts.tensor()), a.loss, a.expert};
  };
  const auto all = adapted(ExpertSearch::all, contexts), gate = adapted(ExpertSearch::gate, contexts);
  // Environment 0 has the force of row 2, environment 2 nearly that of row 0, environment 3, (0, 0.6), is nearest to none.
  for (const auto* found : {&all, &gate}) {
    CHECK(found->expert[0] == 1);
    CHECK(found->contexts[2] == doctest::Approx(0.3).epsilon(1e-6));
    CHECK(found->contexts[3] == doctest::Approx(-0.2).epsilon(1e-6));
    CHECK(found->loss[0] < 1e-6);
    CHECK(found->expert[2] == 0);
    CHECK(found->contexts[8] == doctest::Approx(-0.39).epsilon(1e-6));
  }
  CHECK(all.expert[3] == 1);
  CHECK(std::abs(all.contexts[14]) + std::abs(all.contexts[15]) < 1e-6);
  const auto from_zero = adapted(ExpertSearch::all, {});
  for (std::size_t e = 0; e < 5; ++e) CHECK(all.loss[e] <= from_zero.loss[e] + 1e-9);
  CHECK(from_zero.loss[0] > 1e-3);

  CHECK_THROWS_WITH_AS(adapted(ExpertSearch::all, Array<B>({3, 2})),
                       "adapt: known contexts of shape [3, 2]; expected rows of 4", Error);
}

TEST_CASE("contexts may start from numbers drawn from N(0, 1)") {
  const Known known;
  std::vector<std::vector<double>> matrix(400, spiral), force(400, {0.0, 0.0});
  const EnvironmentData<B> data(linear_systems(matrix, force, 1, 2));
  const auto started = [&](ExpertSearch search, std::uint64_t seed) {
    const auto a = adapt(known.model, known.parameters.tensor(), data,
                         {.steps = 1, .rate = 1e-12, .search = search, .start = ContextStart::normal, .seed = seed});
    return to_host(a.contexts.tensor());
  };
  const auto x = started(ExpertSearch::gate, 3), all = started(ExpertSearch::all, 3);
  double sum = 0, squares = 0, products = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(all[i] == doctest::Approx(x[i]).epsilon(1e-9));
    sum += x[i];
    squares += x[i] * x[i];
    if (i >= 4) products += x[i] * x[i - 4];  // with the environment before
  }
  CHECK(std::abs(sum / 1600) < 4.0 / 40);  // four standard deviations
  CHECK(std::abs(squares / 1600 - 1) < 4 * std::sqrt(2.0) / 40);
  CHECK(std::abs(products / 1596) < 4.0 / 40);
  CHECK(started(ExpertSearch::gate, 4) != x);

  const Array<B> contexts(Shape{1, 4});
  CHECK(message_of([&] {
          adapt(known.model, known.parameters.tensor(), data, {.steps = 1, .start = ContextStart::normal}, contexts.tensor());
        }) == "adapt: contexts start from known ones or are drawn from N(0, 1); expected one of both");
}

TEST_CASE("environments adapted together are the same as one at a time, and on any number of threads") {
  const Known known;
  const auto set = new_environments();
  for (auto search : {ExpertSearch::gate, ExpertSearch::all}) {
    const auto together = found(known, set, search, 30, 1), in_parts = found(known, set, search, 30);
    for (Index e = 0; e < 5; ++e) {
      const auto alone = found(known, data::select(set, std::vector<Index>{e}), search, 30);
      const auto n = std::size_t(e);
      CHECK(alone.loss[0] == together.loss[n]);  // bit for bit
      CHECK(alone.expert[0] == together.expert[n]);
      CHECK(std::equal(alone.contexts.begin(), alone.contexts.end(), together.contexts.begin() + 4 * e));
      CHECK(alone.loss[0] == doctest::Approx(in_parts.loss[n]).epsilon(1e-10));
    }
#ifdef _OPENMP
    const int before = thread_count();
    for (int threads : {1, 2, 3}) {
      set_thread_count(threads);
      CHECK(found(known, set, search, 30) == in_parts);
    }
    set_thread_count(before);
#endif
  }
}

TEST_CASE("an expert that diverges on a new environment does not stop the others") {
  Known known;
  std::fill_n(known.parameters.data() + 1, 4, 1e200);
  const auto set = new_environments();
  const auto all = found(known, set, ExpertSearch::all);
  CHECK(all.expert == std::vector<Index>{1, 1, 1, 1, 1});
  CHECK(all.loss[0] < 1e-4);
  for (double l : all.loss) CHECK(std::isfinite(l));
  for (double c : all.contexts) CHECK(std::isfinite(c));
  // The gate insists on the expert that diverges.
  const auto gate = found(known, set, ExpertSearch::gate);
  for (double l : gate.loss) CHECK(l == std::numeric_limits<double>::infinity());
  CHECK(gate.expert == std::vector<Index>{0, 0, 0, 0, 0});
  for (double c : gate.contexts) CHECK(c == 0);
  // Also where it is not the first.
  std::fill_n(known.parameters.data() + known.model.expert_size + 1, 4, 1e200);
  view(known.parameters.tensor(), known.model.gate_offset(), {5, 2}).data()[4 * 2 + 1] = 200;
  CHECK(found(known, set, ExpertSearch::gate).expert == std::vector<Index>{1, 1, 1, 1, 1});
}

TEST_CASE("the generating field predicts its trajectories at any times, and scores them right") {
  Known known;
  for (Index k : {0, 1}) known.parameters.data()[k * known.model.expert_size] = 0.25;  // a shift, which the contexts take back
  const auto set = new_environments(21);
  const EnvironmentData<B> data(set);
  const std::vector<double> force{0.3, -0.2, 0.5, 0.1, -0.4, 0.2, 0, 0.6, 0.1, 0.1};
  const std::vector<Index> expert{1, 1, 0, 1, 0};
  Array<B> contexts(Shape{5, 4});
  std::vector<Solve> solves;
  for (Index e = 0; e < 5; ++e) {
    solves.push_back({e, e, e, expert[std::size_t(e)], 1});
    for (Index i = 0; i < 2; ++i) contexts.data()[4 * e + 2 * expert[std::size_t(e)] + i] = force[std::size_t(2 * e + i)] - 0.25;
  }
  Array<B> by_solve(set.states.shape()), predicted(set.states.shape());
  EnvironmentStep<B, decltype(known.model)> step(known.model, 2);
  step.predict(solves, data, known.parameters, contexts, by_solve.data());
  for (std::size_t i = 0; i < 5; ++i)
    B::copy(predicted.tensor().rows(solves[i].environment, 1), by_solve.tensor().rows(Index(i), 1));
  for (Index i = 0; i < predicted.size(); ++i) CHECK(std::abs(predicted.data()[i] - set.states.data()[i]) < 5e-7);  // of RK4 with steps of 0.05

  // The loss of a step is the squared error of its prediction.
  contexts.data()[0] += 0.5;
  contexts.data()[2] += 0.5;
  step.predict(solves, data, known.parameters, contexts, by_solve.data());
  std::vector<double> losses(5);
  step(solves, data, known.parameters, contexts, EnvironmentStep<B, decltype(known.model)>::Wanted::nothing, {}, losses);
  for (std::size_t i = 0; i < 5; ++i) {
    B::copy(predicted.tensor().rows(solves[i].environment, 1), by_solve.tensor().rows(Index(i), 1));
  }
  const auto score = data::squared_error(predicted.tensor(), set.states.tensor());
  for (std::size_t i = 0; i < 5; ++i) CHECK(losses[i] == doctest::Approx(score[std::size_t(solves[i].environment)]).epsilon(1e-10));
  CHECK(score[0] > 1e-3);
}

TEST_CASE("an ensemble's members are what an environment is expanded about: they agree where the expansion is exact") {
  Known known;
  const std::vector<std::vector<double>> force{{0.3, -0.2}, {0.5, 0.1}, {-0.4, 0.2}, {0, 0.6}};
  const EnvironmentData<B> data(linear_systems({spiral, spiral, spiral, spiral}, force, 2, 5));
  Array<B> contexts(Shape{4, 4});
  for (Index e = 0; e < 4; ++e) std::copy_n(force[std::size_t(e)].data(), 2, contexts.data() + 4 * e + 2);
  std::vector<Index> expert(4, 1);
  const auto ensemble = [&](const Array<B>& pool, Index members) {
    return predict_ensemble(known.model, data, known.parameters.tensor(), contexts.tensor(), pool.tensor(), expert, members);
  };
  const auto plain = [&](const std::vector<Index>& rows) {  // every environment with the context of another
    Array<B> moved(contexts.shape());
    for (Index e = 0; e < 4; ++e) B::copy(moved.tensor().rows(e, 1), contexts.tensor().rows(rows[std::size_t(e)], 1));
    return predict(known.model, data, known.parameters.tensor(), moved.tensor(), expert);
  };
  const auto own = plain({0, 1, 2, 3}), other = plain({1, 0, 3, 2});  // itself, and the nearest beside it

  known.model.experts.prototype.taylor = 1;  // the field is linear in its context
  const auto exact = ensemble(contexts, 4);
  REQUIRE(exact.mean.shape() == own.shape());
  REQUIRE(exact.deviation.shape() == own.shape());
  for (Index i = 0; i < own.size(); ++i) {
    CHECK(exact.mean.data()[i] == doctest::Approx(own.data()[i]).epsilon(1e-12));
    CHECK(exact.deviation.data()[i] < 1e-12);
  }

  known.model.experts.prototype.taylor = 0;  // members predict with their own contexts
  const auto two = ensemble(contexts, 2), one = ensemble(contexts, 1);
  double largest = 0;
  for (Index i = 0; i < own.size(); ++i) {
    const double a = own.data()[i], b = other.data()[i];
    CHECK(two.mean.data()[i] == doctest::Approx((a + b) / 2).epsilon(1e-12));
    CHECK(two.deviation.data()[i] == doctest::Approx(std::abs(a - b) / 2).epsilon(1e-10));
    CHECK(one.mean.data()[i] == a);
    CHECK(one.deviation.data()[i] == 0);
    largest = std::max(largest, two.deviation.data()[i]);
  }
  CHECK(largest > 0.05);

  // A member that diverges leaves nothing to say about those that it belongs to.
  std::fill_n(known.parameters.data() + 1, 4, 1e200);
  expert[3] = 0;
  const auto broken = ensemble(contexts, 2);
  const Index each = own.size() / 4;
  for (Index e = 0; e < 4; ++e)
    for (Index i = 0; i < each; ++i) {
      CHECK(std::isfinite(broken.mean.data()[e * each + i]) == (e < 2));
      CHECK(std::isfinite(broken.deviation.data()[e * each + i]) == (e < 2));
    }

  CHECK(message_of([&] { ensemble(contexts, 5); }) == "predict_ensemble: 5 members; expected 1 to the size of the pool, 4");
  CHECK(message_of([&] { ensemble(contexts, 0); }) == "predict_ensemble: 0 members; expected 1 to the size of the pool, 4");
  CHECK(message_of([&] { ensemble(Array<B>(Shape{3, 4}), 1); }) ==
        "predict_ensemble: a pool of shape [3, 4] for 4 experts; expected [4, 4]");
  contexts = Array<B>(Shape{5, 4});
  CHECK(message_of([&] { ensemble(Array<B>(Shape{4, 4}), 1); }) ==
        "predict_ensemble: contexts of shape [5, 4]; expected [4, 4]");
}

TEST_CASE("what cannot be adapted to is refused in words") {
  const Known known;
  const auto refusal = [&](const EnvironmentData<B>& data) {
    return message_of([&] { adapt(known.model, known.parameters.tensor(), data, {.steps = 1}); });
  };
  CHECK(refusal({}) == "adapt: no environments");
  CHECK(refusal(EnvironmentData<B>(waves(2, 1, 3, 3))).find("the data have 3 states, the expert has 2") != std::string::npos);
}

}  // namespace environments_adapt_test
