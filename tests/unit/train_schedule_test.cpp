// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/train/clip.hpp>
#include <moesaic/train/early_stopping.hpp>
#include <moesaic/train/schedule.hpp>

namespace train_schedule_test {

using namespace moesaic;

constexpr Index at[] = {0, 1, 2, 4, 5, 6, 9, 10, 12, 14, 20};

void check_values(const Schedule& s, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(s(at[i]) == doctest::Approx(expected[i]).epsilon(1e-12));
}

// Computed with optax 0.2.8 at the steps above.
TEST_CASE("schedules give optax's values") {
  check_values(0.3, {0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3});
  check_values(schedule::Stepwise{.rate = 1e-3, .factor = 0.4, .boundaries = {6, 12}},
               {0.001, 0.001, 0.001, 0.001, 0.001, 0.0004, 0.0004, 0.0004, 0.00016, 0.00016, 0.00016});
  check_values(schedule::Exponential{.rate = 1, .factor = 0.5, .period = 10},
               {1, 0.933032991536807, 0.870550563296124, 0.757858283255199, 0.707106781186548, 0.659753955386447,
                0.535886731268147, 0.5, 0.435275281648062, 0.3789291416276, 0.25});
  check_values(
      schedule::Cosine{.rate = 2, .steps = 10, .floor = 0.1},
      {2, 1.95595086466564, 1.82811529493745, 1.37811529493745, 1.1, 0.821884705062548, 0.244049135334362, 0.2, 0.2, 0.2, 0.2});
  check_values(schedule::warm_up(4, schedule::Cosine{.rate = 1, .steps = 10, .floor = 0.05}),
               {0, 0.25, 0.5, 1, 0.976751845240198, 0.9092830723281, 0.525, 0.3782169276719, 0.1407169276719, 0.05, 0.05});
}

TEST_CASE("schedules follow one another, each with its own count") {
  const auto s =
      schedule::sequence(schedule::Constant{1}, 3, schedule::sequence(schedule::Constant{2}, 2, schedule::Linear{4, 0, 4}));
  const std::vector<double> expected{1, 1, 1, 2, 2, 4, 3, 2, 1, 0, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(s(Index(i)) == expected[i]);
  CHECK(Schedule([](Index step) { return 1.0 / double(1 + step); })(3) == 0.25);
}

TEST_CASE("clipping by norm shortens, clipping by value clamps") {
  using B = Cpu<double>;
  const std::vector<double> numbers{3, -4, 12};  // of length 13
  Array<B> g({3}, numbers);
  clip(g.tensor(), {});
  CHECK(to_host(g.tensor()) == numbers);
  clip(g.tensor(), {.norm = 13.5});
  CHECK(to_host(g.tensor()) == numbers);
  clip(g.tensor(), {.norm = 6.5});
  CHECK(to_host(g.tensor()) == std::vector<double>{1.5, -2, 6});
  clip(g.tensor(), {.value = 1.75});
  CHECK(to_host(g.tensor()) == std::vector<double>{1.5, -1.75, 1.75});
  // By value first: (1, -1, 1), of length sqrt(3).
  Array<B> both({3}, numbers);
  clip(both.tensor(), {.value = 1, .norm = 0.5}, 169.0);
  CHECK(both.data()[1] == doctest::Approx(-0.5 / std::sqrt(3.0)).epsilon(1e-14));
  CHECK_THROWS_WITH_AS(clip(g.tensor(), {.norm = 0}), "clip: the bounds are value inf and norm 0; expected positive numbers",
                       Error);
}

TEST_CASE("early stopping waits for an improvement") {
  EarlyStopping watch{.patience = 3, .minimum_improvement = 0.1};
  CHECK(watch.improves(1.0));
  CHECK_FALSE(watch.improves(0.95));  // less than asked for
  CHECK_FALSE(watch.improves(std::nan("")));
  CHECK_FALSE(watch.exhausted());
  CHECK(watch.improves(0.8));
  for (double metric : {0.8, 5.0}) CHECK_FALSE(watch.improves(metric));
  CHECK_FALSE(watch.exhausted());
  CHECK_FALSE(watch.improves(std::numeric_limits<double>::infinity()));
  CHECK(watch.exhausted());
  CHECK(watch.best == 0.8);
  EarlyStopping endless;
  for (int i = 0; i < 100; ++i) endless.improves(1);
  CHECK_FALSE(endless.exhausted());
}

}  // namespace train_schedule_test
