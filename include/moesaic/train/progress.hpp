// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include <moesaic/core/shape.hpp>

namespace moesaic {

/// One line on the state of long work: a bar that is redrawn on a terminal, a plain line every few percent when piped.
class Progress {
 public:
  struct View {
    Index iteration = 0, iterations = 0;
    double fraction = 0;        ///< of the work, done
    double fraction_start = 0;  ///< where this session began (a resumed run): for the time that is left
    double seconds = 0;         ///< of this session
    double loss = std::nan("");
    double validation = std::nan("");  ///< NaN: none yet
  };

  explicit Progress(std::FILE* out = stderr) : Progress(out, ::isatty(::fileno(out)) != 0) {}
  Progress(std::FILE* out, bool terminal) : out_(out), terminal_(terminal) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    if (open_) std::fputc('\n', out_);
  }

  /// Prints when there is something new to see, and always at the end of the work.
  void show(const View& view) {
    const bool end = view.fraction >= 1;
    if (terminal_) {
      if (!end && view.seconds < next_) return;
      next_ = view.seconds + seconds_between;
    } else {
      if (!end && view.fraction < next_) return;
      while (next_ <= view.fraction) next_ += fraction_between;
    }
    char line[256];
    format(line, sizeof line, view, terminal_);
    std::fprintf(out_, terminal_ ? "\r%s\x1b[K" : "%s\n", line);
    open_ = terminal_;
    std::fflush(out_);
  }

  /// `[=====>    ]  50 %  10/20  loss 0.125  validation 0.25  0:12, 0:11 left`.
  static void format(char* line, std::size_t size, const View& v, bool bar) {
    const double f = std::clamp(v.fraction, 0.0, 1.0);
    std::size_t at = 0;
    const auto put = [&](const char* text, auto... values) {
      const int n = std::snprintf(line + at, size - at, text, values...);
      at = std::min(size - 1, at + std::size_t(std::max(n, 0)));
    };
    if (bar) {
      constexpr int width = 20;
      const int filled = int(f * width);
      put("[%.*s%s%*s] ", filled, "====================", filled < width ? ">" : "", width - filled - (filled < width), "");
    }
    put("%3d %%  %td/%td", int(f * 100), v.iteration, v.iterations);
    if (!std::isnan(v.loss)) put("  loss %.4g", v.loss);
    if (!std::isnan(v.validation)) put("  validation %.4g", v.validation);
    put("%s", "  ");
    const auto put_time = [&](double seconds) {
      const long s = std::lround(std::min(seconds, 1e9));
      if (s >= 3600)
        put("%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
      else
        put("%ld:%02ld", s / 60, s % 60);
    };
    put_time(v.seconds);
    if (f < 1 && f > v.fraction_start) {
      put("%s", ", ");
      put_time(v.seconds * (1 - f) / (f - v.fraction_start));
      put("%s", " left");
    }
  }

 private:
  static constexpr double seconds_between = 0.1, fraction_between = 0.1;

  std::FILE* out_;
  bool terminal_;
  bool open_ = false;
  double next_ = 0;
};

}  // namespace moesaic
