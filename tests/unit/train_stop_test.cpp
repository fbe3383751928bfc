// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/train/fit.hpp>

namespace train_stop_test {

using namespace moesaic;
using B = Cpu<float>;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Moves by 1 a step towards 5 and beyond, until `trouble` strikes at step `at` (from 0).
struct Troubled {
  enum class Trouble { none, loss, term, gradient, thrown, foreign, interrupt, after, validation } trouble = Trouble::none;
  Index at = 0;
  using Backend = B;
  Tensor<B> p{};

  Losses evaluate(const Step& s, const Tensor<B>& gradient) {
    B::fill(gradient, -1);
    const bool now = s.count == at;
    if (now && trouble == Trouble::gradient) gradient.data()[5] = nan;
    if (now && trouble == Trouble::thrown) fail("the solver took more than 4096 steps");
    if (now && trouble == Trouble::foreign) throw std::bad_alloc();
    if (now && trouble == Trouble::interrupt) std::raise(SIGINT);
    const double distance = std::abs(p.data()[0] - 5);
    if (now && trouble == Trouble::loss) return infinity;
    return Losses(distance).add("mse", distance).add("penalty", now && trouble == Trouble::term ? -infinity : 0);
  }
  void after_step(const Step& s) {
    if (s.count == at && trouble == Trouble::after) fail("no gate");
  }
};

Layout named() {
  Layout l;
  l.add("weight", {2, 2}, {});
  l.add("bias", {2}, {});
  return l;
}

struct Failure {
  std::string message;
  Run<B> run;
  float parameter;  ///< what the player's array holds afterwards
};

template <class Problem>
Failure failure(Problem problem, const FitOptions& options = {}) {
  Array<B> p(Shape{6});
  problem.p = p;
  try {
    fit(problem, {{.name = "weights", .parameters = p, .optimiser = Sgd{}, .rate = 1, .inner_steps = 2, .layout = named()}},
        options);
  } catch (const FitError<B>& e) {
    CHECK(e.run->ending == Ending::failed);
    CHECK(e.run->error == e.what());
    return {e.what(), *e.run, p.data()[0]};
  }
  return {};
}

TEST_CASE("a loss that is not finite stops the run: term, player and step are named, the best is kept") {
  const auto f = failure(Troubled{Troubled::Trouble::loss, 9});
  CHECK(f.message == "fit: player \"weights\", step 10 (outer iteration 5, inner step 2): the loss term \"total\" is inf");
  // The iterations began at 0, 2, 4, 6, 8: the loss |p - 5| was lowest at 4, the first of two equals.
  CHECK(f.parameter == 4);
  CHECK(f.run.parameters[0].data()[3] == 4);
  CHECK(f.run.parameters_from == 2);
  CHECK(f.run.iterations == 4);
  CHECK(f.run.steps == 9);
  CHECK(f.run.history.rows() == 4);
}

TEST_CASE("the term that is not finite is named") {
  const auto f = failure(Troubled{Troubled::Trouble::term, 3});
  CHECK(f.message == "fit: player \"weights\", step 4 (outer iteration 2, inner step 2): the loss term \"penalty\" is -inf");
  CHECK(f.parameter == 2);
}

TEST_CASE("the parameter whose gradient is not finite is named") {
  const auto f = failure(Troubled{Troubled::Trouble::gradient, 0});
  CHECK(f.message ==
        "fit: player \"weights\", step 1 (outer iteration 1, inner step 1): the gradient of \"weights.bias\" of shape [2] is nan "
        "at "
        "element 1");
  CHECK(f.parameter == 0);
}

TEST_CASE("errors of the problem keep what was reached") {
  auto f = failure(Troubled{Troubled::Trouble::thrown, 13});
  CHECK(f.message == "fit: player \"weights\", step 14 (outer iteration 7, inner step 2): the solver took more than 4096 steps");
  CHECK(f.parameter == 4);
  f = failure(Troubled{Troubled::Trouble::after, 0});
  CHECK(f.message == "fit: player \"weights\", step 1 (outer iteration 1, inner step 1): no gate");
  CHECK(f.parameter == 0);

  struct Unsolved : Troubled {
    double validate() {
      if (p.data()[0] > 5) fail("the test set diverges");
      return 10 - p.data()[0];
    }
  };
  f = failure(Unsolved{}, {.validation_every = 1});
  CHECK(f.message == "fit: validation after outer iteration 3: the test set diverges");
  CHECK(f.parameter == 4);
  CHECK(f.run.best_validation == 6);

  Array<B> p(Shape{6});
  Troubled foreign{Troubled::Trouble::foreign, 9, p};
  CHECK_THROWS_AS(fit(foreign, {{.parameters = p, .optimiser = Sgd{}, .rate = 1}}), std::bad_alloc);
  CHECK(p.data()[0] == 5);
}

TEST_CASE("parameters that the last step drove out of range are noticed") {
  Array<B> p(Shape{6});
  Troubled problem{};
  problem.p = p;
  CHECK_THROWS_WITH_AS(fit(problem, {{.parameters = p, .optimiser = Sgd{}, .rate = 1e39, .layout = named()}}, {.iterations = 1}),
                       "fit: the parameter \"parameters.weight\" of shape [2, 2] is inf at element 0", FitError<B>);
  CHECK(p.data()[0] == 0);
  CHECK_THROWS_WITH_AS(
      fit(problem, {{.parameters = p, .rate = [](Index step) { return step < 2 ? 0.5 : infinity; }}}, {.iterations = 5}),
      "fit: player \"parameters\", step 3 (outer iteration 3, inner step 1): the learning rate is inf", FitError<B>);
}

/// A disk that is full from iteration `from` on.
struct FullDisk : NoCheckpoint {
  Index from = 0;
  template <class State, class Problem>
  void save(const State& s, Problem&) const {
    if (s.outer >= from) fail("no space left");
  }
  bool due(Index) const { return true; }
};

TEST_CASE("a checkpoint that cannot be written takes nothing away from what was learnt") {
  for (Index from : {Index{4}, Index{6}}) {  // the one is a checkpoint on the way, the other the last
    Array<B> p(Shape{6});
    Troubled problem;
    problem.p = p;
    FullDisk disk;
    disk.from = from;
    try {
      fit(problem, {{.name = "weights", .parameters = p, .optimiser = Sgd{}, .rate = 1, .inner_steps = 2, .layout = named()}},
          {.iterations = 6}, disk);
      FAIL("expected an error");
    } catch (const FitError<B>& e) {
      CHECK(std::string(e.what()) == "fit: no space left");
      CHECK(p.data()[0] == float(2 * from));  // and not 4, where the loss was lowest
      CHECK(e.run->iterations == from);
      CHECK(e.run->parameters_from == from);
    }
  }
}

TEST_CASE("loss terms must stay the same") {
  struct Fickle {
    using Backend = B;
    Losses evaluate(const Step& s, const Tensor<B>& g) {
      B::fill(g, 0);
      return Losses(0).add(s.count < 2 ? "mse" : "mae", 0);
    }
  } problem;
  Array<B> p(Shape{1});
  CHECK_THROWS_WITH_AS(
      fit(problem, {{.parameters = p}}, {.iterations = 5}),
      "fit: player \"parameters\", step 3 (outer iteration 3, inner step 1): evaluate reports other loss terms than "
      "at first: total, mse then, total, mae now",
      FitError<B>);
}

TEST_CASE("Ctrl-C ends the run after the step and gives the handler back") {
  static int heard;
  heard = 0;
  const auto former = std::signal(
      SIGINT, +[](int) { ++heard; });
  Array<B> p(Shape{6});
  Troubled problem{Troubled::Trouble::interrupt, 6, p};
  const auto run = fit(problem, {{.parameters = p, .optimiser = Sgd{}, .rate = 1, .inner_steps = 4}}, {.iterations = 100});
  CHECK(run.ending == Ending::interrupted);
  CHECK(run.steps == 7);
  CHECK(run.iterations == 1);
  CHECK(run.parameters[0].data()[0] == 7);  // nothing validates: the last ones
  CHECK(heard == 0);
  std::raise(SIGINT);
  CHECK(heard == 1);

  // The next run starts afresh.
  problem.trouble = Troubled::Trouble::none;
  CHECK(fit(problem, {{.parameters = p}}, {.iterations = 2}).ending == Ending::finished);
  std::signal(SIGINT, former);
}

TEST_CASE("Ctrl-C with validation keeps the best") {
  struct Validated : Troubled {
    double validate() { return std::abs(p.data()[0] - 3); }
  } problem;
  Array<B> p(Shape{6});
  problem.trouble = Troubled::Trouble::interrupt;
  problem.at = 8;
  problem.p = p;
  const auto run = fit(problem, {{.parameters = p, .optimiser = Sgd{}, .rate = 1}}, {.iterations = 100, .validation_every = 1});
  CHECK(run.ending == Ending::interrupted);
  CHECK(run.iterations == 9);
  CHECK(run.parameters_from == 3);
  CHECK(p.data()[0] == 3);
}

TEST_CASE("a second Ctrl-C acts as usual") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);
    const InterruptGuard guard;
    std::raise(SIGINT);
    if (!InterruptGuard::requested()) ::_exit(1);
    std::raise(SIGINT);
    ::_exit(2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("guards may be nested, and an ignored SIGINT stays ignored") {
  const auto former = std::signal(SIGINT, SIG_IGN);
  {
    const InterruptGuard guard;
    std::raise(SIGINT);
    CHECK_FALSE(InterruptGuard::requested());
  }
  std::signal(
      SIGINT, +[](int) {});
  {
    const InterruptGuard outer;
    {
      const InterruptGuard inner;
      std::raise(SIGINT);
      CHECK(InterruptGuard::requested());
    }
    CHECK(InterruptGuard::requested());
  }
  {
    const InterruptGuard later;
    CHECK_FALSE(InterruptGuard::requested());
  }
  std::signal(SIGINT, former);
}

}  // namespace train_stop_test
