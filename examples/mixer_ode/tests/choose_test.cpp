// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "choose.hpp"

#include <algorithm>
#include <limits>

#include <doctest/doctest.h>

namespace {

using namespace mixer_ode;

constexpr double infinite = std::numeric_limits<double>::infinity();

/// Every number names its environment and its trajectory.
moesaic::data::Trajectories trajectories(Index environments, Index each) {
  auto out = moesaic::data::make_trajectories(environments, each, 2, 1);
  for (Index e = 0; e < environments; ++e)
    for (Index j = 0; j < each; ++j)
      for (double& x : out.trajectory(e, j)) x = double(10 * e + j);
  return out;
}

moesaic::data::Environments sets(Index environments, Index each) {
  moesaic::data::Environments out;
  out.name = "these";
  out.train = trajectories(environments, each);
  return out;
}

Settings choosing(std::vector<Index> candidates) {
  Settings s;
  s.experts = candidates.back();
  s.candidates = std::move(candidates);
  s.context = 4 * s.experts;
  s.single_context = 10;
  s.outer = 90;
  return s;
}

}  // namespace

TEST_CASE("the fewest experts within a standard error of the best are chosen") {
  CHECK(fewest({{1, {1, 2, 3, 4}}, {3, {.5, 1.5, 2.5, 3.5}}}) == 3);   // better by the same everywhere
  CHECK(fewest({{1, {1, 2, 3, 4}}, {3, {2, 1, 2.5, 3.5}}}) == 1);      // a quarter better, give or take two fifths
  CHECK(fewest({{1, {1, 2, 3, 4}}, {3, {1, 2, 3, 4}}}) == 1);          // as good
  CHECK(fewest({{1, {9, 9, 9}}, {2, {1, 1, 4}}, {5, {2, 2, 1}}}) == 2);
  CHECK(fewest({{1, {2}}, {3, {1}}}) == 3);  // one environment has no spread
}

TEST_CASE("a number of experts that blew up is not chosen") {
  CHECK(fewest({{1, {infinite}}, {3, {7, 8, 9}}}) == 3);
  CHECK(fewest({{1, {1, 2, 3}}, {3, {0, 0, std::numeric_limits<double>::quiet_NaN()}}}) == 1);
  // The relative error of an environment that is zero throughout.
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  CHECK(fewest({{1, {1, none, 2}}, {3, {.5, none, 1.5}}}) == 3);
  CHECK_THROWS_AS(fewest({{1, {none, none}}, {3, {none, none}}}), moesaic::Error);
  CHECK_THROWS_WITH_AS(fewest({{1, {infinite}}, {3, {infinite}}}),
                       "--experts: in the environments held out no number of experts has a finite error; give one number", moesaic::Error);
}

TEST_CASE("another number of experts keeps an expert's part of the context; one alone has the single learner's") {
  const Settings s = choosing({1, 2, 6});
  CHECK(with_experts(s, 2).context == 8);
  CHECK(with_experts(s, 6).context == 24);
  CHECK(with_experts(s, 1).context == 10);
  CHECK(with_experts(s, 2).experts == 2);
  CHECK(with_experts(s, 2).candidates.empty());
}

TEST_CASE("trials train on the environments that are not held out, and predict the held-out trajectories they have not seen") {
  const Settings s = choosing({1, 3});
  const auto all = sets(9, 4);  // 3 of 9 are held out
  std::vector<Index> seen;
  const auto train = [&](const Settings& trial, const moesaic::data::Environments& part, const Saving& saving) {
    CHECK(saving.path == "out/mixer-trial-" + std::to_string(trial.experts) + ".safetensors");
    CHECK(trial.outer == 30);
    CHECK(part.test.empty());
    CHECK(part.train.environments() == 6);
    CHECK(part.train.trajectories() == 4);
    CHECK(part.adapt.environments() == 3);
    CHECK(part.adapt.trajectories() == 1);
    CHECK(part.adapt_test.trajectories() == 3);
    std::vector<bool> there(9);
    for (Index e = 0; e < 6; ++e) there[std::size_t(part.train.trajectory(e, 0)[0]) / 10] = true;
    for (Index e = 0; e < 3; ++e) {
      const double first = part.adapt.trajectory(e, 0)[0];
      CHECK(!there[std::size_t(first) / 10]);
      there[std::size_t(first) / 10] = true;
      CHECK(first == 10 * double(std::size_t(first) / 10));
      for (Index j = 0; j < 3; ++j) CHECK(part.adapt_test.trajectory(e, j)[0] == first + double(j + 1));
    }
    CHECK(std::count(there.begin(), there.end(), true) == 9);
    seen.push_back(trial.experts);
    Result out;
    out.adapt_test.relative = {double(trial.experts), 2, 3};
    out.adapt_test.squared = {7, 8, 9};
    return out;
  };
  const auto trials = try_candidates(s, all, {.path = "out/mixer.safetensors", .progress = false}, false, train);
  CHECK(seen == std::vector<Index>{1, 3});
  REQUIRE(trials.size() == 2);
  CHECK(trials[0].errors == std::vector<double>{1, 2, 3});  // the loss of the settings is the relative one
  CHECK(trials[1].errors == std::vector<double>{3, 2, 3});
}

TEST_CASE("too few environments or trajectories are refused before anything is trained") {
  CHECK_NOTHROW(check_candidates(choosing({1, 3}), sets(4, 2)));
  CHECK_THROWS_WITH_AS(check_candidates(choosing({1, 4}), sets(4, 2)),
                       "--experts: 4 experts for the 3 environments of these that are left after holding out 1 to choose by; an expert "
                       "needs an environment of its own",
                       moesaic::Error);
  CHECK_THROWS_WITH_AS(check_candidates(choosing({1, 3}), sets(4, 1)),
                       "--experts: expected 2 trajectories an environment at least to choose the number by, one to adapt to and one to "
                       "predict; these has one: give one number",
                       moesaic::Error);
}
