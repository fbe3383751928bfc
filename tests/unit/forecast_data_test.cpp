// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <moesaic/data/forecast/cycle.hpp>
#include <moesaic/data/forecast/read_series.hpp>
#include <moesaic/data/forecast/score.hpp>
#include <moesaic/data/forecast/synthetic.hpp>

#include "support/io_test_files.hpp"

namespace forecast_data_test {

using namespace moesaic;
using io_test::error_of;
using io_test::mentions;

Array<Cpu<double>> table(Index rows, Index width, const std::vector<double>& values) {
  return Array<Cpu<double>>(Shape{rows, width}, values);
}
std::vector<double> numbers(const Array<Cpu<double>>& values) { return to_host(values.tensor()); }

/// Text of `rows` lines: number of the row times 10 plus number of the column.
std::string lines(Index rows, Index width) {
  std::string out;
  for (Index r = 0; r < rows; ++r)
    for (Index v = 0; v < width; ++v) out += std::to_string(10 * r + v) + (v + 1 < width ? "," : "\n");
  return out;
}

void make_folder(const io_test::Folder& folder, const char* name) { io_test::fs::create_directories(folder.path / name); }

TEST_CASE("forecasting sets: rows of the parts and test windows as published") {
  struct Row {
    const char* name;
    Index train, validation, test;  // rows, without the overlap
    std::array<Index, 4> windows;   // of the test part
  };
  const Row all[] = {
      {"ETTh1", 8640, 2880, 2880, {2785, 2689, 2545, 2161}},        {"ETTh2", 8640, 2880, 2880, {2785, 2689, 2545, 2161}},
      {"ETTm1", 34560, 11520, 11520, {11425, 11329, 11185, 10801}}, {"ETTm2", 34560, 11520, 11520, {11425, 11329, 11185, 10801}},
      {"electricity", 18412, 2632, 5260, {5165, 5069, 4925, 4541}}, {"traffic", 12280, 1756, 3508, {3413, 3317, 3173, 2789}},
      {"weather", 36887, 5270, 10539, {10444, 10348, 10204, 9820}}, {"exchange_rate", 5311, 760, 1517, {1422, 1326, 1182, 798}},
      {"solar", 36792, 5256, 10512, {10417, 10321, 10177, 9793}},   {"illness", 676, 97, 193, {170, 158, 146, 134}},
      {"PEMS03", 15724, 5242, 5242, {5135, 5123, 5099, 5051}},      {"PEMS04", 10195, 3398, 3399, {3292, 3280, 3256, 3208}},
      {"PEMS07", 16934, 5645, 5645, {5538, 5526, 5502, 5454}},      {"PEMS08", 10713, 3571, 3572, {3465, 3453, 3429, 3381}},
  };
  REQUIRE(data::forecast_sets().size() == std::size(all));
  for (std::size_t i = 0; i < std::size(all); ++i) {
    const Row& expected = all[i];
    CAPTURE(expected.name);
    const data::ForecastSet& set = data::forecast_sets()[i];
    CHECK(set.name == expected.name);
    CHECK(&data::forecast_set(expected.name) == &set);
    for (std::size_t h = 0; h < 4; ++h) {
      const auto parts = data::split_rows(set, set.rows, set.look_back, set.horizons[h]);
      const Index early = set.name.starts_with("PEMS") ? 0 : set.look_back, trained = expected.train;
      CHECK(parts.train == data::RowRange{0, trained});
      CHECK(parts.validation == data::RowRange{trained - early, trained + expected.validation});
      CHECK(parts.test == data::RowRange{parts.validation.end - early, parts.validation.end + expected.test});
      CHECK(parts.windows(parts.test) == expected.windows[h]);
      CHECK(parts.windows(parts.train) == trained - set.look_back - set.horizons[h] + 1);
    }
  }
  const auto& hourly = data::forecast_set("ETTh2");
  CHECK(data::split_rows(hourly, hourly.rows, 96, 96).test.end == 14400);  // of 17420
  CHECK(data::forecast_set("ETTm1").rows == 69680);
  CHECK(data::forecast_set("traffic").cycle == 168);
  CHECK(data::forecast_set("ETTm2").cycle == 96);
  CHECK(mentions(error_of([] { data::forecast_set("etth1"); }), {"\"etth1\"", "ETTh1", "exchange_rate", "PEMS08"}));
}

TEST_CASE("splits of one's own series, and parts that are too short") {
  const auto parts = data::split_rows(data::SplitRule{.train = 0.5, .test = 0.25}, 101, 4, 2);
  CHECK(parts.train == data::RowRange{0, 50});
  CHECK(parts.validation == data::RowRange{46, 76});
  CHECK(parts.test == data::RowRange{72, 101});
  CHECK(parts.windows(parts.test) == 29 - 4 - 2 + 1);
  // Illness: 97 rows to validate, and 104 of look-back before them.
  CHECK_NOTHROW(data::split_rows(data::forecast_set("illness"), 966, 104, 60));
  CHECK(mentions(error_of([] { data::split_rows(data::forecast_set("illness"), 966, 96, 192); }),
                 {"illness", "validation part", "193 rows", "288", "look-back of 96", "horizon of 192"}));
  CHECK(mentions(error_of([] { data::split_rows({}, 100, 40, 31, "mine"); }), {"mine", "training part", "70 rows", "71"}));
  CHECK(mentions(error_of([] { data::split_rows({.overlap = false}, 100, 8, 3, "mine"); }), {"validation", "10 rows", "11"}));
  CHECK(mentions(error_of([] { data::split_rows(data::forecast_set("ETTh1"), 14399, 96, 96); }), {"14400", "14399"}));
  CHECK_THROWS_AS(data::split_rows({.train = 0.8, .test = 0.2}, 100, 1, 1), Error);
  CHECK_THROWS_AS(data::split_rows({.train = 0, .test = 0.2}, 100, 1, 1), Error);
  CHECK_THROWS_AS(data::split_rows(data::SplitRule{}, 100, 0, 1), Error);
}

TEST_CASE("read_series: CRLF, no last line break, a header that is no UTF-8, a timestamp twice") {
  const io_test::Folder folder;
  const std::string path = folder.file("own.csv");
  io_test::write(path, "date,T (degC),SWDR (W/m\xB2)\r\n2020-01-01 00:00:00,1.5,-9999\r\n2020-01-01 00:00:00,2,3e1\r\nlast,-4,5");
  const data::Series series = data::read_series(path);
  CHECK(series.variates == std::vector<std::string>{"T (degC)", "SWDR (W/m\xB2)"});
  CHECK(series.dates == std::vector<std::string>{"2020-01-01 00:00:00", "2020-01-01 00:00:00", "last"});
  CHECK(series.values.shape() == Shape{3, 2});
  CHECK(numbers(series.values) == std::vector<double>{1.5, -9999, 2, 30, -4, 5});
  CHECK(numbers(data::read_series(path, {.mask_sentinels = true}).values) == std::vector<double>{1.5, 30, 2, 30, -4, 5});
  CHECK(numbers(data::read_series(path, {.mask_sentinels = true, .sentinel = -4}).values) ==
        std::vector<double>{1.5, -9999, 2, 30, 2, 5});
}

TEST_CASE("read_series: text with and without names and dates") {
  const io_test::Folder folder;
  const auto read = [&folder](const char* name, const std::string& text) {
    io_test::write(folder.file(name), text);
    return data::read_series(folder.file(name));
  };
  data::Series s = read("bare.txt", "1,2,3\r\n4,5,6");
  CHECK(s.variates == std::vector<std::string>{"0", "1", "2"});
  CHECK(s.dates.empty());
  CHECK(numbers(s.values) == std::vector<double>{1, 2, 3, 4, 5, 6});
  s = read("blanks.txt", "  1 2\t3\n4   5 6\n");
  CHECK(numbers(s.values) == std::vector<double>{1, 2, 3, 4, 5, 6});
  s = read("names.csv", "a,b\n1,2\n");
  CHECK(s.variates == std::vector<std::string>{"a", "b"});
  CHECK(s.dates.empty());
  s = read("late.csv", "a,date,b\n1,x,2\n");
  CHECK(s.dates == std::vector<std::string>{"x"});
  CHECK(numbers(s.values) == std::vector<double>{1, 2});
  s = read("time.csv", "timestamp,a\n2020-01-01,1\n2020-01-02,2\n");
  CHECK(s.dates == std::vector<std::string>{"2020-01-01", "2020-01-02"});
  CHECK(s.variates == std::vector<std::string>{"a"});
  s = read("numbered.csv", "date,0,1\n2020-01-01,1,2\n");
  CHECK(s.variates == std::vector<std::string>{"0", "1"});
  CHECK(s.rows() == 1);
  s = read("frame.csv", ",0,1\n2020-01-01,1,2\n");  // a data frame with dates for an index and numbers for names
  CHECK(s.variates == std::vector<std::string>{"0", "1"});
  CHECK(s.rows() == 1);
  s = read("years.csv", "day,2019,2020\n01-01,1,2\n01-02,3,4\n");
  CHECK(s.variates == std::vector<std::string>{"2019", "2020"});
  CHECK(s.rows() == 2);
  s = read("nameless.csv", "2020-01-01,1\n2020-01-02,2\n");
  CHECK(s.rows() == 2);
  CHECK(s.dates.front() == "2020-01-01");
  CHECK_THROWS_AS(read("empty.csv", ""), Error);
  CHECK(mentions(error_of([&] { read("other.parquet", "x"); }), {"other.parquet", ".csv", ".npz", "\".parquet\""}));
}

TEST_CASE("read_series: feature 0 of the array \"data\", and plain arrays") {
  const io_test::Folder folder;
  std::vector<double> values;  // [time 3, node 2, feature 3]
  for (Index i = 0; i < 18; ++i) values.push_back(double(i));
  const Array<Cpu<double>> data3(Shape{3, 2, 3}, values);
  const std::string path = folder.file("own.npz");
  npz::save(path, {NamedArray("data", data3), NamedArray("other", std::vector<std::int64_t>{1})});
  const data::Series series = data::read_series(path);
  CHECK(series.values.shape() == Shape{3, 2});
  CHECK(numbers(series.values) == std::vector<double>{0, 3, 6, 9, 12, 15});
  CHECK(series.variates == std::vector<std::string>{"0", "1"});
  CHECK(series.dates.empty());

  npy::save(folder.file("own.npy"), Array<Cpu<float>>(Shape{2, 2}, std::vector<float>{1, 2, 3, 4}));
  CHECK(numbers(data::read_series(folder.file("own.npy")).values) == std::vector<double>{1, 2, 3, 4});
  npz::save(folder.file("one.npz"), {NamedArray("x", table(2, 1, {7, 8}))});
  CHECK(numbers(data::read_series(folder.file("one.npz")).values) == std::vector<double>{7, 8});
  npz::save(folder.file("two.npz"), {NamedArray("x", table(1, 1, {7})), NamedArray("y", table(1, 1, {7}))});
  CHECK(mentions(error_of([&] { data::read_series(folder.file("two.npz")); }), {"two.npz", "\"data\"", "\"x\""}));
  npy::save(folder.file("flat.npy"), std::vector<double>{1, 2});
  CHECK(mentions(error_of([&] { data::read_series(folder.file("flat.npy")); }), {"flat.npy", "rank 1"}));
}

TEST_CASE("read_series: numbers that are not finite are reported with row and column") {
  const io_test::Folder folder;
  const std::string csv = folder.file("a.csv"), npy = folder.file("a.npy");
  io_test::write(csv, "date,a,b\nx,1,2\ny,3,nan\n");
  CHECK(mentions(error_of([&] { data::read_series(csv); }), {csv, "line 3", "\"b\"", "nan"}));
  io_test::write(csv, "date,a,b\nx,,2\n");
  CHECK(mentions(error_of([&] { data::read_series(csv); }), {csv, "line 2", "\"a\""}));
  npy::save(npy, table(3, 2, {1, 2, 3, 4, 5, std::nan("")}));
  CHECK(mentions(error_of([&] { data::read_series(npy); }), {npy, "row 2", "column 1", "nan"}));
}

TEST_CASE("read_series: a known set in every layout, absent, or with other variates") {
  const io_test::Folder folder;
  const std::string root = folder.path.string();
  const auto& solar = data::forecast_set("solar");
  CHECK(mentions(error_of([&] { data::read_series(solar, root); }),
                 {"solar", folder.file("solar/solar_AL.txt"), folder.file("solar_AL.txt"), "multivariate-time-series-data",
                  "without names", "137", "52560"}));
  io_test::write(folder.file("solar_AL.txt"), lines(3, 137));
  CHECK(data::read_series(solar, root).values.data()[2 * 137 + 5] == 25);
  make_folder(folder, "solar");
  io_test::write(folder.file("solar/solar_AL.txt"), lines(2, 137));
  CHECK(data::read_series(solar, root).rows() == 2);

  make_folder(folder, "exchange_rate");
  io_test::write(folder.file("exchange_rate/exchange_rate.txt"), lines(4, 8));
  CHECK(data::read_series(data::forecast_set("exchange_rate"), root).rows() == 4);
  make_folder(folder, "ETT-small");
  io_test::write(folder.file("ETT-small/ETTh1.csv"), "date,HUFL,HULL\nx,1,2\n");
  CHECK(mentions(error_of([&] { data::read_series(data::forecast_set("ETTh1"), root); }), {"ETTh1.csv", "7 variates", "got 2"}));
  CHECK(data::read_series(folder.file("ETT-small/ETTh1.csv")).width() == 2);
  make_folder(folder, "PEMS");
  npz::save(folder.file("PEMS/PEMS08.npz"), {NamedArray("data", Array<Cpu<double>>(Shape{5, 170, 3}))});
  CHECK(data::read_series(data::forecast_set("PEMS08"), root).values.shape() == Shape{5, 170});
  CHECK(mentions(error_of([&] { data::read_series(data::forecast_set("PEMS04"), root); }),
                 {"PEMS04", "\"data\"", "[time, node, "}));
}

TEST_CASE("sentinels become the value before them, at the beginning the first one behind") {
  const io_test::Folder folder;
  io_test::write(folder.file("s.txt"), "-9999,-9999\n-9999,1\n3,-9999\n-9999,-9999\n5,4\n");
  CHECK(numbers(data::read_series(folder.file("s.txt")).values)[0] == -9999);
  CHECK(numbers(data::read_series(folder.file("s.txt"), {.mask_sentinels = true}).values) ==
        std::vector<double>{3, 1, 3, 1, 3, 1, 3, 1, 5, 4});
}

TEST_CASE("scaler: population deviation of the training rows, constant variates only centred") {
  const auto values = table(4, 3, {1, 7, 0.1, 3, 7, 0.1, 100, 8, 0.3, -100, 9, 0.3});
  const data::Scaler scaler = data::fit_scaler(values, {0, 2});
  CHECK(scaler.mean == std::vector<double>{2, 7, 0.1});
  CHECK(scaler.scale == std::vector<double>{1, 1, 1});
  const auto wide = data::fit_scaler(table(4, 1, {1, 2, 3, 4}), {0, 4});
  CHECK(wide.mean[0] == 2.5);
  CHECK(wide.scale[0] == doctest::Approx(std::sqrt(1.25)).epsilon(1e-15));
  const auto scaled = data::standardised(values, scaler);
  CHECK(numbers(scaled)[6] == 98);
  CHECK(numbers(scaled)[0] == -1);
  const auto back = numbers(data::restored(scaled, scaler));
  for (std::size_t i = 0; i < back.size(); ++i) CHECK(back[i] == doctest::Approx(numbers(values)[i]).epsilon(1e-14));
  // Forecasts [window, horizon, variate] too.
  CHECK(numbers(data::restored(Array<Cpu<double>>(Shape{2, 2, 3}), scaler))[7] == 7);
  CHECK_THROWS_AS(data::standardised(table(1, 2, {1, 2}), scaler), Error);
  CHECK_THROWS_AS(data::fit_scaler(values, {0, 5}), Error);
  CHECK_THROWS_AS(data::fit_scaler(values, {2, 2}), Error);
  // Squares that a double cannot hold, and a variate that is constant but for rounding.
  const auto extreme = data::fit_scaler(table(2, 3, {1e172, 1e-173, 0.1, 3e172, 3e-173, std::nextafter(0.1, 1)}), {0, 2});
  CHECK(extreme.scale[0] == doctest::Approx(1e172).epsilon(1e-14));
  CHECK(extreme.scale[1] / 1e-173 == doctest::Approx(1).epsilon(1e-14));
  CHECK(extreme.scale[2] == 1);
  CHECK_THROWS_AS(data::fit_scaler(table(2, 1, {1e308, 1.5e308}), {0, 2}), Error);
}

TEST_CASE("score: MSE, MAE, RMSE and R2 by hand, in parts, and far from zero") {
  data::ForecastScore score;
  CHECK_THROWS_AS(score.mse(), Error);
  CHECK_THROWS_AS(score.r2(), Error);
  score.add(std::vector<double>{1, 2}, std::vector<double>{2, 4});
  score.add(std::vector<float>{5, 6}, std::vector<float>{6, 8});
  CHECK(score.count() == 4);
  CHECK(score.mse() == 2.5);
  CHECK(score.mae() == 1.5);
  CHECK(score.rmse() == doctest::Approx(std::sqrt(2.5)));
  CHECK(score.r2() == doctest::Approx(1 - 10.0 / 20));  // targets 2, 4, 6, 8: one mean, 5

  data::ForecastScore a, b, both;
  std::vector<double> p, t;
  const Random random(3);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    t.push_back(1e6 + random.normal(i));
    p.push_back(t.back() + 0.5 * random.normal(1000 + i));
  }
  const std::span<const double> predicted(p), target(t);
  both.add(predicted, target);
  for (std::size_t i = 0; i < 300; i += 3) a.add(predicted.subspan(i, 3), target.subspan(i, 3));
  b.add(predicted.subspan(300), target.subspan(300));
  a.merge(b);
  a.merge({});
  CHECK(a.count() == 1000);
  CHECK(a.mse() == doctest::Approx(both.mse()).epsilon(1e-13));
  CHECK(a.mae() == doctest::Approx(both.mae()).epsilon(1e-13));
  CHECK(a.r2() == doctest::Approx(both.r2()).epsilon(1e-9));
  CHECK(a.r2() == doctest::Approx(0.75).epsilon(0.1));
  CHECK_THROWS_AS(a.add(predicted, target.first(2)), Error);

  data::ForecastScore constant;
  constant.add(std::vector<double>{3, 3}, std::vector<double>{3, 3});
  CHECK(constant.r2() == 1);
  constant.add(std::vector<double>{4}, std::vector<double>{3});
  CHECK(constant.r2() < -1e300);
  constant.add(std::vector<double>{std::nan("")}, std::vector<double>{3});
  CHECK(std::isnan(constant.mse()));
}

TEST_CASE("cycle: the mean of every phase over the training rows, by the row's own number") {
  const auto values = table(7, 2, {1, 0, 2, 0, 3, 0, 3, 6, 4, 6, 5, 6, 1000, 1000});
  const data::Cycle cycle = data::fit_cycle(values, {0, 6}, 3);
  CHECK(numbers(cycle.profile) == std::vector<double>{2, 3, 3, 3, 4, 3});
  CHECK(numbers(data::without_cycle(values, cycle)) == std::vector<double>{-1, -3, -1, -3, -1, -3, 1, 3, 1, 3, 1, 3, 998, 997});
  CHECK(numbers(data::fit_cycle(values, {1, 4}, 3).profile) == std::vector<double>{3, 6, 2, 0, 3, 0});  // row 1 is of phase 1
  CHECK(numbers(data::fit_cycle(values, {0, 5}, 3).profile) == std::vector<double>{2, 3, 3, 3, 3, 0});  // phase 2 is met once
  std::vector<float> window{0, 0, 0, 0};
  cycle.add(std::span(window), 5);  // rows 5 and 6: phases 2 and 0
  CHECK(window == std::vector<float>{4, 3, 2, 3});
  cycle.subtract(std::span(window), 5);
  CHECK(window == std::vector<float>{0, 0, 0, 0});
  CHECK_THROWS_AS(cycle.add(std::span(window).first(3), 0), Error);
  CHECK_THROWS_AS(cycle.add(std::span(window), -1), Error);
  CHECK_THROWS_AS(data::fit_cycle(values, {0, 6}, 7), Error);
  CHECK_THROWS_AS(data::fit_cycle(values, {0, 6}, 0), Error);
  CHECK_THROWS_AS(data::without_cycle(table(1, 1, {1}), cycle), Error);
}

TEST_CASE("synthetic series: the same bits for the same seed, a prefix for fewer variates") {
  const data::SyntheticOptions options{.rows = 1500, .variates = 3, .seed = 5};
  const data::Series a = data::synthetic(options), b = data::synthetic(options);
  CHECK(a.values.shape() == Shape{1500, 3});
  CHECK(a.variates == std::vector<std::string>{"v0", "v1", "v2"});
  CHECK(a.dates.size() == 1500);
  CHECK(a.dates[0] == "2020-01-01 00:00:00");
  CHECK(a.dates[31 * 24 + 28 * 24 + 13] == "2020-02-29 13:00:00");
  CHECK(numbers(a.values) == numbers(b.values));
  auto other = options;
  other.seed = 6;
  CHECK(numbers(data::synthetic(other).values) != numbers(a.values));
  auto narrow = options;
  narrow.variates = 1;
  const data::Series first = data::synthetic(narrow);
  for (Index r = 0; r < 1500; ++r) CHECK_UNARY(first.values.data()[r] == a.values.data()[3 * r]);
  CHECK_THROWS_AS(data::synthetic({.rows = 0}), Error);
  CHECK_THROWS_AS(data::synthetic({.day = 1}), Error);
  CHECK_THROWS_AS(data::synthetic({.regime_rows = 3}), Error);
}

TEST_CASE("synthetic series: the regime says which cycle dominates") {
  const data::SyntheticOptions options{.rows = 20000, .variates = 2, .seed = 1};
  const auto regimes = data::synthetic_regimes(options);
  REQUIRE(regimes.size() == 20000);
  std::array<Index, 3> rows{};
  Index changes = 0;
  for (std::size_t r = 0; r < regimes.size(); ++r) {
    REQUIRE(regimes[r] < 3);
    ++rows[std::size_t(regimes[r])];
    changes += r > 0 && regimes[r] != regimes[r - 1];
  }
  CHECK(changes > 25);
  CHECK(changes < 60);
  for (const Index n : rows) CHECK(n > 2000);

  // Ten weeks of the first regime alone: amplitudes by projection, exact over whole weeks.
  const data::Series one = data::synthetic({.rows = 1680, .variates = 4, .regimes = 1, .trend = 0, .noise = 0});
  for (Index v = 0; v < 4; ++v) {
    const auto amplitude = [&](double period) {
      double c = 0, s = 0;
      for (Index r = 0; r < 1680; ++r) {
        const double angle = 2 * std::numbers::pi * double(r) / period, x = one.values.data()[4 * r + v];
        c += x * std::cos(angle) / 840;
        s += x * std::sin(angle) / 840;
      }
      return std::hypot(c, s);
    };
    CHECK(amplitude(24) == doctest::Approx(1).epsilon(0.5));
    CHECK(amplitude(168) == doctest::Approx(0.2).epsilon(0.5));
    CHECK(amplitude(12) == doctest::Approx(0.2).epsilon(0.5));
    CHECK(amplitude(30) < 1e-10);
  }
}

}  // namespace forecast_data_test
