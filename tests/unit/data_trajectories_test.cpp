// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <limits>

#include <moesaic/data/compute.hpp>
#include <moesaic/data/environments.hpp>

namespace data_trajectories_test {

using namespace moesaic;

Array<Cpu<double>> numbers(const Shape& shape) {
  Array<Cpu<double>> out(shape);
  for (Index i = 0; i < out.size(); ++i) out.data()[i] = 0.5 * double(i);
  return out;
}
data::Trajectories own() { return data::measured(numbers({3, 2, 4, 2}), numbers({4}), "own"); }

TEST_CASE("measured trajectories: shared times or one grid an environment") {
  const auto shared = own();
  CHECK(shared.environments() == 3);
  CHECK(shared.trajectories() == 2);
  CHECK(shared.points() == 4);
  CHECK(shared.dimension() == 2);
  CHECK(shared.grid(2)[3] == 1.5);
  CHECK(shared.end[2] == 1.5);
  CHECK(shared.trajectory(1, 1)[0] == 0.5 * 24);
  CHECK(shared.families[0].name == "own");
  const auto each = data::measured(numbers({3, 2, 4, 2}), numbers({3, 4}), "own");
  CHECK(each.grid(2)[0] == 4);
  CHECK_THROWS_AS(data::measured(numbers({3, 2, 4}), numbers({4}), "own"), Error);
  CHECK_THROWS_WITH_AS(data::measured(numbers({3, 2, 4, 2}), numbers({5}), "own"), doctest::Contains("[5]"), Error);
  CHECK_THROWS_WITH_AS(data::measured(numbers({3, 2, 1, 2}), numbers({1}), "own"), doctest::Contains("at least 2 time points"),
                       Error);
  CHECK_THROWS_AS(data::measured(numbers({0, 2, 4, 2}), numbers({4}), "own"), Error);
  CHECK_THROWS_AS(data::measured(numbers({3, 2, 4, 0}), numbers({4}), "own"), Error);
  CHECK_THROWS_AS(data::measured({}, {}, "own"), Error);
  auto twice = numbers({4});
  twice.data()[2] = twice.data()[1];
  CHECK_THROWS_WITH_AS(data::measured(numbers({3, 2, 4, 2}), twice, "own"), doctest::Contains("time 2"), Error);
}

TEST_CASE("validate names what is wrong") {
  const auto complains = [](const char* about, auto damage) {
    auto set = own();
    damage(set);
    CHECK_THROWS_WITH_AS(data::validate(set, "own"), doctest::Contains(about), Error);
  };
  CHECK_NOTHROW(data::validate(own(), "own"));
  complains("environment 2, trajectory 1, time 3, state 0 is nan", [](auto& s) { s.trajectory(2, 1)[6] = std::nan(""); });
  complains("is inf", [](auto& s) { s.trajectory(0, 0)[0] = std::numeric_limits<double>::infinity(); });
  complains("time 1 of environment 1 is nan", [](auto& s) { s.grid(1)[1] = std::nan(""); });
  complains("there are 1", [](auto& s) { s.family[1] = 1; });
  complains("is of family -1", [](auto& s) { s.family[0] = -1; });
  complains("one an environment", [](auto& s) { s.parameters.pop_back(); });
  complains("before its last time", [](auto& s) { s.end[0] = 1; });
  complains("expected times", [](auto& s) { s.times = numbers({3, 5}); });
  complains("expected states", [](auto& s) { s = {}; });
}

TEST_CASE("the splits of a set fit together") {
  const data::Environments good{"own", own(), own(), {}, {}};
  CHECK_NOTHROW(data::validate(good));
  const auto wider = data::measured(numbers({3, 2, 4, 3}), numbers({4}), "own"),
             fewer = data::select(own(), std::vector<Index>{0});
  CHECK_THROWS_WITH_AS(data::validate(data::Environments{"own", own(), wider, {}, {}}), doctest::Contains("dimension 2"), Error);
  CHECK_THROWS_WITH_AS(data::validate(data::Environments{"own", own(), fewer, {}, {}}),
                       doctest::Contains("3 environments of train"), Error);
  CHECK_THROWS_WITH_AS(data::validate(data::Environments{"own", own(), {}, {}, own()}),
                       doctest::Contains("0 environments of adapt"), Error);
  CHECK_THROWS_AS(data::validate(data::Environments{"own", {}, own(), {}, {}}), Error);
}

TEST_CASE("select, trajectories, initial states, cast") {
  const auto set = own();
  const auto second = data::trajectories(set, 1, 1);
  CHECK(second.states.shape() == Shape{3, 1, set.points(), 2});
  CHECK(second.trajectory(2, 0)[3] == set.trajectory(2, 1)[3]);
  CHECK(second.grid(1)[1] == set.grid(1)[1]);
  CHECK_NOTHROW(data::validate(second, "second"));
  CHECK_THROWS_WITH_AS(data::trajectories(set, 1, 2), doctest::Contains("expected a part of 2, got 2 from 1"), Error);
  const auto two = data::select(set, std::vector<Index>{2, 0});
  CHECK(two.environments() == 2);
  CHECK(two.trajectory(0, 0)[0] == set.trajectory(2, 0)[0]);
  CHECK(two.trajectory(1, 1)[7] == set.trajectory(0, 1)[7]);
  CHECK_THROWS_AS(data::select(set, std::vector<Index>{3}), Error);
  CHECK_THROWS_AS(data::select(set, std::vector<Index>{-1}), Error);
  const auto start = data::initial_states(set);
  CHECK(start.shape() == Shape{3, 2, 2});
  CHECK(start.data()[3 * 2 + 1] == set.trajectory(1, 1)[1]);
  const Array<Cpu<float>> f = data::cast<float>(set.states);
  CHECK(f.shape() == set.states.shape());
  CHECK(f.data()[5] == 2.5f);
}

TEST_CASE("compute: own systems, and errors that name the trajectory") {
  const data::System decay{
      "decay", 1, {"rate"}, [](data::Rounded, const data::Rounded* x, const data::Rounded* c, data::Rounded* dx) {
        dx[0] = -c[0] * x[0];
      }};
  std::vector<data::Plan> plans{{0, {1}, {{1}, {2}}, {0, 1, 2}, 0, 2}, {0, {3}, {{1}, {2}}, {0, 0.5, 1}, 0, 1}};
  const auto set = data::compute({decay}, plans, data::Solver::exact);
  CHECK_NOTHROW(data::validate(set, "decay"));
  CHECK(std::abs(set.trajectory(0, 1)[2] - 2 * std::exp(-2.0)) < 1e-11);
  CHECK(std::abs(set.trajectory(1, 0)[1] - std::exp(-1.5)) < 1e-11);

  const data::System grow{
      "growth", 1, {"rate"}, [](data::Rounded, const data::Rounded* x, const data::Rounded* c, data::Rounded* dx) {
        dx[0] = c[0] * x[0] * x[0];
      }};
  CHECK_THROWS_WITH_AS(data::compute({grow}, plans, data::Solver::rk45),
                       doctest::Contains("trajectory 0 of growth with parameters 1.0"), Error);
  CHECK_THROWS_AS(data::compute({decay}, {}, data::Solver::rk45), Error);
  plans[1].starts.pop_back();
  CHECK_THROWS_WITH_AS(data::compute({decay}, plans, data::Solver::rk45), doctest::Contains("environment 1 has 1 trajectories"),
                       Error);
  plans[1].starts.push_back({1, 2});
  CHECK_THROWS_WITH_AS(data::compute({decay}, plans, data::Solver::rk45), doctest::Contains("dimension 2"), Error);
  plans[1].starts[1] = {1};
  plans[1].family = 1;
  CHECK_THROWS_AS(data::compute({decay}, plans, data::Solver::rk45), Error);
}

}  // namespace data_trajectories_test
