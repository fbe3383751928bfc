// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/ode/ode.hpp>
#include <moesaic/ops/ops.hpp>

namespace ode_errors_test {

using namespace moesaic;
using B = Cpu<double>;

const double undefined = std::numeric_limits<double>::quiet_NaN();
const Array<B> x0({2, 2}, std::vector<double>{1, 2, 3, 4});
const std::vector<double> times{0, 1, 2};
const auto decay = [](double, const auto& x) { return -1.0 * x; };
/// `x' = x^2` from 4 leaves every bound at t = 1/4.
const auto blow_up = [](double, const auto& x) { return square(x); };

template <class Solver, class Field>
std::string message(const Solver& solver, const Field& field, const Tensor<B>& start, std::span<const double> at) {
  try {
    ode::solve(solver, field, start, at);
  } catch (const Error& e) {
    return e.what();
  }
  return "none";
}
bool begins(const std::string& text, const std::string& with) { return text.rfind(with, 0) == 0; }

TEST_CASE("times that are none are refused by name") {
  const ode::Rk4 s;
  CHECK(message(s, decay, x0, {}) == "Rk4: no times; expected the initial time at least");
  CHECK(message(s, decay, x0, std::vector<double>{0, 2, 1}) == "Rk4: time 2 is 1, not after time 1, 2");
  CHECK(message(s, decay, x0, std::vector<double>{0, 0}) == "Rk4: time 1 is 0, not after time 0, 0");
  CHECK(message(ode::Tsit5{}, decay, x0, std::vector<double>{0, undefined}) == "Tsit5: time 1 is nan");
}

TEST_CASE("states and fields that do not fit are refused by name") {
  CHECK(message(ode::Rk4{}, [](double, const auto& x) { return slice(x, 0, 0, 1); }, x0, times) ==
        "Rk4: the field returns shape [1, 2] at a state of shape [2, 2]");
  CHECK(message(ode::Dopri5{}, decay, Array<B>({1, 1, 1, 1}), times) ==
        "Dopri5: a state of shape [1, 1, 1, 1]; expected a rank of at most 3");
  const Array<B> no_state({1}, std::vector<double>{undefined});
  CHECK(message(ode::Rk4{}, decay, no_state, times) == "Rk4: the initial state is not finite");
}

TEST_CASE("settings that are none are refused by name") {
  CHECK(message(ode::Rk4{.substeps = 0}, decay, x0, times) == "Rk4: substeps = 0; expected at least 1");
  CHECK(message(ode::Tsit5{.control = ode::Fixed{-1}}, decay, x0, times) == "Tsit5: substeps = -1; expected at least 1");
  CHECK(begins(message(ode::Tsit5{.control = ode::Adaptive{.absolute = 0}}, decay, x0, times), "Tsit5: tolerances"));
  CHECK(begins(message(ode::Tsit5{.control = ode::Adaptive{.relative = undefined}}, decay, x0, times), "Tsit5: tolerances"));
  CHECK(begins(message(ode::Tsit5{.control = ode::Adaptive{.first_step = -1}}, decay, x0, times), "Tsit5: first_step"));
  CHECK(begins(message(ode::Tsit5{.control = ode::Adaptive{.least_factor = 1}}, decay, x0, times), "Tsit5: safety"));
  const auto make = [](const auto&) { return decay; };
  CHECK_THROWS_WITH_AS(ode::solve(ode::Rk4{}, ode::parametrised(make, x0.tensor()), x0, times, ode::Checkpointed{0}),
                       "Rk4: Checkpointed with 0 segments; expected at least 1", Error);
}

TEST_CASE("a solve that diverges says how far it came") {
  const std::vector<double> to_one{0, 0.1, 0.2, 0.5, 1};
  CHECK(message(ode::Rk4{.substeps = 10}, blow_up, x0, to_one) == "Rk4: the state is not finite at t = 0.5 after 30 steps");
  const auto adaptive = message(ode::Dopri5{}, blow_up, x0, to_one);
  INFO(adaptive);
  CHECK(begins(adaptive, "Dopri5: "));
  CHECK(adaptive.find("t = 0.249") != std::string::npos);
  CHECK(adaptive.find("steps") != std::string::npos);
}

TEST_CASE("a field that is not finite is reported with the time from which on it is not") {
  const auto never = [](double, const auto& x) { return x * undefined; };
  const auto later = [](double t, const auto& x) { return t < 1.25 ? -1.0 * x : x * undefined; };
  CHECK(message(ode::Tsit5{}, never, x0, times) == "Tsit5: the field is not finite at t = 0");
  CHECK(message(ode::Rk4{}, never, x0, times) == "Rk4: the state is not finite at t = 1 after 1 steps");
  const auto text = message(ode::Tsit5{}, later, x0, times);
  INFO(text);
  CHECK(begins(text, "Tsit5: the state or the field is not finite beyond t = 1.2"));
  // one row of many is enough
  Array<B> many({100, 1});
  many.data()[63] = 3;
  const auto one_row = [](double, const auto& x) { return square(x) * square(x) * square(x); };
  CHECK(begins(message(ode::Dopri5{}, one_row, many, times), "Dopri5: "));
  CHECK(message(ode::Rk4{.substeps = 2}, one_row, many, times) == "Rk4: the state is not finite at t = 1 after 2 steps");
}

TEST_CASE("too many steps are reported with the time reached") {
  const ode::Adaptive two{.first_step = 0.25, .max_steps = 2, .largest_factor = 1};
  CHECK(message(ode::Tsit5{.control = two}, decay, x0, times) == "Tsit5: more than 2 steps: reached t = 0.5 of 2");
  CHECK(message(ode::Tsit5{.control = ode::Adaptive{.max_steps = 0}}, decay, x0, std::vector<double>{1}) == "none");
}

TEST_CASE("errors are raised on a tape as well, and the tape can be used again") {
  Tape<Tensor<B>> tape;
  const auto x = tape.leaf(x0);
  CHECK_THROWS_AS(ode::solve(ode::Tsit5{}, blow_up, x, times), Error);
  const auto make = [](const auto& p) { return [p](double, const auto& s) { return square(s) * p; }; };
  const Array<B> one({1}, std::vector<double>{1});
  CHECK_THROWS_AS(ode::solve(ode::Tsit5{}, ode::parametrised(make, tape.leaf(one)), x, times, ode::Checkpointed{2}), Error);
  tape.reset();
  const auto again = tape.leaf(x0);
  const auto y = ode::solve(ode::Tsit5{}, decay, again, times);
  sweep(y, Tensor<B>(y.value));
  CHECK(present(again.node->adjoint));
}

}  // namespace ode_errors_test
