// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <set>

#include <moesaic/data/catalogue.hpp>
#include <moesaic/data/windows.hpp>

namespace data_windows_test {

using namespace moesaic;

/// `environments` copies of x(t) = (t^2, 3 - t) at t = 0, 1, ..., points - 1, two trajectories each.
data::Trajectories parabola(Index environments, Index points) {
  auto set = data::make_trajectories(environments, 2, points, 2);
  set.families = {data::System{"parabola", 2, {}, nullptr}};
  for (Index e = 0; e < environments; ++e) {
    for (Index k = 0; k < points; ++k) {
      set.grid(e)[std::size_t(k)] = double(k);
      for (Index j = 0; j < 2; ++j) {
        set.trajectory(e, j)[std::size_t(2 * k)] = double(k * k);
        set.trajectory(e, j)[std::size_t(2 * k + 1)] = 3 - double(k);
      }
    }
    set.end[std::size_t(e)] = double(points - 1);
  }
  return set;
}

TEST_CASE("every: a fifth of 100 points") {
  const auto fine = data::make("odebench-2", {.trajectories = 2, .test_trajectories = 1});
  const auto coarse = data::every(fine.train, 5);
  CHECK(coarse.points() == 20);
  for (Index e : {0, 9})
    for (std::size_t k : {0u, 7u, 19u}) {
      CHECK(coarse.grid(e)[k] == fine.train.grid(e)[5 * k]);
      CHECK(coarse.trajectory(e, 1)[2 * k + 1] == fine.train.trajectory(e, 1)[10 * k + 1]);
    }
  CHECK(data::every(coarse, 3).points() == 7);
  CHECK_THROWS_AS(data::every(coarse, 0), Error);
}

TEST_CASE("windows: 12 to 19 of 20 points, the last never used, every choice met, drawn once") {
  const auto coarse = parabola(3000, 20);
  const auto times = data::draw_windows(coarse, {});
  std::set<std::pair<double, double>> met;
  for (Index e = 0; e < 3000; ++e) {
    const double* t = times.data() + 20 * e;
    met.insert({t[0], t[19]});
    CHECK_UNARY(t[0] >= 0 && t[0] <= 7 && t[19] <= 18 && t[19] - t[0] >= 11);
    CHECK(t[1] - t[0] == doctest::Approx((t[19] - t[0]) / 19));
  }
  CHECK(met.size() == 8 + 7 + 6 + 5 + 4 + 3 + 2 + 1);
  CHECK(to_host(data::draw_windows(coarse, {}).tensor()) == to_host(times.tensor()));
  CHECK(to_host(data::draw_windows(coarse, {.seed = 1}).tensor()) != to_host(times.tensor()));
  CHECK_THROWS_AS(data::draw_windows(coarse, {.shortest = 21}), Error);
  CHECK_THROWS_AS(data::draw_windows(coarse, {.shortest = 1}), Error);
  CHECK_THROWS_AS(data::draw_windows(coarse, {.points = 1}), Error);
}

TEST_CASE("linear windows err by the h^2 |x''| / 8 of the interpolation, and only by that") {
  const auto coarse = parabola(50, 20);
  const auto out = data::window(coarse, {.points = 77});
  double worst = 0;
  for (Index e = 0; e < 50; ++e)
    for (Index k = 0; k < 77; ++k) {
      const double t = out.grid(e)[std::size_t(k)];
      const auto x = out.trajectory(e, 1);
      worst = std::max(worst, x[std::size_t(2 * k)] - t * t);
      CHECK_UNARY(x[std::size_t(2 * k)] - t * t > -1e-9);
      CHECK(x[std::size_t(2 * k + 1)] == doctest::Approx(3 - t));
    }
  CHECK(worst > 0.24);
  CHECK(worst <= 0.25 + 1e-9);
  CHECK(data::window(coarse, {.shortest = 20}).points() == 20);  // switched off
}

TEST_CASE("solved windows lie on the trajectory") {
  const auto fine =
      data::make("odebench-10b", {.trajectories = 2, .test_trajectories = 1, .environments = 1, .adapt_environments = 1});
  const auto published = data::windowed(fine);
  const auto solved = data::windowed(fine, {.sampling = data::Sampling::solved});
  CHECK(to_host(published.train.times.tensor()) == to_host(solved.train.times.tensor()));
  CHECK(published.test.points() == 20);
  CHECK(published.adapt.points() == 20);
  CHECK(published.test.states.data()[3] == fine.test.states.data()[11]);
  double linear_error = 0;
  for (Index i = 0; i < solved.train.states.size(); ++i)
    linear_error = std::max(linear_error, std::abs(solved.train.states.data()[i] - published.train.states.data()[i]));
  CHECK(linear_error > 0.01);

  // The grid of the fine data, solved anew from its first points, is the fine data: the published ones and exact ones.
  const auto again = data::solve_at(fine.train, fine.train.times, data::Solver::rk45);
  CHECK(to_host(again.states.tensor()) == to_host(fine.train.states.tensor()));
  CHECK_THROWS_WITH_AS(data::solve_at(parabola(1, 20), parabola(1, 20).times, data::Solver::exact),
                       doctest::Contains("not known"), Error);
  CHECK_THROWS_AS(data::interpolate(fine.train, Array<Cpu<double>>(Shape{3, 4})), Error);
  auto late = parabola(1, 20).times;
  late.data()[19] = 20;
  CHECK_THROWS_AS(data::interpolate(parabola(1, 20), late), Error);
}

TEST_CASE("windowed keeps splits that are absent absent") {
  data::Environments own{"own", parabola(2, 100), {}, {}, {}};
  const auto out = data::windowed(own);
  CHECK(out.train.points() == 20);
  CHECK(out.adapt.empty());
  CHECK(out.test.empty());
  CHECK_NOTHROW(data::validate(out));
}

}  // namespace data_windows_test
