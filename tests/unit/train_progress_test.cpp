// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <string>

#include <doctest/doctest.h>

#include <moesaic/train/progress.hpp>

namespace train_progress_test {

using moesaic::Progress;

struct Output {
  std::FILE* file = std::tmpfile();
  ~Output() { std::fclose(file); }
  std::string text() const {
    std::rewind(file);
    std::string out;
    for (int c; (c = std::fgetc(file)) != EOF;) out += char(c);
    return out;
  }
};

std::string line(const Progress::View& view, bool bar = false) {
  char text[256];
  Progress::format(text, sizeof text, view, bar);
  return text;
}

TEST_CASE("a progress line tells how far, how good and how long") {
  CHECK(line({.iteration = 5, .iterations = 20, .fraction = 0.25, .seconds = 30, .loss = 0.125}) ==
        " 25 %  5/20  loss 0.125  0:30, 1:30 left");
  CHECK(line({.iteration = 5, .iterations = 20, .fraction = 0.25, .seconds = 30, .loss = 0.125, .validation = 2}, true) ==
        "[=====>              ]  25 %  5/20  loss 0.125  validation 2  0:30, 1:30 left");
  CHECK(line({.iteration = 20, .iterations = 20, .fraction = 1, .seconds = 3725, .loss = 1e-9}, true) ==
        "[====================] 100 %  20/20  loss 1e-09  1:02:05");
  // A run resumed at half, which did another quarter in 30 s, needs 30 s more.
  CHECK(line({.iteration = 15, .iterations = 20, .fraction = 0.75, .fraction_start = 0.5, .seconds = 30}) ==
        " 75 %  15/20  0:30, 0:30 left");
}

TEST_CASE("a piped progress prints a line for every tenth, a terminal one bar") {
  Output piped, terminal;
  {
    Progress lines(piped.file, false), bar(terminal.file, true);
    for (int i = 1; i <= 1000; ++i) {
      const Progress::View view{.iteration = i, .iterations = 1000, .fraction = i / 1000.0, .seconds = i * 0.001, .loss = 1};
      lines.show(view);
      bar.show(view);
    }
  }
  const std::string text = piped.text(), drawn = terminal.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 11);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(std::count(drawn.begin(), drawn.end(), '\n') == 1);
  const auto redrawn = std::count(drawn.begin(), drawn.end(), '\r');
  CHECK(redrawn >= 10);  // ten times a second
  CHECK(redrawn <= 12);
  CHECK(drawn.find("100 %  1000/1000") != std::string::npos);
}

TEST_CASE("a file is no terminal") {
  Output file;
  {
    Progress progress(file.file);
    progress.show({.iteration = 1, .iterations = 1, .fraction = 1});
  }
  CHECK(file.text() == "100 %  1/1  0:00\n");
}

}  // namespace train_progress_test
