// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/core/random.hpp>
#include <moesaic/expert/spectral_mamba.hpp>
#include <moesaic/train/linear_start.hpp>

namespace linear_start_test {

using namespace moesaic;
using B = Cpu<double>;

/// A series of `rows` rows; `next(t, v, previous rows)` gives a value.
template <class F>
Array<B> series(Index rows, Index variates, const F& next) {
  Array<B> x({rows, variates});
  for (Index t = 0; t < rows; ++t)
    for (Index v = 0; v < variates; ++v) x.data()[t * variates + v] = next(t, v, [&](Index back) { return x.data()[(t - back) * variates + v]; });
  return x;
}

/// What the maps make of a window `[look-back]` of variate v.
std::vector<double> forecast(const LinearStart& s, Index v, const std::vector<double>& x) {
  std::vector<double> y(std::size_t(s.horizon), x.back());
  if (s.maps() == 1) v = 0;
  for (Index h = 0; h < s.horizon; ++h) {
    y[std::size_t(h)] += s.bias[std::size_t(v * s.horizon + h)];
    for (Index k = 0; k < s.look_back; ++k)
      y[std::size_t(h)] += x[std::size_t(k)] * s.weight[std::size_t((v * s.look_back + k) * s.horizon + h)];
  }
  return y;
}

TEST_CASE("series that obey a linear recurrence each are forecast exactly, by maps of their own") {
  // x_t = 2 cos(w) x_{t-1} - x_{t-2} + c: sines of two frequencies about two levels
  const double frequency[] = {0.3, 1.1}, level[] = {4, -2};
  const auto x = series(400, 2, [&](Index t, Index v, auto) { return level[v] + std::sin(frequency[v] * double(t) + 0.4); });
  const auto start = linear_start(Windows<B>(x, 0, 400, 4, 3), {.shrinkages = {1e-9}});
  CHECK(start.maps() == 2);
  CHECK(start.shrinkage == 1e-9);
  CHECK(start.error < 1e-10);
  for (Index v : {0, 1}) {
    std::vector<double> window(4);
    for (Index k = 0; k < 4; ++k) window[std::size_t(k)] = x.data()[(100 + k) * 2 + v];
    const auto y = forecast(start, v, window);
    for (Index h = 0; h < 3; ++h) CHECK(y[std::size_t(h)] == doctest::Approx(x.data()[(104 + h) * 2 + v]).epsilon(1e-5));
  }
  const auto shared = linear_start(Windows<B>(x, 0, 400, 4, 3), {.own = false});
  CHECK(shared.maps() == 1);
  CHECK(shared.weight.size() == 4 * 3);
  CHECK(shared.error > 1e-8);
}

TEST_CASE("the level is kept where it wanders, and not where a series returns to its mean") {
  for (bool wanders : {true, false}) {
    Random random(3, 1);
    const double memory = 0.8;
    const auto noise = series(1500, 2, [&](Index t, Index, auto before) { return (t > 0 ? memory * before(1) : 0.0) + random.next_normal(); });
    const auto x = series(1500, 2, [&](Index t, Index v, auto) {
      return noise.data()[t * 2 + v] + (wanders && t >= 1200 ? 50 : 0);  // the last of five stretches lies elsewhere
    });
    const auto start = linear_start(Windows<B>(x, 0, 1500, 6, 12));
    CHECK(start.keeps_level == wanders);
    if (wanders) {
      for (Index h = 0; h < 12; ++h) {
        double sum = 0;
        for (Index k = 0; k < 6; ++k) sum += start.weight[std::size_t(k * 12 + h)];
        CHECK(sum == doctest::Approx(0).scale(1).epsilon(1e-12));
      }
      continue;
    }
    CHECK(start.maps() == 1);  // both variates obey one law
    for (Index h = 0; h < 12; ++h) {
      double sum = 0;
      for (Index k = 0; k < 6; ++k) sum += start.weight[std::size_t(k * 12 + h)];
      CHECK(sum == doctest::Approx(std::pow(memory, double(h + 1)) - 1).epsilon(0.15));  // E[y_h] = memory^h x_last
    }
    // A perfect forecast at distance h has the variance 1 + memory^2 + ... + memory^(2 (h - 1)).
    double best = 0, variance = 0;
    for (int h = 0; h < 12; ++h) variance += std::pow(memory, 2 * h), best += variance / 12;
    CHECK(start.error > 0.85 * best);
    CHECK(start.error < 1.2 * best);
  }
}

TEST_CASE("of a random walk little is forecast but its last value, of one with a trend the trend") {
  for (double trend : {0.0, 0.5}) {
    Random random(5, 2);
    const auto x = series(800, 2, [&](Index t, Index, auto before) { return (t > 0 ? before(1) : 0.0) + trend + random.next_normal(); });
    const auto start = linear_start(Windows<B>(x, 0, 800, 8, 12));
    if (trend != 0) {
      CHECK(start.share > 0.9);
      continue;
    }
    CHECK(start.share < 0.3);
    const auto y = forecast(start, 0, {3, 1, 4, 1, 5, 9, 2, 6});
    for (double v : y) CHECK(std::abs(v - 6) < 0.5);
    // y_h - x_last has the variance h: 6.5 on average over 12 steps
    CHECK(start.error > 0.7 * 6.5);
    CHECK(start.error < 1.3 * 6.5);
  }
}

TEST_CASE("a few windows get one map that keeps the level, and no cross-validation") {
  const auto x = series(30, 3, [](Index t, Index v, auto) { return double(t * (v + 1)) + std::cos(double(3 * t)); });
  const auto start = linear_start(Windows<B>(x, 0, 30, 8, 10));
  CHECK(start.maps() == 1);
  CHECK(start.keeps_level);
  CHECK(std::isnan(start.error));
  CHECK(std::isnan(linear_start(Windows<B>(x, 0, 3, 1, 1)).error));  // two windows in five folds
}

TEST_CASE("an expert takes up the maps, its own or the common one, and refuses what does not fit") {
  const auto x = series(200, 2, [](Index t, Index v, auto) { return std::sin(0.3 * double(t * (v + 1))) + 0.1 * double(v); });
  const Windows<B> windows(x, 0, 200, 12, 5);
  SpectralMamba expert{.look_back = 12, .horizon = 5, .variates = 2, .width = 4, .scales = {}, .frequencies = 0, .feed_forward = 0};
  for (bool own : {true, false}) {
    expert.own_skips = own;
    const Layout layout = layout_of(expert);
    const auto p = initial_parameters<B>(layout, Random(1));
    const auto start = linear_start(windows, {.own = own});
    start_from(start, layout, p.tensor());
    Workspace<B::Memory> workspace;
    const Workspace<B::Memory>::Scope scope(workspace);
    const auto y = to_host(expert(p.tensor(), windows.range(7, 1).x));
    for (Index v : {0, 1}) {
      std::vector<double> window;
      for (Index k = 0; k < 12; ++k) window.push_back(x.data()[(7 + k) * 2 + v]);
      const auto expected = forecast(start, v, window);
      for (Index h = 0; h < 5; ++h) CHECK(y[std::size_t(h * 2 + v)] == doctest::Approx(expected[std::size_t(h)]).epsilon(1e-12));
    }
  }
  const auto own = linear_start(windows, {.shrinkages = {1e-6}});
  REQUIRE(own.maps() == 2);
  const auto p = initial_parameters<B>(layout_of(expert), Random(1));
  CHECK_THROWS_WITH_AS(start_from(own, layout_of(expert), p.tensor()), "start_from: skip.weight serves all variates, whose maps differ", Error);
  expert.horizon = 4;
  CHECK_THROWS_WITH_AS(start_from(own, layout_of(expert), p.tensor()),
                       "start_from: skip.weight has shape [12, 4]; expected [12, 5] or [2, 12, 5]", Error);
  expert.skip = false;
  CHECK_THROWS_WITH_AS(start_from(own, layout_of(expert), p.tensor()), "start_from: the layout has no module skip", Error);
  CHECK_THROWS_WITH_AS(linear_start(windows, {.shrinkages = {0}}), "linear_start: a shrinkage of 0; expected a positive number", Error);
  CHECK_THROWS_WITH_AS(linear_start(windows, {.folds = 1}), "linear_start: 1 folds; expected at least 2", Error);
}

}  // namespace linear_start_test
