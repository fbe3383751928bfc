// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/cluster/assignment.hpp>
#include <moesaic/core/random.hpp>

namespace cluster_assignment_test {

using namespace moesaic;
using namespace moesaic::cluster;

using Columns = std::vector<std::int32_t>;

double total(const Array<Cpu<double>>& cost, const Columns& columns) {
  double sum = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) sum += cost.data()[Index(i) * cost.shape()[1] + columns[i]];
  return sum;
}

double least_by_trying_all(const Array<Cpu<double>>& cost) {
  std::vector<std::int32_t> order(std::size_t(cost.shape()[1]));
  std::iota(order.begin(), order.end(), 0);
  double least = std::numeric_limits<double>::infinity();
  do {
    least = std::min(least, total(cost, Columns(order.begin(), order.begin() + cost.shape()[0])));
  } while (std::next_permutation(order.begin(), order.end()));
  return least;
}

TEST_CASE("greedy and optimal assignment differ on the worked case: 58 against 10") {
  const std::vector<double> medians{1, 2, 9, 1, 50, 60, 9, 8, 7};
  const Array<Cpu<double>> cost(Shape{3, 3}, medians);
  const auto greedy = greedy_assignment(cost.tensor()), optimal = optimal_assignment(cost.tensor());
  CHECK(greedy == Columns{0, 1, 2});
  CHECK(total(cost, greedy) == 58);
  CHECK(optimal == Columns{1, 0, 2});
  CHECK(total(cost, optimal) == 10);
}

TEST_CASE("optimal assignment is the best of all permutations") {
  Random random(7);
  for (Index cols = 1; cols <= 6; ++cols)
    for (Index rows = 1; rows <= cols; ++rows)
      for (int trial = 0; trial < 20; ++trial) {
        Array<Cpu<double>> cost(Shape{rows, cols});
        // Small integers in half of the trials: many ties.
        for (Index i = 0; i < cost.size(); ++i)
          cost.data()[i] = trial % 2 ? double(random.next_below(4)) - 1 : random.next_uniform(-5, 5);
        const auto columns = optimal_assignment(cost.tensor());
        CHECK(std::set<std::int32_t>(columns.begin(), columns.end()).size() == std::size_t(rows));
        CHECK(total(cost, columns) == doctest::Approx(least_by_trying_all(cost)).epsilon(1e-12));
        const auto greedy = greedy_assignment(cost.tensor());
        CHECK(std::set<std::int32_t>(greedy.begin(), greedy.end()).size() == std::size_t(rows));
        CHECK(total(cost, greedy) >= total(cost, columns) - 1e-12);
      }
}

TEST_CASE("a large assignment with a known, unique optimum is found") {
  // cost = u_i + v_j + slack with slack 0 on a hidden permutation: that permutation is optimal and unique.
  const Index n = 60;
  Random random(3);
  Array<Cpu<float>> cost(Shape{n, n});
  std::vector<double> u(std::size_t{60}), v(std::size_t{60});
  for (auto& x : u) x = random.next_uniform(-9, 9);
  for (auto& x : v) x = random.next_uniform(-9, 9);
  Columns hidden(std::size_t{60});
  for (Index i = 0; i < n; ++i) {
    hidden[std::size_t(i)] = std::int32_t((i * 37 + 5) % n);
    for (Index j = 0; j < n; ++j)
      cost.data()[i * n + j] =
          float(u[std::size_t(i)] + v[std::size_t(j)] + (j == hidden[std::size_t(i)] ? 0.0 : random.next_uniform(0.1, 3)));
  }
  CHECK(optimal_assignment(cost.tensor()) == hidden);
}

TEST_CASE("ties go to the lowest column, infinite costs are taken only where nothing else is left") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> equal(9, 1.0), walls{infinity, 1e6, infinity, infinity, 5, 4, infinity, infinity, infinity};
  CHECK(greedy_assignment(Array<Cpu<double>>(Shape{3, 3}, equal).tensor()) == Columns{0, 1, 2});
  const Array<Cpu<double>> cost(Shape{3, 3}, walls);
  CHECK(optimal_assignment(cost.tensor()) == Columns{1, 2, 0});
  CHECK(greedy_assignment(cost.tensor()) == Columns{1, 2, 0});
  const Array<Cpu<double>> nowhere(Shape{2, 2}, std::vector<double>(4, infinity));
  CHECK(optimal_assignment(nowhere.tensor()).size() == 2);
}

TEST_CASE("an impossible or non-finite cost matrix is refused") {
  CHECK_THROWS_WITH_AS(optimal_assignment(Array<Cpu<double>>(Shape{3, 2}).tensor()),
                       "assignment: 3 rows for 2 columns, expected at least as many columns as rows", Error);
  CHECK_THROWS_AS(greedy_assignment(Tensor<Cpu<double>>{}), Error);
  CHECK_THROWS_AS(greedy_assignment(Array<Cpu<double>>(Shape{4}).tensor()), Error);
  Array<Cpu<double>> cost(Shape{2, 2});
  cost.data()[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(optimal_assignment(cost.tensor()), Error);
  cost.data()[3] = -std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(greedy_assignment(cost.tensor()), Error);
}

}  // namespace cluster_assignment_test
