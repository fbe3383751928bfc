// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <moesaic/train/fit_state.hpp>
#include <moesaic/train/parameter_file.hpp>
#include <moesaic/train/state_archive.hpp>

namespace moesaic {

namespace detail {

inline std::string join(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& l : lines) out += l + '\n';
  return out;
}
inline std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Calls `f(name prefix, piece)` for what the arrays of a player's state, beside the parameters, hold of an entry of its layout:
/// moments that parts share only have the entries of the first part.
template <class B, class F>
void for_each_kept(const PlayerState<B>& kept, const Layout::Entry& entry, const F& f) {
  const auto take = [&](const std::string& prefix, const Array<B>& all) {
    if (all && entry.offset < std::max<Index>(all.size(), 1)) f(prefix, part(all.tensor(), entry));
  };
  for (std::size_t m = 0; m < kept.optimiser.moment.size(); ++m) take("fit/moment" + std::to_string(m) + "/", kept.optimiser.moment[m]);
  take("fit/turn_start/", kept.turn_start);
  take("fit/best/", kept.best);
}

/// The counters of a run in the order in which its file holds them.
template <class State, class F>
void for_each_count(State& s, const F& f) {
  f(s.outer), f(s.player), f(s.inner), f(s.steps), f(s.validations), f(s.validation.waited), f(s.best_from);
  for (auto& k : s.kept) f(k.optimiser.count);
}
template <class State, class F>
void for_each_number(State& s, const F& f) {
  f(s.validation.best), f(s.lowest_loss), f(s.seconds);
  for (auto& k : s.kept)
    for (auto& x : k.sums) f(x);
}

}  // namespace detail

/// Writes a run to a safetensors file every so many outer iterations, at its end and on Ctrl-C; `fit` takes one as its last
/// argument. A resumed run goes on bit for bit as if it had not stopped; where it is given more iterations than before, the
/// validation at its former end is one more.
///
/// The file holds the parameters as `player.name`, from where Python reads them, and under `fit/` and `problem/` all that the run
/// needs to go on. It is replaced as a whole or not at all. Errors name the parameter that differs, its expected and actual
/// shape, or the setting that differs; a run that cannot be resumed is left as it was.
struct Checkpoint {
  std::string path;
  Index every = 10;     ///< outer iterations; 0: only at the end
  bool resume = false;  ///< go on from `path`, which must be there
  /// What else decides the run, by name: a resumed run must have the same (data, rates, whatever the program lets its user choose).
  safetensors::Metadata settings = {};

  bool due(Index iteration) const { return every > 0 && iteration % every == 0; }

  template <class B, class Problem>
  void save(const FitState<B>& state, Problem& problem) const {
    check();
    detail::ArrayWriter out;
    safetensors::Metadata texts{{"format", format}, {"seed", std::to_string(state.seed)}};
    std::vector<std::string> names;
    for (std::size_t i = 0; i < state.players.size(); ++i) {
      const auto& player = state.players[i];
      const auto& kept = state.kept[i];
      names.push_back(player.name);
      texts["terms/" + player.name] = detail::join(kept.terms);
      for (const auto& e : player.layout.entries()) {
        out.add(player.label(e), detail::part(player.parameters, e));
        detail::for_each_kept(kept, e, [&](const std::string& prefix, const Tensor<B>& t) { out.add(prefix + player.label(e), t); });
      }
    }
    for (const auto& [name, text] : settings) texts["settings/" + name] = text;
    texts["players"] = detail::join(names);
    texts["history"] = detail::join(state.history.names());
    std::vector<std::int64_t> counts;
    detail::for_each_count(state, [&](auto n) { counts.push_back(std::int64_t(n)); });
    out.add("fit/counts", std::move(counts));
    std::vector<double> numbers;
    detail::for_each_number(state, [&](double x) { numbers.push_back(x); });
    out.add("fit/numbers", std::move(numbers));
    out.add("fit/history", state.history.numbers(), {state.history.rows(), state.history.columns()});
    if constexpr (detail::has_state<Problem, StateWriter>) {
      StateWriter archive(out, "problem/");
      problem.state(archive);
    }
    out.save(path, texts);
  }

  template <class B, class Problem>
  void load(FitState<B>& state, Problem& problem) const {
    check();
    if (!resume) return;
    using T = typename B::Scalar;
    detail::ArrayReader in(path);
    const auto& file = in.file();
    require(file.metadata().count("format") > 0 && file.metadata("format") == format, path,
            ": is not a checkpoint of this version, ", format);
    require(file.metadata("seed") == std::to_string(state.seed), path, ": was written by a run with seed ", file.metadata("seed"),
            "; this run has ", state.seed);
    for (const auto& [name, text] : settings) {
      const auto then = file.metadata().find("settings/" + name);
      require(then != file.metadata().end() && then->second == text, path, ": was written by a run with ", name, " ",
              then == file.metadata().end() ? "unknown" : then->second, "; this run has ", text);
    }
    std::vector<std::string> names;
    for (const auto& p : state.players) names.push_back(p.name);
    require(detail::split(file.metadata("players")) == names, path,
            ": was written by a run with other players: ", io::quoted_list(detail::split(file.metadata("players"))),
            "; expected ", io::quoted_list(names));

    // Nothing of the run is changed before the whole file has been found good.
    std::vector<std::pair<Tensor<B>, std::vector<T>>> arrays;
    std::vector<std::vector<std::string>> terms;
    for (std::size_t i = 0; i < state.players.size(); ++i) {
      const auto& player = state.players[i];
      for (const auto& e : player.layout.entries()) {
        const auto take = [&](const char* what, const std::string& prefix, const Tensor<B>& to) {
          arrays.emplace_back(to, in.values<T>(what, prefix + player.label(e), e.shape, true));
        };
        take("parameter", "", detail::part(player.parameters, e));
        detail::for_each_kept(state.kept[i], e, [&](const std::string& prefix, const Tensor<B>& t) { take("state", prefix, t); });
      }
      terms.push_back(detail::split(file.metadata("terms/" + player.name)));
      require(terms.back().size() <= std::size_t{Losses::capacity}, path, ": names ", terms.back().size(),
              " loss terms; at most ", Losses::capacity, " are possible");
    }
    std::vector<std::int64_t> counts =
        same_size<std::int64_t>(in, "fit/counts", [&](auto f) { detail::for_each_count(state, f); });
    std::vector<double> numbers = same_size<double>(in, "fit/numbers", [&](auto f) { detail::for_each_number(state, f); });
    check_counts(counts, state);
    History history = read_history(in);
    require(history.columns() == 0 || history.contains("validation") == state.validates, path, ": was written by a run ",
            state.validates ? "without" : "with", " validation; this run has ", state.validates ? "one" : "none");
    in.require_all_used("problem/");
    for (const auto mode : {StateReader::Mode::check, StateReader::Mode::read})
      if constexpr (detail::has_state<Problem, StateReader>) {
        StateReader archive(in, "problem/", mode);
        problem.state(archive);
      }
    in.require_all_used();

    for (const auto& [to, values] : arrays) B::from_host(to, values.data());
    auto count = counts.begin();
    detail::for_each_count(state, [&](auto& n) { n = static_cast<std::remove_reference_t<decltype(n)>>(*count++); });
    auto number = numbers.begin();
    detail::for_each_number(state, [&](double& x) { x = *number++; });
    state.history = std::move(history);
    for (std::size_t i = 0; i < terms.size(); ++i) state.kept[i].terms = std::move(terms[i]);
  }

 private:
  static constexpr const char* format = "moesaic checkpoint 1";

  void check() const {
    require(!path.empty(), "Checkpoint: has no path");
    require(every >= 0, "Checkpoint: every is ", every, "; expected at least 0");
  }

  template <class N, class ForEach>
  static std::vector<N> same_size(detail::ArrayReader& in, const char* name, const ForEach& for_each) {
    Index n = 0;
    for_each([&](auto&) { ++n; });
    return in.values<N>("state", name, Shape{n}, true);
  }

  template <class B>
  void check_counts(const std::vector<std::int64_t>& counts, const FitState<B>& state) const {
    FitState<B> read;
    read.kept.resize(state.kept.size());
    auto count = counts.begin();
    bool good = true;
    detail::for_each_count(read, [&](auto& n) {
      n = static_cast<std::remove_reference_t<decltype(n)>>(*count);
      good = good && *count++ >= (static_cast<const void*>(&n) == &read.best_from ? -1 : 0);
    });
    require(good && read.player < state.players.size(), path, ": its counters are no state of a run");
    require(read.inner < state.players[read.player].inner_steps, path, ": stands at inner step ", read.inner, " of player \"",
            state.players[read.player].name, "\", which takes ", state.players[read.player].inner_steps);
  }

  History read_history(detail::ArrayReader& in) const {
    History history(detail::split(in.file().metadata("history")));
    const auto shape = detail::shape_of(path + ": fit/history", in.file().at("fit/history").shape());
    require(shape.rank() == 2 && shape[1] == history.columns(), path, ": the history has shape ", shape, "; expected ",
            history.columns(), " columns");
    const auto numbers = in.values<double>("state", "fit/history", true);
    const auto columns = static_cast<std::size_t>(history.columns());
    for (std::size_t at = 0; columns > 0 && at < numbers.size(); at += columns)
      history.append(std::span(numbers).subspan(at, columns));
    return history;
  }
};

}  // namespace moesaic
