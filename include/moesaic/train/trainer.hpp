// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <moesaic/train/clip.hpp>
#include <moesaic/train/fit_state.hpp>
#include <moesaic/train/interrupt.hpp>
#include <moesaic/train/problem.hpp>
#include <moesaic/train/progress.hpp>
#include <moesaic/train/run.hpp>
#include <moesaic/train/set_off_steps.hpp>

namespace moesaic {

/// What `fit` does beside taking steps.
struct FitOptions {
  Index iterations = 1000;  ///< outer iterations: one turn of every player
  std::size_t first_player = 0;  ///< who begins an iteration; the others follow in their order, round about
  bool progress = false;
  Index validation_every = 10;  ///< outer iterations; the last one is always validated
  Index patience = 0;           ///< validations without improvement before the run stops early; 0: never
  double minimum_improvement = 0;
  Clip clip{};
  std::uint64_t seed = 0;  ///< of `Step::random`
};

/// Writes nothing; see `Checkpoint` in train/checkpoint.hpp.
struct NoCheckpoint {
  template <class B, class Problem>
  void load(FitState<B>&, Problem&) const {}
  template <class B, class Problem>
  void save(const FitState<B>&, Problem&) const {}
  bool due(Index) const { return false; }
};

namespace detail {

/// Puts into words where a gradient is not finite; returns if it is everywhere.
template <class B>
void require_finite(const char* what, const Player<B>& player, const Tensor<B>& numbers) {
  const auto host = to_host(numbers);
  for (const auto& e : player.layout.entries())
    for (Index i = 0; i < e.shape.size(); ++i) {
      const auto x = host[std::size_t(e.offset + i)];
      if (!std::isfinite(x)) fail(what, " \"", player.label(e), "\" of shape ", e.shape, " is ", x, " at element ", i);
    }
}

/// Takes the steps of `fit`, one at a time.
template <class Problem, class B, class Checkpoint>
class Trainer {
 public:
  Trainer(Problem& problem, std::vector<Player<B>> players, const FitOptions& options, const Checkpoint& checkpoint)
      : problem_(problem), options_(options), checkpoint_(checkpoint) {
    require(options_.iterations >= 0, "fit: ", options_.iterations, " iterations; expected at least 0");
    require(options_.validation_every >= 1, "fit: validation_every is ", options_.validation_every, "; expected at least 1");
    require(!players.empty(), "fit: no player; expected at least one");
    require_bounds(options_.clip);
    state_.players = std::move(players);
    state_.seed = options_.seed;
    for (std::size_t i = 0; i < state_.players.size(); ++i) admit(state_.players[i], i);
    if constexpr (sets_off_somewhere) set_off_.emplace(state_.players.size());
    require(state_.turn_steps() > 0, "fit: no player takes a step");
    require(options_.first_player < state_.players.size(), "fit: first_player is ", options_.first_player,
            "; expected less than the number of players, ", state_.players.size());
    first_player_ = state_.player = next_player(options_.first_player);
    state_.validates = validates();
    checkpoint_.load(state_, problem_);
    state_.validation.patience = options_.patience;
    state_.validation.minimum_improvement = options_.minimum_improvement;
    if (state_.history.columns() > 0) reserve_history();
  }

  Run<B> run() {
    const InterruptGuard guard;
    started_ = Clock::now();
    seconds_before_ = state_.seconds;
    fraction_before_ = fraction();
    Ending ending = Ending::finished;
    try {
      while (state_.outer < options_.iterations) {
        if (state_.validation.exhausted()) {
          ending = Ending::early_stop;
          break;
        }
        step();
        if (InterruptGuard::requested() && state_.outer < options_.iterations) {
          ending = Ending::interrupted;
          break;
        }
      }
      save();
    } catch (const Error& e) {
      throw FitError<B>(std::make_shared<Run<B>>(result(Ending::failed, std::string("fit: ") + e.what())));
    } catch (...) {
      restore_best();
      throw;
    }
    return result(ending, {});
  }

 private:
  using Clock = std::chrono::steady_clock;
  using Contract = ProblemContract<Problem>;
  static constexpr bool sets_off_somewhere = Recordable<B> && Contract::template can_set_off<Problem, B>;

  void admit(Player<B>& p, std::size_t index) {
    require_player(p, index);
    for (std::size_t i = 0; i < index; ++i)
      require(state_.players[i].name != p.name, "fit: two players are named \"", p.name, "\"");
    const Shape& shape = p.parameters.shape();
    PlayerState<B> kept;
    if (p.inner_steps > 0) {
      kept.optimiser = p.optimiser.initial_state(p.part(p.parameters, 0));
      kept.gradient = Array<B>(shape);
    }
    kept.best = Array<B>(shape);
    if (p.proximal > 0) kept.turn_start = Array<B>(shape);
    before_.push_back(p.tolerance > 0 ? Array<B>(shape) : Array<B>());
    state_.kept.push_back(std::move(kept));
  }

  /// The first player from `i` on, round about, that takes steps.
  std::size_t next_player(std::size_t i) const {
    const std::size_t count = state_.players.size();
    while (state_.players[i % count].inner_steps == 0) ++i;
    return i % count;
  }

  void step() {
    auto& s = state_;
    Player<B>& player = s.players[s.player];
    PlayerState<B>& kept = s.kept[s.player];
    bool settled = false;
    try {
      Scratch<typename B::Memory> scratch;
      const Step now{s.player, s.inner, s.outer, s.steps, Random(s.seed).fork(std::uint64_t(s.steps))};
      const Tensor<B> p = player.parameters, g = kept.gradient;
      if (player.proximal > 0 && s.inner == 0) B::copy(kept.turn_start, p);
      if (sets_off(player))
        set_off(now, player, kept);
      else
        evaluate(now, player, kept);
      const double rate = player.rate(Index(kept.optimiser.count) / player.parts_sharing_state);
      require(std::isfinite(rate), "the learning rate is ", rate);
      const Tensor<B> before = before_[s.player];
      if (before) B::copy(before, p);
      for (Index k = 0; k < player.parts_sharing_state; ++k)
        player.optimiser.update(kept.optimiser, player.part(p, k), player.part(g, k), rate);
      if constexpr (Contract::template has_after_step<Problem>) problem_.after_step(now);
      if (before) settled = squared_distance(p, before) < player.tolerance * squared_norm(before);
    } catch (const Error& error) {
      const std::string cause = cause_of(error);
      fail("player \"", player.name, "\", step ", s.steps + 1, " (outer iteration ", s.outer + 1, ", inner step ", s.inner + 1,
           "): ", cause);
    }
    ++s.steps;
    if (++s.inner == player.inner_steps || settled) end_turn(kept);
    show_progress();
  }

  /// Fills the gradient.
  void evaluate(const Step& now, const Player<B>& player, PlayerState<B>& kept) {
    auto& s = state_;
    const Tensor<B> g = kept.gradient;
    Losses losses = problem_.evaluate(now, g);
    if (player.proximal > 0) add_proximal(losses, player, kept);
    if (s.inner == 0) kept.sums = {};
    record(losses, kept);
    loss_ = losses.total();
    const double norm_squared = squared_norm(g);
    if (!std::isfinite(norm_squared)) require_finite("the gradient of", player, g);
    if (s.player == first_player_ && s.inner == 0 && s.validations == 0 && losses.total() < s.lowest_loss) {
      s.lowest_loss = losses.total();
      s.keep_best(s.outer);
    }
    clip(g, options_.clip, norm_squared);
  }

  /// Whether the steps of a player are only set off: nothing that they compute decides what comes next.
  bool sets_off(const Player<B>& player) const {
    if constexpr (sets_off_somewhere)
      return player.tolerance == 0 && problem_.sets_off();
    else
      return false;
  }
  /// Fills the gradient, and learns nothing of it until `read`.
  void set_off(const Step& now, const Player<B>& player, PlayerState<B>& kept) {
    if constexpr (sets_off_somewhere) {
      if (now.inner == 0) {
        kept.sums = {};
        if (now.player == first_player_ && state_.validations == 0) set_off_->keep_candidates(state_.players);
      }
      const Tensor<B> g = kept.gradient;
      if constexpr (Contract::template has_prepare<Problem>) problem_.prepare(now);
      set_off_->turn(now.player).step(player, kept.turn_start, now.inner == 0, g, options_.clip, [&] { return problem_.set_off(now, g); });
      if (now.inner + 1 == player.inner_steps) read(now.player);
    }
  }
  /// What `evaluate` sees at once, of all steps of a player that were set off since.
  void read([[maybe_unused]] std::size_t i) {
    if constexpr (sets_off_somewhere) {
      auto& s = state_;
      const auto found = set_off_->read(i);
      if (!found) return;
      if (i == first_player_ && found->first_total && s.validations == 0 && *found->first_total < s.lowest_loss) {
        s.lowest_loss = *found->first_total;
        set_off_->keep_best(s);
      }
      try {
        record(found->sums, s.kept[i]);
        if (!found->finite) {
          require_finite("the gradient of", s.players[i], s.kept[i].gradient.tensor());
          fail("the gradient of \"", s.players[i].name, "\" is not finite");
        }
      } catch (const Error& e) {
        fail(e.what(), ", in one of the last ", found->steps, " steps");
      }
      loss_ = found->sums.total() / double(found->steps);
    }
  }
  /// An error, or what steps that were set off before it had come to already.
  std::string cause_of(const Error& error) {
    try {
      read(state_.player);
    } catch (const Error& earlier) {
      return earlier.what();
    }
    return error.what();
  }

  /// Adds `beta/2 mean((p - p_start)^2)` and its gradient, `beta (p - p_start) / n`; both are zero at the turn's first step.
  void add_proximal(Losses& losses, const Player<B>& player, const PlayerState<B>& kept) {
    const Tensor<B> p = player.parameters, start = kept.turn_start, g = kept.gradient;
    const double n = double(std::max<Index>(p.size(), 1));
    losses.add_to_total("proximal", state_.inner == 0 ? 0 : 0.5 * player.proximal * squared_distance(p, start) / n);
    if (state_.inner > 0) B::map(g, functor::AddProximal{player.proximal / n}, g, p, start);
  }

  void record(const Losses& losses, PlayerState<B>& kept) {
    const auto count = std::size_t(losses.count());
    for (int i = losses.count(); i-- > 0;)  // the total last: a term says more than their sum
      require(std::isfinite(losses.value(i)), "the loss term \"", losses.name(i), "\" is ", losses.value(i));
    if (kept.terms.empty())
      for (std::size_t i = 0; i < count; ++i) kept.terms.emplace_back(losses.name(int(i)));
    bool same = kept.terms.size() == count;
    for (std::size_t i = 0; same && i < count; ++i) same = kept.terms[i] == losses.name(int(i));
    if (!same) {
      std::string then, now;
      for (const auto& name : kept.terms) then += (then.empty() ? "" : ", ") + name;
      for (std::size_t i = 0; i < count; ++i) now += (i ? ", " : "") + std::string(losses.name(int(i)));
      fail("evaluate reports other loss terms than at first: ", then, " then, ", now, " now");
    }
    for (std::size_t i = 0; i < count; ++i) kept.sums[i] += losses.value(int(i));
  }

  void end_turn(PlayerState<B>& kept) {
    auto& s = state_;
    for (double& x : kept.sums) x /= double(s.inner);
    s.inner = 0;
    s.player = next_player(s.player + 1);
    if (s.player == first_player_) end_iteration();
  }

  void end_iteration() {
    auto& s = state_;
    ++s.outer;
    double validation = std::numeric_limits<double>::quiet_NaN();
    if (s.validates && (s.outer % options_.validation_every == 0 || s.outer == options_.iterations)) validation = validate();
    if (s.history.columns() == 0) name_columns();
    row_.clear();
    for (std::size_t i = 0; i < s.players.size(); ++i)
      row_.insert(row_.end(), s.kept[i].sums.begin(), s.kept[i].sums.begin() + std::ptrdiff_t(s.kept[i].terms.size()));
    if (s.validates) row_.push_back(validation);
    s.history.append(row_);
    if (checkpoint_.due(s.outer) && s.outer < options_.iterations) {
      save();
    }
  }

  void save() {
    try {
      read(state_.player);
    } catch (const Error& e) {
      fail("player \"", state_.players[state_.player].name, "\": ", e.what());
    }
    for (const auto& p : state_.players) require_finite_parameters(p);
    measure_time();
    saving_ = true;
    checkpoint_.save(state_, problem_);
    saving_ = false;
  }

  bool validates() const {
    if constexpr (Contract::template has_validates<Problem>)
      return problem_.validates();
    else
      return Contract::template has_validate<Problem>;
  }

  double validate() {
    auto& s = state_;
    try {
      Scratch<typename B::Memory> scratch;
      double metric = std::numeric_limits<double>::quiet_NaN();
      if constexpr (Contract::template has_validate<Problem>) metric = problem_.validate();
      ++s.validations;
      if (s.validation.improves(metric)) s.keep_best(s.outer);
      return metric;
    } catch (const Error& e) {
      fail("validation after outer iteration ", s.outer, ": ", e.what());
    }
  }

  void name_columns() {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < state_.players.size(); ++i)
      for (const auto& term : state_.kept[i].terms)
        names.push_back(state_.players.size() > 1 ? state_.players[i].name + "." + term : term);
    if (state_.validates) names.emplace_back("validation");
    state_.history = History(std::move(names));
    row_.reserve(std::size_t(state_.history.columns()));
    reserve_history();
  }
  void reserve_history() { state_.history.reserve(std::min<Index>(options_.iterations, 1 << 16)); }

  void require_finite_parameters(const Player<B>& p) {
    if (!std::isfinite(squared_norm(p.parameters))) require_finite("the parameter", p, p.parameters);
  }

  void measure_time() { state_.seconds = seconds_before_ + std::chrono::duration<double>(Clock::now() - started_).count(); }

  double fraction() const {
    const auto& s = state_;
    const Index all = options_.iterations * s.turn_steps();
    Index done = s.outer * s.turn_steps() + s.inner;  // with the steps that turns left out
    for (std::size_t i = first_player_; i != s.player; i = next_player(i + 1)) done += s.players[i].inner_steps;
    return all > 0 ? double(done) / double(all) : 1;
  }
  void show_progress() {
    if (!options_.progress) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    const double best = state_.validations > 0 ? state_.validation.best : std::numeric_limits<double>::quiet_NaN();
    progress_.show(Progress::View{state_.outer, options_.iterations, fraction(), fraction_before_, seconds, loss_, best});
  }

  void restore_best() {
    if (!state_.keeps_best()) return;
    for (std::size_t i = 0; i < state_.players.size(); ++i) B::copy(state_.players[i].parameters, state_.kept[i].best);
  }

  Run<B> result(Ending ending, std::string error) {
    measure_time();
    auto& s = state_;
    const bool validated = s.validations > 0 && s.validation.best < std::numeric_limits<double>::infinity();
    Run<B> run;
    run.ending = ending;
    run.error = std::move(error);
    run.parameters_from = s.outer;
    if (s.keeps_best() && (validated || (ending == Ending::failed && !saving_))) {
      restore_best();
      run.parameters_from = s.best_from;
    }
    for (const auto& p : s.players) {
      run.players.push_back(p.name);
      run.parameters.emplace_back(p.parameters);
    }
    if (validated) run.best_validation = s.validation.best;
    run.history = s.history;
    run.iterations = s.outer;
    run.steps = s.steps;
    run.seconds = s.seconds;
    return run;
  }

  Problem& problem_;
  FitOptions options_;
  const Checkpoint& checkpoint_;
  FitState<B> state_;
  std::vector<Array<B>> before_;  ///< by player: the parameters before a step; absent without a tolerance
  std::optional<std::conditional_t<sets_off_somewhere, SetOffSteps<B>, std::monostate>> set_off_;
  std::vector<double> row_;
  Progress progress_;
  std::size_t first_player_ = 0;
  Clock::time_point started_{};
  double seconds_before_ = 0, fraction_before_ = 0;
  double loss_ = std::numeric_limits<double>::quiet_NaN();
  bool saving_ = false;  ///< a run that fails here, on a full disk, has good parameters all the same
};

}  // namespace detail
}  // namespace moesaic
