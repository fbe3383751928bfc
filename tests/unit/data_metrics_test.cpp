// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <limits>

#include <moesaic/data/catalogue.hpp>
#include <moesaic/data/metrics.hpp>

namespace data_metrics_test {

using namespace moesaic;
using data::Floor;

Array<Cpu<double>> states(const Shape& shape, const std::vector<double>& values) { return Array<Cpu<double>>(shape, values); }

TEST_CASE("predicting zero scores a relative error of exactly 1") {
  for (const char* name : {"lv", "sm", "odebench-10b"}) {
    const auto set = data::make(name, {.trajectories = 2, .test_trajectories = 1});
    const Array<Cpu<double>> zero(set.train.states.shape());
    for (double s : data::relative_error(zero.tensor(), set.train.states.tensor())) CHECK(s == 1);
    const auto scores = data::relative_error(data::cast<float>(zero).tensor(), data::cast<float>(set.train.states).tensor());
    CHECK(data::mean(scores) == 1);
    CHECK(data::percent_below(scores, 1) == 0);
    CHECK(data::percent_below(scores, 1.5) == 100);
  }
}

TEST_CASE("errors by hand") {
  // One environment, one trajectory, two times: errors (3, 4) and (0, 1) on states (6, 8) and (0, 2).
  const auto truth = states({1, 1, 2, 2}, {6, 8, 0, 2}), predicted = states({1, 1, 2, 2}, {9, 4, 0, 1});
  CHECK(data::squared_error(predicted.tensor(), truth.tensor()) == std::vector<double>{26.0 / 4});
  CHECK(data::relative_error(predicted.tensor(), truth.tensor()) == std::vector<double>{0.25});
  CHECK(data::relative_error(predicted.tensor(), truth.tensor(), Floor::raise)[0] == doctest::Approx(0.25).epsilon(1e-9));
}

TEST_CASE("states near zero: left out as in the paper, raised as in its code") {
  const auto truth = states({2, 1, 2, 1}, {1, 1e-7, 2, 4}), predicted = states({2, 1, 2, 1}, {1, 2e-7, 2, 2});
  CHECK(data::relative_error(predicted.tensor(), truth.tensor()) == std::vector<double>{0, 0.125});
  const auto raised = data::relative_error(predicted.tensor(), truth.tensor(), Floor::raise);
  CHECK(raised[0] == doctest::Approx(0.005));
  CHECK(raised[1] == 0.125);
  const auto nothing = states({1, 1, 2, 1}, {0, 0});
  CHECK_THROWS_WITH_AS(data::relative_error(nothing.tensor(), nothing.tensor()), doctest::Contains("environment 0"), Error);
  CHECK(data::relative_error(nothing.tensor(), nothing.tensor(), Floor::raise)[0] == 0);
}

TEST_CASE("a prediction that is not finite never counts as a success") {
  const auto truth = states({2, 1, 1, 1}, {1, 1});
  const auto predicted = states({2, 1, 1, 1}, {std::nan(""), std::numeric_limits<double>::infinity()});
  const auto scores = data::relative_error(predicted.tensor(), truth.tensor());
  CHECK(std::isnan(scores[0]));
  CHECK(std::isinf(scores[1]));
  CHECK(data::percent_below(scores) == 0);
}

TEST_CASE("scores by family") {
  auto set = data::make_trajectories(4, 1, 2, 1);
  set.families = {{"a", 1, {}, nullptr}, {"b", 1, {}, nullptr}, {"c", 1, {}, nullptr}};
  set.family = {2, 0, 2, 2};
  const std::vector<double> scores{1, 5, 2, 6};
  const auto families = data::by_family(scores, set);
  REQUIRE(families.size() == 2);
  CHECK(families[0].name == "a");
  CHECK(families[0].mean == 5);
  CHECK(families[1].environments == 3);
  CHECK(families[1].mean == 3);
  CHECK(data::percent_below(scores, 5.5) == 75);
  CHECK_THROWS_AS(data::by_family(std::vector<double>{1}, set), Error);
}

TEST_CASE("metrics refuse what they cannot score") {
  const auto truth = states({1, 1, 2, 2}, {6, 8, 0, 2});
  CHECK_THROWS_AS(data::squared_error(states({1, 2, 1, 2}, {1, 2, 3, 4}).tensor(), truth.tensor()), Error);
  CHECK_THROWS_AS(data::relative_error(Tensor<Cpu<double>>{}, truth.tensor()), Error);
  CHECK_THROWS_AS(data::squared_error(Tensor<Cpu<double>>{}, Tensor<Cpu<double>>{}), Error);
  CHECK_THROWS_AS(data::mean({}), Error);
  CHECK_THROWS_AS(data::percent_below({}), Error);
}

}  // namespace data_metrics_test
