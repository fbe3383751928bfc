// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include <moesaic/data/classic_systems.hpp>
#include <moesaic/data/mersenne.hpp>
#include <moesaic/data/odebench.hpp>
#include <moesaic/data/solver.hpp>

namespace data_solver_test {

using namespace moesaic;
using namespace moesaic::data;

std::vector<double> state_at(Solver solver, const Field& field, const std::vector<double>& start, double t, double end) {
  std::vector<double> out(start.size());
  const double times[] = {t};
  solve(solver, field, {start, 0, end, times}, out.data());
  return out;
}

struct Golden {
  System system;
  std::vector<double> parameters, start;
  double t, end;
  std::vector<double> rk45, exact;
};

std::vector<Golden> golden_rows() {
  std::vector<Golden> rows{
      {lotka_volterra(),
       {0.5, 0.5},
       {1.5488135039273248, 1.7151893663724195},
       9.5,
       10,
       {1.283007910, .445405290},
       {1.283005971, .446198394}},
      {glycolytic_oscillator(),
       {100, 1},
       {.875, 1.175, .12, .225, .19, 1.405, .075},
       .95,
       1,
       {.292972799, .784968003, .140800577, .186718489, .143902169, 2.203079342, .081522166},
       {.292969476, .784962957, .140768300, .186702460, .143843952, 2.203145317, .081522840}},
      {selkov(), {.6}, {1, 1}, 40, 40, {.459454101, .970987220}, {.460268354, .962044879}},
      {selkov(), {-1}, {1, 1}, 40, 40, {-.995044938, -.915576361}, {-.996057548, -.912210973}},
      {simple_pendulum(), {9.81}, {1, 0}, 10, 10, {-.419027888, 2.676663753}, {-.463252769, 2.636549514}},
  };
  const std::vector<std::array<std::array<double, 2>, 2>> ten{
      {{{.124019767, -.552031793}, {.125481737, -.551211485}}},     {{{-.024149491, .008704353}, {-.024213991, .008572530}}},
      {{{.933450543, -1.282400980}, {.972382398, -1.263297321}}},   {{{-.757918710, -1.289253482}, {-.750256841, -1.281665914}}},
      {{{-.353818498, -1.418053117}, {-.294271458, -1.434591790}}}, {{{-.720030752, -2.987806972}, {-.728155318, -2.985991086}}},
      {{{.679758343, -1.660405639}, {.703466744, -1.641216474}}},   {{{-1.756772146, .022460267}, {-1.754142585, .026854250}}},
      {{{-.005319373, -.048109633}, {-.005367132, -.048221713}}},   {{{-1.760606457, .641524107}, {-1.764697507, .637433471}}}};
  const auto families = odebench_ten(Table::paper);
  for (std::size_t f = 0; f < 10; ++f) {
    const auto& [x0, v0] = families[f].start[0];
    const double end = families[f].horizon;
    rows.push_back({families[f].system,
                    families[f].reference,
                    {x0, v0},
                    0.95 * end,
                    end,
                    {ten[f][0][0], ten[f][0][1]},
                    {ten[f][1][0], ten[f][1][1]}});
  }
  return rows;
}

TEST_CASE("golden trajectories: published integrator to 1e-6, exact solution to 1e-8") {
  for (const Golden& row : golden_rows()) {
    CAPTURE(row.system.name);
    const Field field = field_of(row.system, row.parameters);
    const auto rk45 = state_at(Solver::rk45, field, row.start, row.t, row.end);
    const auto exact = state_at(Solver::exact, field, row.start, row.t, row.end);
    for (std::size_t i = 0; i < row.start.size(); ++i) {
      CHECK(std::abs(rk45[i] - row.rk45[i]) < 1e-6);
      CHECK(std::abs(exact[i] - row.exact[i]) < 1e-8);
    }
  }
}

TEST_CASE("the exact solver against closed forms, however the times are placed") {
  // x'' = -x from (1, 0): (cos t, -sin t). The times crowd, spread and end where integration ends.
  const Field circle = [](double, const double* x, double* dx) {
    dx[0] = x[1];
    dx[1] = -x[0];
  };
  const std::vector<double> start{1, 0}, times{0, 1e-9, 1e-3, 0.7, 0.7 + 1e-12, 9, 30};
  std::vector<double> out(14);
  Dop853{}.solve(circle, {start, 0, 30, times}, out.data());
  for (std::size_t k = 0; k < times.size(); ++k) {
    CHECK(std::abs(out[2 * k] - std::cos(times[k])) < 1e-11);
    CHECK(std::abs(out[2 * k + 1] + std::sin(times[k])) < 1e-11);
  }
  // x' = 2 t x, which depends on t: x = exp(t^2 - b^2).
  const Field driven = [](double t, const double* x, double* dx) { dx[0] = 2 * t * x[0]; };
  const std::vector<double> one{1}, late{-0.5, 2};
  Dop853{}.solve(driven, {one, -1, 2, late}, out.data());
  CHECK(std::abs(out[0] - std::exp(-0.75)) < 1e-11);
  CHECK(std::abs(out[1] - std::exp(3.0)) < 1e-9);
}

TEST_CASE("the adaptive solvers' errors follow the tolerance") {
  const Field field = field_of(odebench_system(37), std::vector<double>{0.43});
  const std::vector<double> start{2.2, 0};
  const auto reference = state_at(Solver::exact, field, start, 14, 15);
  const double times[] = {14};
  double previous = 1;
  for (double tolerance : {1e-4, 1e-6, 1e-8, 1e-10}) {
    std::vector<double> x(2), y(2);
    Rk45{.rtol = tolerance, .atol = tolerance}.solve(field, {start, 0, 15, times}, x.data());
    Dop853{.rtol = tolerance, .atol = tolerance}.solve(field, {start, 0, 15, times}, y.data());
    const double error = std::hypot(x[0] - reference[0], x[1] - reference[1]);
    CHECK(error < 1000 * tolerance);
    CHECK(error < 0.2 * previous);
    CHECK(std::hypot(y[0] - reference[0], y[1] - reference[1]) < 1000 * tolerance);
    previous = error;
  }
}

TEST_CASE("a solve that cannot succeed is an error") {
  const Field blow_up = [](double, const double* x, double* dx) { dx[0] = x[0] * x[0]; };
  const Field nan = [](double, const double*, double* dx) { dx[0] = std::numeric_limits<double>::quiet_NaN(); };
  for (Solver s : {Solver::rk45, Solver::exact}) {
    CHECK_THROWS_AS(state_at(s, blow_up, {1}, 2, 2), Error);
    CHECK_THROWS_AS(state_at(s, nan, {1}, 2, 2), Error);
    CHECK_THROWS_AS(state_at(s, blow_up, {std::nan("")}, 1, 2), Error);
    CHECK_THROWS_AS(state_at(s, blow_up, {1}, 3, 2), Error);
    CHECK_THROWS_AS(state_at(s, blow_up, {1}, 0, 0), Error);
    CHECK_THROWS_AS(state_at(s, blow_up, {}, 1, 2), Error);
  }
  const std::vector<double> start{1}, unordered{1, 0.5};
  double out[2];
  CHECK_THROWS_AS(Rk45{}.solve(blow_up, {start, 0, 2, unordered}, out), Error);
  CHECK_THROWS_WITH_AS((Rk45{.max_steps = 3}.solve(blow_up, {start, 0, 0.99, std::array{0.99}}, out)),
                       doctest::Contains("more than 3 steps"), Error);
  CHECK_THROWS_AS(field_of(selkov(), std::vector<double>{1, 2}), Error);
  CHECK_THROWS_AS(field_of(System{"measured", 2, {}, nullptr}, {}), Error);
  CHECK_THROWS_WITH_AS(odebench_system(26), doctest::Contains("26"), Error);
}

TEST_CASE("the random stream is NumPy's") {
  CHECK(Mersenne(0).uniform() == 0.5488135039273248);
  CHECK(Mersenne(42).uniform() == 0.3745401188473625);
  Mersenne lv(0);
  CHECK(std::abs(lv.uniform(1, 2) - 1.5488135039) < 1e-10);
  CHECK(std::abs(lv.uniform(1, 2) - 1.7151893664) < 1e-10);
}

TEST_CASE("rounded arithmetic is not fused") {
  // (1 + e)(1 - e) = 1 - e^2 rounds to 1; a fused multiply-add would keep -e^2.
  const double e = 0x1.0p-27;
  CHECK((Rounded(1 + e) * Rounded(1 - e) - Rounded(1)).value == 0);
  CHECK(product(1 + e, 1 - e) - 1 == 0);
}

}  // namespace data_solver_test
