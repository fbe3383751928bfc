// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <Eigen/Eigenvalues>
#include <array>
#include <cmath>
#include <limits>

#include "common/gnuplot.hpp"
#include "report.hpp"

namespace mixer_ode {

namespace data = moesaic::data;
using namespace common;

namespace {

/// Distance of tics, 1, 2 or 5 times a power of ten, that puts about four of them on the range of the numbers.
class Tics {
 public:
  void operator()(double x) {
    if (!std::isfinite(x)) return;
    low_ = std::min(low_, x);
    high_ = std::max(high_, x);
  }
  double step() const {
    const double wanted = (high_ - low_) / 4;
    if (!(wanted > 0) || !std::isfinite(wanted)) return 1;
    const double power = std::pow(10, std::floor(std::log10(wanted)));
    for (double m : {1.0, 2.0, 5.0})
      if (wanted <= m * power) return m * power;
    return 10 * power;
  }

 private:
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
};

/// The first environment of every family: the last model's prediction on three trajectories, over the truth.
void write_trajectories(const Report& r) {
  const Result& m = r.results.back();
  const auto& set = r.sets.test.empty() ? r.sets.train : r.sets.test;
  const Index shown = std::min<Index>(3, set.trajectories()), d = set.dimension(), points = set.points();
  std::vector<Index> environment;
  for (Index f = 0; f < Index(set.families.size()); ++f) {
    const auto first = std::find(set.family.begin(), set.family.end(), f);
    if (first != set.family.end()) environment.push_back(first - set.family.begin());
  }
  if (set.families.size() == 1)
    for (Index e = 1; e < std::min<Index>(6, set.environments()); ++e) environment.push_back(e);

  std::vector<std::array<Tics, 2>> tics(environment.size());
  auto table = create(r.options.output, "trajectories.dat");
  table << "# time, true states, predicted states; a block for each trajectory\n";
  const bool plane = d == 2;
  for (std::size_t p = 0; p < environment.size(); ++p)
    for (Index e = environment[p], j = 0; j < shown; ++j) {
      for (Index t = 0; t < points; ++t) {
        const double* truth = set.trajectory(e, j).data() + t * d;
        const float* predicted = m.prediction_of(e, j, t);
        table << set.grid(e)[std::size_t(t)];
        for (Index i = 0; i < d; ++i) table << ' ' << truth[i];
        for (Index i = 0; i < d; ++i) table << ' ' << predicted[i];
        table << '\n';
        tics[p][0](plane ? truth[0] : set.grid(e)[std::size_t(t)]);
        for (Index i = plane; i < d; ++i) tics[p][1](truth[i]);
      }
      table << "\n\n";
    }

  const int columns = int(std::min<std::size_t>(environment.size(), environment.size() > 6 ? 5 : 3));
  const int rows = (int(environment.size()) + columns - 1) / columns;
  auto script = create(r.options.output, "trajectories.gp");
  begin(script, "trajectories", 360 * columns, 340 * rows + 40);
  script << "set multiplot layout " << rows << "," << columns << " title "
         << quoted("true (points) and predicted (lines), " + std::string(kind_titles[std::size_t(m.kind)])) << "\nunset key\n";
  script << (plane ? "set xlabel 'x0'\nset ylabel 'x1' offset 1\n" : "set xlabel 'time'\n");
  int block = 0;
  for (std::size_t p = 0; p < environment.size(); ++p) {
    const Index e = environment[p];
    script << "set xtics " << tics[p][0].step() << "\nset ytics " << tics[p][1].step() << "\nset title "
           << quoted(set.families.size() > 1 ? set.families[std::size_t(set.family[std::size_t(e)])].name
                                             : set.families[0].name + ", environment " + std::to_string(e))
           << "\nplot ";
    for (Index j = 0; j < shown; ++j, ++block) {
      const Index curves = plane ? 1 : std::min<Index>(d, 4);
      for (Index i = 0; i < curves && (plane || j == 0); ++i) {
        const char* colour = colours[plane ? j : i];
        const Index x = plane ? 2 : 1, y = plane ? 3 : 2 + i;
        script << (j + i ? ", " : "") << "'trajectories.dat' index " << block << " using " << x << ":" << y
               << " with points pt 6 ps 0.8 lc rgb '" << colour << "', '' index " << block << " using " << (plane ? 4 : 1) << ":"
               << (y + d) << " with lines lw 1.5 lc rgb '" << colour << "'";
      }
    }
    script << '\n';
  }
  script << "unset multiplot\n";
}

/// Contexts of the training environments along their first two principal components, coloured by expert.
void write_contexts(const Report& r) {
  const Result& m = r.results.back();
  const auto& set = r.sets.train;
  const Index n = m.contexts.shape()[0], d = m.contexts.shape()[1];
  Eigen::MatrixXd x(n, d);
  for (Index e = 0; e < n; ++e)
    for (Index i = 0; i < d; ++i) x(e, i) = double(m.contexts.data()[e * d + i]);
  x.rowwise() -= x.colwise().mean().eval();
  // Of the two Gram matrices the one of the environments is small, however long the contexts are.
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(x * x.transpose());
  const double all = std::max(solver.eigenvalues().sum(), 1e-300);
  const auto score = [&](Index e, Index component) {
    const Index at = n - 1 - component;
    return at < 0 ? 0.0 : solver.eigenvectors()(e, at) * std::sqrt(std::max(0.0, solver.eigenvalues()(at)));
  };
  const auto share = [&](Index component) {
    return component < n ? std::lround(100 * std::max(0.0, solver.eigenvalues()(n - 1 - component)) / all) : 0;
  };
  auto table = create(r.options.output, "contexts.dat");
  table << "# first and second principal component, expert, family\n";
  for (Index k = 0; k < m.experts; ++k) {
    bool any = false;
    for (Index e = 0; e < n; ++e)
      if (m.expert[std::size_t(e)] == k) {
        any = true;
        table << score(e, 0) << ' ' << score(e, 1) << ' ' << k << " \""
              << set.families[std::size_t(set.family[std::size_t(e)])].name << "\"\n";
      }
    table << (any ? "" : "NaN NaN 0 \"\"\n") << "\n\n";
  }
  auto script = create(r.options.output, "contexts.gp");
  begin(script, "contexts", 900, 640);
  script << "set title 'contexts of the training environments, " << kind_titles[std::size_t(m.kind)]
         << "'\nset key outside right\n"
         << "set offsets graph 0.1, graph 0.1, graph 0.1, graph 0.1\n"
         << "set xlabel 'first principal component (" << share(0)
         << " % of the variance)'\nset ylabel 'second principal component (" << share(1) << " %)'\nplot ";
  for (Index k = 0; k < m.experts; ++k)
    script << (k ? ", " : "") << "'contexts.dat' index " << k << " using 1:2 with points pt " << (k < 10 ? 7 : 5)
           << " ps 1.6 lc rgb '" << colours[k % 10] << "' title 'expert " << k << "'";
  if (set.families.size() > 1)
    script << ", 'contexts.dat' using 1:2:(substr(stringcolumn(4), 1, 2)) with labels offset 0,-1 notitle";
  script << '\n';
}

void write_losses(const Report& r) {
  auto table = create(r.options.output, "losses.dat");
  for (const Result& m : r.results) {
    table << "# " << kind_titles[std::size_t(m.kind)] << ": iteration, loss\n";
    for (std::size_t i = 0; i < m.loss.size(); ++i) table << i + 1 << ' ' << m.loss[i] << '\n';
    table << (m.loss.empty() ? "NaN NaN\n" : "") << "\n\n";
  }
  auto script = create(r.options.output, "losses.gp");
  begin(script, "losses", 900, 560);
  std::size_t longest = 1;
  for (const Result& m : r.results) longest = std::max(longest, m.loss.size());
  script << "set xrange [0:" << longest
         << "]\nset logscale y\nset format y '%g'\nset xlabel 'outer iteration'\nset ylabel 'training loss'\nset grid\nplot ";
  for (std::size_t i = 0; i < r.results.size(); ++i)
    script << (i ? ", " : "") << "'losses.dat' index " << i << " using 1:2 with lines lw 2 lc rgb '" << colours[i] << "' title '"
           << kind_titles[std::size_t(r.results[i].kind)] << "'";
  script << '\n';
}

}  // namespace

void draw(const Report& r) {
  write_trajectories(r);
  write_contexts(r);
  write_losses(r);
  draw_pictures(r.options.output, {"trajectories", "contexts", "losses"});
}

}  // namespace mixer_ode
