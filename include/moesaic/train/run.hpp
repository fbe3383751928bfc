// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <iomanip>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <moesaic/core/tensor.hpp>
#include <moesaic/train/history.hpp>

namespace moesaic {

/// How a run ended.
enum class Ending { finished, early_stop, interrupted, failed };

/// What `fit` returns.
template <class B>
struct Run {
  Ending ending = Ending::finished;
  std::string error;                 ///< of a failed run
  std::vector<std::string> players;  ///< names
  /// By player: with validation those of the lowest one, else the last ones. A failed run without validation keeps those whose
  /// loss at the start of an iteration was the lowest.
  std::vector<Array<B>> parameters;
  Index parameters_from = 0;  ///< outer iterations that had been completed when the parameters were those above
  double best_validation = std::numeric_limits<double>::quiet_NaN();
  History history;
  Index iterations = 0;  ///< completed outer iterations
  Index steps = 0;       ///< of all players
  double seconds = 0;    ///< wall time, of all sessions where the run was resumed
  double steps_per_second() const { return seconds > 0 ? double(steps) / seconds : 0; }
};

/// A run that had to stop. Nothing is lost: `run` holds the best parameters and the history, and the players' arrays have them
/// too.
template <class B>
struct FitError : Error {
  std::shared_ptr<const Run<B>> run;
  explicit FitError(std::shared_ptr<const Run<B>> r) : Error(r->error), run(std::move(r)) {}
};

/// Prints how the run ended and a table of its loss terms: first, last and lowest value, and the iteration of the lowest.
template <class B>
std::ostream& operator<<(std::ostream& out, const Run<B>& run) {
  const auto flags = out.flags();
  const auto precision = out.precision(4);
  constexpr const char* endings[] = {"finished", "stopped early", "interrupted", "failed"};
  out << endings[std::size_t(run.ending)] << " after " << run.iterations << " iterations (" << run.steps << " steps) in "
      << run.seconds << " s: " << run.steps_per_second() << " steps/s\n";
  if (!run.error.empty()) out << run.error << '\n';
  out << "parameters of iteration " << run.parameters_from;
  if (!std::isnan(run.best_validation)) out << ", validation " << run.best_validation;
  out << '\n';
  const History& h = run.history;
  if (h.rows() > 0) {
    std::size_t width = 4;
    for (const auto& n : h.names()) width = std::max(width, n.size());
    const auto cell = [&out](const auto& x) { out << "  " << std::right << std::setw(10) << x; };
    out << std::left << std::setw(int(width)) << "term";
    for (const char* title : {"first", "last", "lowest", "iteration"}) cell(title);
    out << '\n';
    for (Index c = 0; c < h.columns(); ++c) {
      Index first = -1, last = -1, lowest = -1;
      for (Index r = 0; r < h.rows(); ++r) {
        if (std::isnan(h.at(r, c))) continue;
        if (first < 0) first = r;
        last = r;
        if (lowest < 0 || h.at(r, c) < h.at(lowest, c)) lowest = r;
      }
      out << std::left << std::setw(int(width)) << h.names()[std::size_t(c)];
      for (Index r : {first, last, lowest})
        if (r >= 0) cell(h.at(r, c));
      if (lowest >= 0) cell(lowest + 1);
      out << '\n';
    }
  }
  out.flags(flags);
  out.precision(precision);
  return out;
}

}  // namespace moesaic
