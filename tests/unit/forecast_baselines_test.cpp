// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <Eigen/Dense>

#include <moesaic/data/forecast/baselines.hpp>
#include <moesaic/data/forecast/cycle.hpp>
#include <moesaic/data/forecast/synthetic.hpp>

#include "support/published_set.hpp"

namespace forecast_baselines_test {

using namespace moesaic;
using data::Centre;
using test_support::PublishedSet;

using Pair = std::array<double, 2>;  // MSE, MAE

void check_scores(const data::ForecastScore& score, const Pair& expected) {
  CHECK(std::abs(score.mse() - expected[0]) < 0.6e-4);
  CHECK(std::abs(score.mae() - expected[1]) < 0.6e-4);
}

struct Published : PublishedSet {
  using PublishedSet::PublishedSet;
  data::ForecastScore repeat(std::size_t horizon, Index drop_last = 0) const {
    const auto parts = data::split_rows(set, set.rows, set.look_back, set.horizons[horizon]);
    return data::score_repeat_last(values, parts.test, parts.look_back, parts.horizon, {drop_last});
  }
  data::ForecastScore linear(std::size_t horizon, Centre centre, Index look_back) const {
    const auto parts = data::split_rows(set, set.rows, look_back, set.horizons[horizon]);
    return data::score_linear(data::fit_linear(values, parts.train, look_back, parts.horizon, centre), values, parts.test);
  }
  void check_repeat(const std::array<Pair, 4>& expected, Index drop_last = 0) const {
    for (std::size_t h = 0; h < 4; ++h) check_scores(repeat(h, drop_last), expected[h]);
  }
  void check_linear(Centre centre, Index look_back, const std::array<Pair, 4>& expected) const {
    for (std::size_t h = 0; h < 4; ++h) {
      CAPTURE(set.horizons[h]);
      check_scores(linear(h, centre, look_back), expected[h]);
    }
  }
};

/// The same problem by QR on all windows, row by row: weight over bias [look-back + 1, horizon].
Eigen::MatrixXd by_qr(const Array<Cpu<double>>& values, Index rows, Index look_back, Index horizon, Centre centre) {
  const Index width = values.shape()[1], windows = rows - look_back - horizon + 1;
  Eigen::MatrixXd a(windows * width, look_back + 1), y(windows * width, horizon);
  for (Index s = 0; s < windows; ++s)
    for (Index v = 0; v < width; ++v) {
      const auto x = [&](Index i) { return values.data()[(s + i) * width + v]; };
      double c = 0, deviation = 1;
      if (centre == Centre::last_value) c = x(look_back - 1);
      if (centre == Centre::instance) {
        double squares = 0;
        for (Index i = 0; i < look_back; ++i) c += x(i) / double(look_back);
        for (Index i = 0; i < look_back; ++i) squares += (x(i) - c) * (x(i) - c) / double(look_back);
        deviation = std::sqrt(squares + 1e-5);
      }
      for (Index i = 0; i < look_back; ++i) a(s * width + v, i) = x(i) - c;
      a(s * width + v, look_back) = deviation;
      for (Index h = 0; h < horizon; ++h) y(s * width + v, h) = x(look_back + h) - c;
    }
  return a.completeOrthogonalDecomposition().solve(y);
}

TEST_CASE("the closed form gives the least squares forecast of all windows, and no later row takes part") {
  auto series = data::synthetic({.rows = 400, .variates = 3, .noise = 0.5});
  const Index look_back = 9, horizon = 4, rows = 300;
  for (const Centre centre : {Centre::none, Centre::last_value, Centre::instance}) {
    CAPTURE(int(centre));
    const auto model = data::fit_linear(series.values, {0, rows}, look_back, horizon, centre);
    const Eigen::MatrixXd expected = by_qr(series.values, rows, look_back, horizon, centre);
    // Least-squares weights are not unique where the features sum to zero; what they forecast is.
    const Index first = 350;
    const auto forecast = data::predict(model, series.values, first);
    for (Index v = 0; v < 3; ++v) {
      std::vector<double> x;
      for (Index i = 0; i < look_back; ++i) x.push_back(series.values.data()[(first + i) * 3 + v]);
      const data::detail::WindowFrame frame(centre, x.data(), look_back);
      for (Index h = 0; h < horizon; ++h) {
        double y = frame.centre + frame.scale * expected(look_back, h);
        for (Index i = 0; i < look_back; ++i) y += expected(i, h) * (x[std::size_t(i)] - frame.centre);
        CHECK(forecast.data()[h * 3 + v] == doctest::Approx(y).epsilon(1e-7));
      }
    }
    auto changed = series.values;
    for (Index i = rows * 3; i < changed.size(); ++i) changed.data()[i] = 1e9;
    const auto again = data::fit_linear(changed, {0, rows}, look_back, horizon, centre);
    CHECK(to_host(again.weight.tensor()) == to_host(model.weight.tensor()));
    CHECK(to_host(again.bias.tensor()) == to_host(model.bias.tensor()));
  }
}

TEST_CASE("scores are those of every window's forecast, and drop_last leaves the last ones out") {
  const auto series = data::synthetic({.rows = 900, .variates = 2});
  const Index look_back = 30, horizon = 11;
  const data::RowRange part{200, 831};  // 591 windows
  for (const Centre centre : {Centre::none, Centre::last_value, Centre::instance}) {
    const auto model = data::fit_linear(series.values, {0, 200}, look_back, horizon, centre);
    for (const Index drop_last : {0, 32}) {
      const Index windows = drop_last ? 576 : 591;
      data::ForecastScore expected;
      for (Index s = 0; s < windows; ++s)
        expected.add({data::predict(model, series.values, part.begin + s).data(), 22},
                     {series.values.data() + (part.begin + s + look_back) * 2, 22});
      const auto score = data::score_linear(model, series.values, part, {drop_last});
      CHECK(score.count() == windows * 22);
      CHECK(score.mse() == doctest::Approx(expected.mse()).epsilon(1e-10));
      CHECK(score.mae() == doctest::Approx(expected.mae()).epsilon(1e-10));
      CHECK(score.r2() == doctest::Approx(expected.r2()).epsilon(1e-10));
    }
  }
  CHECK(data::score_repeat_last(series.values, part, look_back, horizon).count() == 591 * 22);
}

TEST_CASE("exact linear recurrences and constants are forecast without error") {
  // A sine obeys x[t] = 2 cos(w) x[t - 1] - x[t - 2]; the trend is what the centres are for.
  Array<Cpu<double>> values(Shape{500, 2});
  for (Index r = 0; r < 500; ++r) {
    values.data()[2 * r] = std::sin(0.3 * double(r));
    values.data()[2 * r + 1] = 4;
  }
  for (const Centre centre : {Centre::none, Centre::last_value, Centre::instance}) {
    const auto model = data::fit_linear(values, {0, 300}, 12, 20, centre);
    CHECK(data::score_linear(model, values, {300, 500}).rmse() < 1e-3);
  }
  CHECK_THROWS_WITH_AS(data::fit_linear(values, {0, 31}, 12, 20), doctest::Contains("31 rows, needed are 32"), Error);
  CHECK_THROWS_AS(data::fit_linear(values, {0, 501}, 12, 20), Error);
  values.data()[100] = std::nan("");
  CHECK_THROWS_WITH_AS(data::fit_linear(values, {0, 300}, 12, 20), doctest::Contains("not finite"), Error);
  CHECK_THROWS_AS(data::score_repeat_last(values, {0, 31}, 12, 20), Error);
}

// The known answers below were computed by an independent program for the project; the rows with drop_last of 32 are those of
// "Repeat" in the tables of LTSF-Linear (Zeng et al., Are transformers effective for time series forecasting?, AAAI 2023).

TEST_CASE("ETTh1: scaler, repeat-last and closed-form rows") {
  const Published d("ETTh1");
  if (!d.there) return;
  const std::vector<double> mean{7.937742246, 2.021038657, 5.079770601, 0.746185880, 2.781762386, 0.788453124, 17.128261698},
      scale{5.812749409, 2.090104650, 5.518793579, 1.926379274, 1.023522659, 0.630236636, 9.176491025};
  for (std::size_t v = 0; v < 7; ++v) {
    CHECK(std::abs(d.scaler.mean[v] - mean[v]) < 1e-9);
    CHECK(std::abs(d.scaler.scale[v] - scale[v]) < 1e-9);
  }
  d.check_repeat({{{1.2944, .7132}, {1.3249, .7331}, {1.3299, .7460}, {1.3351, .7550}}});
  d.check_linear(Centre::none, 96, {{{.3815, .3930}, {.4318, .4243}, {.4754, .4506}, {.5000, .4969}}});
  d.check_linear(Centre::last_value, 96, {{{.3833, .3917}, {.4341, .4212}, {.4756, .4426}, {.4697, .4615}}});
  d.check_linear(Centre::instance, 96, {{{.3840, .3920}, {.4356, .4217}, {.4791, .4444}, {.4803, .4688}}});
  d.check_linear(Centre::none, 336, {{{.3702, .3915}, {.4042, .4127}, {.4334, .4342}, {.4714, .4878}}});
  d.check_linear(Centre::last_value, 336, {{{.3702, .3915}, {.4034, .4112}, {.4277, .4262}, {.4344, .4505}}});
}

TEST_CASE("exchange_rate: repeat-last with and without the last batch, closed form") {
  const Published d("exchange_rate");
  if (!d.there) return;
  d.check_repeat({{{.0811, .1964}, {.1671, .2887}, {.3057, .3978}, {.8101, .6764}}});
  d.check_repeat({{{.0807, .1959}, {.1670, .2886}, {.3054, .3963}, {.8226, .6811}}}, 32);
  d.check_linear(Centre::none, 96, {{{.0802, .2022}, {.1660, .3003}, {.3025, .4121}, {.8298, .6821}}});
}

TEST_CASE("illness: repeat-last with and without the last batch, closed form") {
  const Published d("illness");
  if (!d.there) return;
  d.check_repeat({{{6.2133, 1.6222}, {7.7138, 1.9059}, {7.8513, 1.9521}, {6.8849, 1.7884}}});
  d.check_repeat({{{6.5871, 1.7007}, {7.1301, 1.8839}, {6.5754, 1.7984}, {5.8930, 1.6770}}}, 32);
  d.check_linear(Centre::last_value, 36, {{{2.5646, 1.0265}, {2.3602, .9980}, {2.3103, .9954}, {2.3324, 1.0063}}});
  d.check_linear(Centre::last_value, 104, {{{1.9585, .9042}, {1.8819, .9058}, {1.8603, .9165}, {1.8967, .9338}}});
}

// No independent program computed the rest: regression values of this one.

TEST_CASE("ETTm1: repeat-last, and the closed form at the longest horizon with and without the day's cycle") {
  const Published d("ETTm1");
  if (!d.there) return;
  d.check_repeat({{{1.2140, .6648}, {1.2613, .6904}, {1.2834, .7067}, {1.3192, .7289}}}, 32);
  check_scores(d.linear(3, Centre::last_value, 96), {.4830, .4463});
  const auto parts = data::split_rows(d.set, d.set.rows, 96, 720);
  const auto rest = data::without_cycle(d.values, data::fit_cycle(d.values, parts.train, d.set.cycle));
  const auto model = data::fit_linear(rest, parts.train, 96, 720, Centre::last_value);
  check_scores(data::score_linear(model, rest, parts.test), {.4443, .4392});
}

TEST_CASE("weather: repeat-last, and the closed form at the shortest horizon") {
  const Published d("weather");
  if (!d.there) return;
  d.check_repeat({{{.2593, .2543}, {.3094, .2918}, {.3767, .3378}, {.4648, .3936}}}, 32);
  check_scores(d.linear(0, Centre::instance, 96), {.1951, .2342});
}

}  // namespace forecast_baselines_test
