// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <moesaic/io/csv.hpp>

#include "support/io_test_files.hpp"

namespace io_csv_test {

using namespace moesaic;
using namespace io_test;

/// Writes the text to a file and reads it as a table.
struct Csv {
  Folder folder;
  std::string path = folder.file("own.csv");
  csv::Table operator()(const std::string& text, const csv::Options& options = {}) const {
    write(path, text);
    return csv::load(path, options);
  }
  bool refused(const std::string& text, const csv::Options& options, std::vector<std::string> parts) const {
    parts.push_back(path);
    return mentions(error_of([&] { (*this)(text, options); }), parts);
  }
};

std::vector<double> numbers(const csv::Table& t) { return to_host(t.values.tensor()); }

TEST_CASE("csv: names, dates and numbers, whatever the line ends") {
  const Csv csv;
  const std::string text = "date,HUFL,p (mbar)\n2016-07-01 00:00:00,5.827,-2e-3\n2016-07-01 01:00:00,+.5,7\n";
  std::string crlf;
  for (char c : text) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  for (const std::string& variant : {text, crlf, text.substr(0, text.size() - 1), crlf.substr(0, crlf.size() - 2),
                                     crlf.substr(0, crlf.size() - 1), "\xEF\xBB\xBF" + text, text + "\n \n\r\n"}) {
    const auto t = csv(variant, {.date = "date"});
    CHECK(t.columns == std::vector<std::string>{"HUFL", "p (mbar)"});
    CHECK(t.dates == std::vector<std::string>{"2016-07-01 00:00:00", "2016-07-01 01:00:00"});
    CHECK(t.values.shape() == Shape{2, 2});
    CHECK(numbers(t) == std::vector<double>{5.827, -2e-3, 0.5, 7});
    CHECK(t.rows() == 2);
    CHECK(t.column("p (mbar)") == 1);
  }
}

TEST_CASE("csv: files without names, and names that are numbers") {
  const Csv csv;
  CHECK(csv("1,2\n3,4").columns == std::vector<std::string>{"0", "1"});
  CHECK(numbers(csv("1,2\n3,4")) == std::vector<double>{1, 2, 3, 4});
  CHECK(csv("a,b\n1e-400,-1e-320\n").values.data()[0] == 0);
  CHECK(csv.refused("a\n1e400\n", {}, {"expected a number", "1e400"}));
  CHECK(csv("date,0,1\nx,3,4", {.date = "date"}).columns == std::vector<std::string>{"0", "1"});
  CHECK(csv("monday,3,4\n", {.header = false, .date = "0"}).dates == std::vector<std::string>{"monday"});
  CHECK(numbers(csv("1,2\n3,4", {.header = true})) == std::vector<double>{3, 4});
  CHECK(csv("a,b\n").values.shape() == Shape{0, 2});
}

TEST_CASE("csv: other separators, quotes, a choice of columns") {
  const Csv csv;
  const csv::Options blanks{.separator = ' '}, semicolon{.separator = ';'}, chosen{.columns = {"z", "x"}};
  CHECK(numbers(csv("  28.7812 34.4632\t31.3381  \n 1 2   3\n", blanks)) ==
        std::vector<double>{28.7812, 34.4632, 31.3381, 1, 2, 3});
  CHECK(numbers(csv("1 ;\t2\n3; 4", semicolon)) == std::vector<double>{1, 2, 3, 4});

  const csv::Options tabs{.separator = '\t', .header = false, .non_finite = NonFinite::keep};
  CHECK(numbers(csv("1 \t\"2\"\t 3\n4\t\"5\"\t6\n", tabs)) == std::vector<double>{1, 2, 3, 4, 5, 6});
  const auto gaps = numbers(csv("1\t\t\"3\"\n4\t5\t\n", tabs));
  CHECK(gaps.size() == 6);
  CHECK(std::isnan(gaps[1]));
  CHECK(gaps[2] == 3);
  CHECK(std::isnan(gaps[5]));

  const auto t = csv("\"a, \"\"b\"\"\" , c\n\"1\",\"2\"\n", {.columns = {"c"}});
  CHECK(t.columns == std::vector<std::string>{"c"});
  CHECK(csv.refused("\"a, \"\"b\"\"\",c\n\"1\",\" 2\"\n", {}, {"line 2", "\"c\"", "\" 2\""}));

  CHECK(numbers(csv("x,y,z\n1,text,3\n4,,6\n", chosen)) == std::vector<double>{3, 1, 6, 4});
}

TEST_CASE("csv: errors name file, line and column") {
  const Csv csv;
  CHECK(csv.refused("", {}, {"empty"}));
  CHECK(csv.refused(" \r\n\n", {}, {"empty"}));
  CHECK(csv.refused("a,b\n1,2\n3,4x\n", {}, {"line 3", "column \"b\"", "number", "\"4x\""}));
  CHECK(csv.refused("a,b\n1,\n", {}, {"line 2", "column \"b\"", "\"\""}));
  CHECK(csv.refused("a,b\n1,2\n3\n", {}, {"line 3", "expected 2 cells", "actual 1"}));
  CHECK(csv.refused("a,b\n1,2\n\n3,4\n", {}, {"line 3", "expected 2 cells"}));
  CHECK(csv.refused("a,b\n1,2,3\n", {}, {"line 2", "expected 2 cells", "actual 3"}));
  CHECK(csv.refused("a,b\n1,nan\n", {}, {"line 2", "column \"b\"", "finite", "\"nan\""}));
  CHECK(csv.refused("a,b\n1,-inf\n", {}, {"line 2", "column \"b\"", "finite", "\"-inf\""}));
  CHECK(csv.refused("a,b\n1,1e999\n", {}, {"line 2", "column \"b\"", "\"1e999\""}));
  CHECK(csv.refused("a,b\n1,+-2\n", {}, {"line 2", "\"+-2\""}));
  CHECK(csv.refused("a,b\n1,2 3\n", {}, {"line 2", "\"2 3\""}));
  CHECK(csv.refused("a,b\n1,0x10\n", {}, {"line 2", "\"0x10\""}));
  CHECK(csv.refused("date,b\n2016,2\n2017-01,3\n", {}, {"line 3", "column \"date\"", "\"2017-01\""}));
  CHECK(csv.refused("a,b\n1,2\n", {.date = "date"}, {"no column \"date\"", "\"a\", \"b\""}));
  CHECK(csv.refused("a,a\n1,2\n", {}, {"two columns", "\"a\""}));
  CHECK(csv.refused("a\n1\n", {.date = "a"}, {"no column of numbers"}));
  CHECK(csv.refused("a,b\n\"1,2\n", {}, {"line 2", "cell 1", "not closed"}));
  CHECK(csv.refused("a,b\n\"1\"x,2\n", {}, {"line 2", "cell 1", "closing quote", "\"x,2\""}));
  CHECK(csv.refused(std::string("a,b\n1,\0\x01\n", 9), {}, {"line 2", "\\x00\\x01"}));
  CHECK(csv.refused("a\n" + std::string(100000, '7') + "x", {}, {"line 2", "777...\""}));
  CHECK(csv.refused("a,b\n1,2\n", {.columns = {"a", "a"}}, {"\"a\"", "twice"}));
  CHECK(mentions(error_of([&] { csv("a,b\n1,2\n").column("c"); }), {"no column \"c\"", "\"a\", \"b\""}));
  CHECK(mentions(error_of([&] { csv::load(csv.folder.file("none.csv")); }), {"none.csv", "No such file"}));
  CHECK(mentions(error_of([&] { csv::load(csv.folder.path.string()); }), {"a folder"}));
}

TEST_CASE("csv: gaps are NaN where that is wanted") {
  const auto v = numbers(Csv()("a,b,c\n1,,nan\ninf,-inf,2\n", {.non_finite = NonFinite::keep}));
  CHECK(std::isnan(v[1]));
  CHECK(std::isnan(v[2]));
  CHECK(v[3] == HUGE_VAL);
  CHECK(v[4] == -HUGE_VAL);
}

TEST_CASE("csv: there and back to the last bit") {
  const Folder folder;
  const std::string path = folder.file("own.csv");
  const std::vector<double> v{1.0 / 3, -0.0, 5e-324, std::numeric_limits<double>::max(), 1e23, 123456789};
  const Array<Cpu<double>> x(Shape{3, 2}, v);
  csv::save(path, {"a b", "say \"c\", d"}, x, {"2020", "20,21", ""});
  const auto t = csv::load(path, {.date = "date"});
  CHECK(t.columns == std::vector<std::string>{"a b", "say \"c\", d"});
  CHECK(t.dates == std::vector<std::string>{"2020", "20,21", ""});
  CHECK(numbers(t) == v);
  CHECK(std::signbit(numbers(t)[1]));
  const std::string before = read(path);
  CHECK(mentions(error_of([&] { csv::save(path, {"a"}, x); }), {path, "[3, 2]", "1 columns"}));
  CHECK(mentions(error_of([&] { csv::save(path, {"a", "b"}, x, {"2020"}); }), {path, "1 dates", "3 rows"}));
  CHECK(mentions(error_of([&] { csv::save(path, {"date", "b"}, x, {"1", "2", "3"}); }), {path, "\"date\""}));
  CHECK(mentions(error_of([&] { csv::save(path, {"a\nb", "b"}, x); }), {"line break"}));
  CHECK(read(path) == before);
}

TEST_CASE("csv: a damaged file gives a result or an error") {
  const Folder folder;
  const std::string path = folder.file("own.csv"), good = "date,a,\"b\"\r\n2016-07-01,1.5,\"-2\"\n";
  const Tally tally = damage(path, good, 0, good.size(), [&] { csv::load(path, {.date = "date"}); });
  CHECK(tally.accepted > 1000);
  CHECK(tally.refused > 1000);
}

TEST_CASE("csv: published data sets") {
  const char* given = std::getenv("MOESAIC_DATA");
  const fs::path data = given ? fs::path(given) : fs::path(MOESAIC_SOURCE_DIR) / ".." / "shared" / "data";
  struct Known {
    const char* file;
    const char* date;
    Shape shape;
    NonFinite non_finite;
  };
  for (const Known& k : {Known{"ETT-small/ETTh1.csv", "date", {17420, 7}, NonFinite::reject},
                         Known{"weather/weather.csv", "date", {52696, 21}, NonFinite::reject},
                         Known{"exchange_rate/exchange_rate.csv", "date", {7588, 8}, NonFinite::reject},
                         Known{"illness/national_illness.csv", "date", {966, 7}, NonFinite::reject},
                         Known{"solar_partial/solar_energy_137_10min.csv", "", {52560, 12}, NonFinite::reject}}) {
    if (!fs::exists(data / k.file)) {
      MESSAGE("skipped: ", (data / k.file).string(), " is absent; set MOESAIC_DATA to the folder of the data sets");
      continue;
    }
    const csv::Options options{.header = true, .date = *k.date ? std::optional<std::string>(k.date) : std::nullopt};
    const auto t = csv::load((data / k.file).string(), options);
    CHECK(t.values.shape() == k.shape);
    CHECK(Index(t.dates.size()) == (!options.date ? 0 : k.shape[0]));
  }
}

}  // namespace io_csv_test
