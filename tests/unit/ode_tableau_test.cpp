// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/ode/ode.hpp>

namespace ode_tableau_test {

using namespace moesaic;

/// A rooted tree, by its subtrees: each one is an order condition (Butcher; Hairer, Norsett, Wanner: Solving ODEs I, II.2).
struct Tree {
  std::vector<Tree> children;

  int order() const {
    int n = 1;
    for (const auto& c : children) n += c.order();
    return n;
  }
  double density() const {
    double d = order();
    for (const auto& c : children) d *= c.density();
    return d;
  }
};

/// Trees of an order, each once: subtrees are picked from an ordered list, never going back in it.
std::vector<Tree> trees(int order);
void add_forests(int nodes, std::size_t from, const std::vector<Tree>& pool, Tree& so_far, std::vector<Tree>& out) {
  if (nodes == 0) out.push_back(so_far);
  for (std::size_t i = from; i < pool.size(); ++i) {
    if (pool[i].order() > nodes) continue;
    so_far.children.push_back(pool[i]);
    add_forests(nodes - pool[i].order(), i, pool, so_far, out);
    so_far.children.pop_back();
  }
}
std::vector<Tree> trees(int order) {
  std::vector<Tree> pool, out;
  for (int n = 1; n < order; ++n)
    for (auto& t : trees(n)) pool.push_back(t);
  Tree root;
  add_forests(order - 1, 0, pool, root, out);
  return out;
}

/// The stages of a solver, with the slope at the end of the step as a last one.
template <class Solver>
struct Stages {
  static constexpr int count = Solver::stages + 1;
  static double a(int i, int j) {
    if (i == Solver::stages) return j < Solver::stages ? Solver::weights[j] : 0;
    return j < i ? Solver::tableau[i][j] : 0;
  }
  static double elementary(const Tree& t, int i) {
    double product = 1;
    for (const auto& c : t.children) {
      double sum = 0;
      for (int j = 0; j < i; ++j) sum += a(i, j) * elementary(c, j);
      product *= sum;
    }
    return product;
  }
  /// `sum_i w_i phi_i(t)`.
  template <class Weights>
  static double weighted(const Weights& w, const Tree& t) {
    double sum = 0;
    for (int i = 0; i < int(std::size(w)); ++i) sum += w[std::size_t(i)] * elementary(t, i);
    return sum;
  }
};

template <class Solver>
void check_solution() {
  INFO(std::string(Solver::name));
  for (int n = 1; n <= Solver::order; ++n)
    for (const auto& t : trees(n)) CHECK(std::abs(Stages<Solver>::weighted(Solver::weights, t) - 1 / t.density()) < 1e-13);
  double residual = 0;
  for (const auto& t : trees(Solver::order + 1))
    residual = std::max(residual, std::abs(Stages<Solver>::weighted(Solver::weights, t) - 1 / t.density()));
  CHECK(residual > 1e-4);  // and no more than its order
  for (int i = 0; i < Solver::stages; ++i) {
    double row = 0;
    for (int j = 0; j < i; ++j) row += Solver::tableau[i][j];
    CHECK(std::abs(row - Solver::nodes[i]) < 1e-14);
  }
}

template <class Solver>
void check_pair() {
  INFO(std::string(Solver::name));
  using S = Stages<Solver>;
  // the error estimate vanishes to order 4 and sees order 5
  for (int n = 1; n <= 4; ++n)
    for (const auto& t : trees(n)) CHECK(std::abs(S::weighted(Solver::error_weights, t)) < 1e-14);
  double seen = 0;
  for (const auto& t : trees(5)) seen = std::max(seen, std::abs(S::weighted(Solver::error_weights, t)));
  CHECK(seen > 1e-4);

  for (double theta : {0.0, 0.1, 0.37, 0.5, 0.82, 1.0})
    for (int n = 1; n <= 4; ++n)
      for (const auto& t : trees(n))
        CHECK(std::abs(S::weighted(Solver::dense_weights(theta), t) - std::pow(theta, n) / t.density()) < 1e-13);
  const auto end = Solver::dense_weights(1);
  for (int i = 0; i < Solver::stages; ++i) CHECK(std::abs(end[std::size_t(i)] - Solver::weights[i]) < 1e-14);
  // the slope of the interpolant is the field at both ends
  for (int i = 0; i <= Solver::stages; ++i) {
    double slope = 0;
    for (int p = 0; p < 4; ++p) slope += (p + 1) * Solver::dense[i][p];
    CHECK(std::abs(slope - (i == Solver::stages ? 1 : 0)) < 1e-13);
    CHECK(Solver::dense[i][0] == (i == 0 ? 1 : 0));
  }
}

TEST_CASE("the number of rooted trees is known") {
  CHECK(trees(3).size() == 2);
  CHECK(trees(4).size() == 4);
  CHECK(trees(5).size() == 9);
  CHECK(trees(6).size() == 20);
}

TEST_CASE("every solver satisfies the conditions of its order, and not one order more") {
  check_solution<ode::Rk4>();
  check_solution<ode::Dopri5>();
  check_solution<ode::Tsit5>();
}

TEST_CASE("error estimates and dense outputs satisfy the conditions of order 4") {
  check_pair<ode::Dopri5>();
  check_pair<ode::Tsit5>();
}

}  // namespace ode_tableau_test
