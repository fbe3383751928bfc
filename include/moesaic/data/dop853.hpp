// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include <moesaic/data/initial_value.hpp>

namespace moesaic::data {

/// A reference solution, correct to about 1e-12: Dormand and Prince 8(5,3) (Hairer, Norsett, Wanner: Solving ODEs I, II.5).
///
/// Steps end exactly at the times asked for, so nothing is interpolated.
struct Dop853 {
  double rtol = 1e-13, atol = 1e-13;
  Index max_steps = 1'000'000;

  /// Writes the states at `problem.times`, [time, state], to `out`.
  /// Errors: the problem is malformed, the step falls below what the time resolves, more than `max_steps` steps are needed.
  void solve(const Field& field, const InitialValue& problem, double* out) const;

 private:
  static constexpr int stages = 12;
  static constexpr std::array<double, stages> nodes{0,
                                                    0.0526001519587677318785587544488,
                                                    0.0789002279381515978178381316732,
                                                    0.118350341907227396726757197510,
                                                    0.281649658092772603273242802490,
                                                    1. / 3,
                                                    0.25,
                                                    4. / 13,
                                                    0.651282051282051282051282051282,
                                                    0.6,
                                                    6. / 7,
                                                    1};
  static constexpr double tableau[stages][stages - 1] = {
      {},
      {5.26001519587677318785587544488e-2},
      {1.97250569845378994544595329183e-2, 5.91751709536136983633785987549e-2},
      {2.95875854768068491816892993775e-2, 0, 8.87627564304205475450678981324e-2},
      {2.41365134159266685502369798665e-1, 0, -8.84549479328286085344864962717e-1, 9.24834003261792003115737966543e-1},
      {3.7037037037037037037037037037e-2, 0, 0, 1.70828608729473871279604482173e-1, 1.25467687566822425016691814123e-1},
      {3.7109375e-2, 0, 0, 1.70252211019544039314978060272e-1, 6.02165389804559606850219397283e-2, -1.7578125e-2},
      {3.70920001185047927108779319836e-2, 0, 0, 1.70383925712239993810214054705e-1, 1.07262030446373284651809199168e-1,
       -1.53194377486244017527936158236e-2, 8.27378916381402288758473766002e-3},
      {6.24110958716075717114429577812e-1, 0, 0, -3.36089262944694129406857109825, -8.68219346841726006818189891453e-1,
       2.75920996994467083049415600797e1, 2.01540675504778934086186788979e1, -4.34898841810699588477366255144e1},
      {4.77662536438264365890433908527e-1, 0, 0, -2.48811461997166764192642586468, -5.90290826836842996371446475743e-1,
       2.12300514481811942347288949897e1, 1.52792336328824235832596922938e1, -3.32882109689848629194453265587e1,
       -2.03312017085086261358222928593e-2},
      {-9.3714243008598732571704021658e-1, 0, 0, 5.18637242884406370830023853209, 1.09143734899672957818500254654,
       -8.14978701074692612513997267357, -1.85200656599969598641566180701e1, 2.27394870993505042818970056734e1,
       2.49360555267965238987089396762, -3.0467644718982195003823669022},
      {2.27331014751653820792359768449, 0, 0, -1.05344954667372501984066689879e1, -2.00087205822486249909675718444,
       -1.79589318631187989172765950534e1, 2.79488845294199600508499808837e1, -2.85899827713502369474065508674,
       -8.87285693353062954433549289258, 1.23605671757943030647266201528e1, 6.43392746015763530355970484046e-1},
  };
  static constexpr double weights[stages] = {5.42937341165687622380535766363e-2,
                                             0,
                                             0,
                                             0,
                                             0,
                                             4.45031289275240888144113950566,
                                             1.89151789931450038304281599044,
                                             -5.8012039600105847814672114227,
                                             3.1116436695781989440891606237e-1,
                                             -1.52160949662516078556178806805e-1,
                                             2.01365400804030348374776537501e-1,
                                             4.47106157277725905176885569043e-2};
  /// Weights of the embedded methods of order 3 and (as a difference) 5.
  static constexpr double third[stages] = {
      0.244094488188976377952755905512, 0, 0, 0, 0, 0, 0, 0, 0.733846688281611857341361741547, 0, 0,
      0.0220588235294117647058823529412};
  static constexpr double fifth_error[stages] = {0.01312004499419488073250102996,
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 -1.225156446376204440720569753,
                                                 -0.4957589496572501915214079952,
                                                 1.664377182454986536961530415,
                                                 -0.3503288487499736816886487290,
                                                 0.3341791187130174790297318841,
                                                 0.08192320648511571246570742613,
                                                 -0.02235530786388629525884427845};
};

inline void Dop853::solve(const Field& field, const InitialValue& problem, double* out) const {
  problem.check();
  const auto n = std::size_t(problem.dimension());
  std::array<std::vector<double>, stages> k;
  k.fill(std::vector<double>(n));
  std::vector<double> x(problem.start.begin(), problem.start.end()), slope(n), point(n), next(n);
  const auto weighted = [&k](std::size_t i, const double* w, int count) {
    double sum = 0;
    for (int s = 0; s < count; ++s) sum += k[std::size_t(s)][i] * w[s];
    return sum;
  };

  double t = problem.begin;
  field(t, x.data(), slope.data());
  double step = initial_step(field, problem, slope, 7, rtol, atol);
  Index steps = 0;
  for (std::size_t saved = 0; saved < problem.times.size(); ++saved) {
    const double target = problem.times[saved];
    bool rejected = false;
    while (t < target) {
      require(steps++ < max_steps, "Dop853: more than ", max_steps, " steps up to t = ", t);
      require(step >= smallest_step(t), "Dop853: the step size fell below the resolution of time at t = ", t);
      const bool last = t + 1.01 * step >= target;
      const double h = last ? target - t : step;
      k[0] = slope;
      for (int s = 1; s < stages; ++s) {
        for (std::size_t i = 0; i < n; ++i) point[i] = x[i] + h * weighted(i, tableau[s], s);
        field(t + nodes[std::size_t(s)] * h, point.data(), k[std::size_t(s)].data());
      }
      double error5 = 0, error3 = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double slope8 = weighted(i, weights, stages);
        next[i] = x[i] + h * slope8;
        const double scale = atol + rtol * std::max(std::abs(x[i]), std::abs(next[i]));
        const double e5 = weighted(i, fifth_error, stages) / scale, e3 = (slope8 - weighted(i, third, stages)) / scale;
        error5 += e5 * e5;
        error3 += e3 * e3;
      }
      const double denominator = error5 + 0.01 * error3;
      const double norm = denominator == 0 ? 0 : std::abs(h) * error5 / std::sqrt(denominator * double(n));
      const double change = norm == 0 ? 6 : 0.9 * std::pow(norm, -1. / 8);
      if (!(norm < 1)) {
        step = h * (change > 0.2 ? std::min(change, 0.9) : 0.2);  // a norm that is not a number shrinks the step as well
        rejected = true;
        continue;
      }
      // A step cut short at a target says little about the next one: it never shortens it.
      const double proposed = h * std::min(rejected ? 1.0 : 6.0, change);
      step = last ? std::max(step, proposed) : proposed;
      rejected = false;
      t = last ? target : t + h;
      x.swap(next);
      field(t, x.data(), slope.data());
    }
    for (std::size_t i = 0; i < n; ++i) out[saved * n + i] = x[i];
  }
}

}  // namespace moesaic::data
