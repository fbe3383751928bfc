// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include <moesaic/data/initial_value.hpp>

namespace moesaic::data {

/// The adaptive integrator behind the published data: SciPy's `solve_ivp` with its default method and tolerances, step for step.
///
/// Dormand and Prince 5(4) (J. Comput. Appl. Math. 6, 1980) with local extrapolation, the step controller and first step of
/// Hairer, Norsett, Wanner and the quartic interpolant of Shampine (Math. Comput. 46, 1986) at the times asked for. Sums run
/// in stage order through fused multiply-adds, as in the linear algebra behind the published files: the four-family set comes
/// out to the last bit in nearly every trajectory.
struct Rk45 {
  double rtol = 1e-3, atol = 1e-6;
  Index max_steps = 1'000'000;

  /// Writes the states at `problem.times`, [time, state], to `out`.
  /// Errors: the problem is malformed, the step falls below what the time resolves, more than `max_steps` steps are needed.
  void solve(const Field& field, const InitialValue& problem, double* out) const;

 private:
  static constexpr int stages = 6;
  static constexpr std::array<double, stages> nodes{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1};
  static constexpr double tableau[stages][stages - 1] = {
      {},
      {1. / 5},
      {3. / 40, 9. / 40},
      {44. / 45, -56. / 15, 32. / 9},
      {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
      {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
  };
  static constexpr double weights[stages] = {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84};
  static constexpr double error_weights[stages + 1] = {-71. / 57600,    0,          71. / 16695, -71. / 1920,
                                                       17253. / 339200, -22. / 525, 1. / 40};
  /// Row s: coefficients of theta .. theta^4 with which stage s enters the interpolant.
  static constexpr double dense[stages + 1][4] = {
      {1, -8048581381. / 2820520608, 8663915743. / 2820520608, -12715105075. / 11282082432},
      {},
      {0, 131558114200. / 32700410799, -68118460800. / 10900136933, 87487479700. / 32700410799},
      {0, -1754552775. / 470086768, 14199869525. / 1410260304, -10690763975. / 1880347072},
      {0, 127303824393. / 49829197408, -318862633887. / 49829197408, 701980252875. / 199316789632},
      {0, -282668133. / 205662961, 2019193451. / 616988883, -1453857185. / 822651844},
      {0, 40617522. / 29380423, -110615467. / 29380423, 69997945. / 29380423},
  };
};

inline void Rk45::solve(const Field& field, const InitialValue& problem, double* out) const {
  problem.check();
  const auto n = std::size_t(problem.dimension());
  std::array<std::vector<double>, stages + 1> k;
  k.fill(std::vector<double>(n));
  std::vector<double> x(problem.start.begin(), problem.start.end()), slope(n), point(n), next(n), error(n), scale(n);
  const auto weighted = [&k](std::size_t i, const double* w, int count) {
    double sum = 0;
    for (int s = 0; s < count; ++s) sum = std::fma(k[std::size_t(s)][i], w[s], sum);
    return sum;
  };

  double t = problem.begin;
  field(t, x.data(), slope.data());
  double step = initial_step(field, problem, slope, 4, rtol, atol);
  std::size_t saved = 0;
  for (Index steps = 0; t < problem.end && saved < problem.times.size(); ++steps) {
    require(steps < max_steps, "Rk45: more than ", max_steps, " steps up to t = ", t);
    step = std::max(step, smallest_step(t));
    double t_next, h;
    for (bool rejected = false;;) {
      require(step >= smallest_step(t), "Rk45: the step size fell below the resolution of time at t = ", t);
      t_next = std::min(t + step, problem.end);
      h = step = t_next - t;
      k[0] = slope;
      for (int s = 1; s < stages; ++s) {
        for (std::size_t i = 0; i < n; ++i) point[i] = x[i] + product(weighted(i, tableau[s], s), h);
        field(t + product(nodes[std::size_t(s)], h), point.data(), k[std::size_t(s)].data());
      }
      for (std::size_t i = 0; i < n; ++i) next[i] = x[i] + product(h, weighted(i, weights, stages));
      field(t + h, next.data(), k[stages].data());
      for (std::size_t i = 0; i < n; ++i) {
        error[i] = product(weighted(i, error_weights, stages + 1), h);
        scale[i] = atol + product(std::max(std::abs(x[i]), std::abs(next[i])), rtol);
      }
      const double norm = scaled_norm(error, scale);
      if (norm < 1) {
        const double growth = norm == 0 ? 10 : std::min(10.0, 0.9 * std::pow(norm, -0.2));
        step *= rejected ? std::min(1.0, growth) : growth;
        break;
      }
      const double shrink = 0.9 * std::pow(norm, -0.2);
      step *= shrink > 0.2 ? shrink : 0.2;  // a norm that is not a number shrinks as much as one that is too large
      rejected = true;
    }

    for (; saved < problem.times.size() && problem.times[saved] <= t_next; ++saved) {
      const double theta = (problem.times[saved] - t) / (t_next - t);
      for (std::size_t i = 0; i < n; ++i) {
        double sum = 0, power = 1;
        for (int p = 0; p < 4; ++p) {
          power *= theta;
          double q = 0;
          for (std::size_t s = 0; s <= stages; ++s) q = std::fma(k[s][i], dense[s][p], q);
          sum = std::fma(q, power, sum);
        }
        out[saved * n + i] = x[i] + product(h, sum);
      }
    }
    t = t_next;
    x.swap(next);
    slope = k[stages];
  }
}

}  // namespace moesaic::data
