// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <moesaic/core/parameters.hpp>
#include <moesaic/train/samples.hpp>

namespace moesaic {

/// The affine forecast of least squares, for the linear maps that experts start from.
///
/// Variate v of a window is forecast as its last value plus `x W_v + b_v`, x its look-back.
struct LinearStart {
  Index variates = 0, look_back = 0, horizon = 0;
  std::vector<double> weight = {};  ///< [maps, look_back, horizon]: one map, or one for every variate
  std::vector<double> bias = {};    ///< [maps, horizon]
  bool keeps_level = true;     ///< whether a window that is moved up by c is forecast c higher, as the columns of W_v sum to 0
  double shrinkage = 0;        ///< of the maps of the variates towards the common one; infinite: there is one map
  double share = 1;            ///< of the maps; the rest of a forecast repeats the last value
  double error = std::numeric_limits<double>::quiet_NaN();  ///< mean squared, cross-validated; NaN: too few windows for that

  Index maps() const { return std::isfinite(shrinkage) ? variates : 1; }
};

struct LinearStartOptions {
  bool own = true;  ///< whether variates may have maps of their own
  std::vector<double> shrinkages = {0.01, 0.1, 1, 10};  ///< to choose from, in units of the mean square of what a map reads
  bool shares = true;  ///< whether only a share of the maps may be taken, the rest of a forecast repeating the last value
  int folds = 5;    ///< stretches of time of the cross-validation
};

namespace detail {

/// Second moments of what a linear map reads, `u = (x_0 - x_last, ..., x_last-1 - x_last, 1, x_last)`, and of its target
/// `y - x_last`: without their last coordinate, maps keep the level.
struct StartMoments {
  Eigen::MatrixXd uu, uy;
  double yy = 0;

  StartMoments(Index p, Index horizon) : uu(Eigen::MatrixXd::Zero(p, p)), uy(Eigen::MatrixXd::Zero(p, horizon)) {}
  void add(const StartMoments& o, double sign = 1) {
    uu += sign * o.uu, uy += sign * o.uy;
    yy += sign * o.yy;
  }
  /// The map of the first p coordinates with least squared error plus `ridge`, in units of their mean square, times the squared
  /// distance from `prior`.
  Eigen::MatrixXd solve(Index p, double ridge, const Eigen::MatrixXd& prior) const {
    const double weight = ridge * std::max(uu.topLeftCorner(p, p).trace() / double(p), 1e-12);
    Eigen::MatrixXd normal = uu.topLeftCorner(p, p);
    normal.diagonal().array() += weight;
    Eigen::MatrixXd out = normal.ldlt().solve(uy.topRows(p) + weight * prior);
    require(out.allFinite(), "linear_start: the normal equations cannot be solved");
    return out;
  }
};

/// Squared errors of forecasts by a share of maps, `yy - 2 share my + share^2 mm`.
struct ShareErrors {
  double yy = 0, my = 0, mm = 0;

  void add(const StartMoments& of, const Eigen::MatrixXd& map) {
    const Index p = map.rows();
    yy += of.yy;
    my += map.cwiseProduct(of.uy.topRows(p)).sum();
    mm += map.cwiseProduct(of.uu.topLeftCorner(p, p) * map).sum();
  }
  double best() const { return mm > 0 ? std::clamp(my / mm, 0.0, 1.0) : 0; }
  double error(double share) const { return yy - 2 * share * my + share * share * mm; }
};

/// Adds the moments of the windows `first .. last`, `sign` times, to those of every variate, or to the one of all.
template <class B>
void add_moments(const Windows<B>& windows, Index first, Index last, double sign, std::vector<StartMoments>& to) {
  const Index t = windows.look_back(), h = windows.horizon(), d = windows.variates();
  const Index at_once = std::clamp<Index>((Index{1} << 21) / (d * (t + h)), 1, 1024);
  Workspace<typename B::Memory> workspace;
  const typename Workspace<typename B::Memory>::Scope scope(workspace);
  Eigen::MatrixXd u, y;
  for (; first < last; first += at_once) {
    const Scratch<typename B::Memory> scratch;
    const Scratch<HostMemory> rows;
    const Index n = std::min(at_once, last - first);
    const Batch<B> batch = windows.range(first, n);
    const auto past = to_host(batch.x), future = to_host(batch.y);
    u.resize(n, t + 1), y.resize(n, h);
    for (Index v = 0; v < d; ++v) {
      for (Index i = 0; i < n; ++i) {
        const auto x = [&](Index k) { return double(past[std::size_t((i * t + k) * d + v)]); };
        const double level = x(t - 1);
        for (Index k = 0; k + 1 < t; ++k) u(i, k) = x(k) - level;
        u(i, t - 1) = 1, u(i, t) = level;
        for (Index k = 0; k < h; ++k) y(i, k) = double(future[std::size_t((i * h + k) * d + v)]) - level;
      }
      auto& m = to[to.size() > 1 ? std::size_t(v) : 0];
      m.uu.noalias() += sign * u.transpose() * u;
      m.uy.noalias() += sign * u.transpose() * y;
      m.yy += sign * y.squaredNorm();
    }
  }
}

/// The common map alone (infinite `shrinkage`), or every variate's own, drawn towards it.
inline std::vector<Eigen::MatrixXd> start_maps(const std::vector<StartMoments>& of, Index p, double shrinkage) {
  StartMoments all(of[0].uu.rows(), of[0].uy.cols());
  for (const auto& m : of) all.add(m);
  const Eigen::MatrixXd common = all.solve(p, 1e-7, Eigen::MatrixXd::Zero(p, all.uy.cols()));
  if (!std::isfinite(shrinkage)) return {common};
  std::vector<Eigen::MatrixXd> maps;
  for (const auto& m : of) maps.push_back(m.solve(p, shrinkage, common));
  return maps;
}

}  // namespace detail

/// Fits the maps to all windows. Whether they keep the level, and how far the variates' maps are drawn to the common one, is chosen by
/// cross-validation: every one of `folds` stretches of time is forecast by maps that are fitted to the windows which share no row with
/// it (Bergmeir, Hyndman, Koo: A note on the validity of cross-validation for evaluating autoregressive time series prediction,
/// 2018). So is the share of the maps, between that and repeating the last value (stacked regressions: Breiman 1996); in a random walk
/// it is nearly 0. Where the stretches are too long for that, the common map is taken whole, and it keeps the level. Series are expected
/// to be standardised: ridge and shrinkage are in units of the mean square of levels and changes together.
///
/// Memory: `3 maps (look_back + 1)(look_back + 1 + horizon)` numbers. Errors: normal equations that cannot be solved.
template <class B>
LinearStart linear_start(const Windows<B>& windows, const LinearStartOptions& options = {}) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  const Index t = windows.look_back(), h = windows.horizon(), d = windows.variates(), n = windows.size();
  require(options.folds >= 2, "linear_start: ", options.folds, " folds; expected at least 2");
  for (double s : options.shrinkages) require(s > 0, "linear_start: a shrinkage of ", s, "; expected a positive number");
  const std::vector<detail::StartMoments> none(options.own ? std::size_t(d) : 1, detail::StartMoments(t + 1, h));
  auto all = none;
  detail::add_moments(windows, 0, n, 1, all);

  std::vector<double> shrinkages{infinite};
  if (options.own && d > 1) shrinkages.insert(shrinkages.end(), options.shrinkages.begin(), options.shrinkages.end());
  const auto coordinates = [t](bool keeps) { return keeps ? t : t + 1; };
  LinearStart out{.variates = d, .look_back = t, .horizon = h, .shrinkage = infinite};
  const Index fold = n / options.folds, apart = t + h - 1;  // windows that far apart share no row
  if (fold >= 1 && n - fold - 2 * apart >= fold) {
    std::vector<detail::ShareErrors> errors(2 * shrinkages.size());
    for (int k = 0; k < options.folds; ++k) {
      const Index begin = n * k / options.folds, end = n * (k + 1) / options.folds;
      auto scored = none, fitted = all;
      detail::add_moments(windows, begin, end, 1, scored);
      for (std::size_t v = 0; v < scored.size(); ++v) fitted[v].add(scored[v], -1);
      detail::add_moments(windows, std::max<Index>(begin - apart, 0), begin, -1, fitted);
      detail::add_moments(windows, end, std::min(end + apart, n), -1, fitted);
      for (std::size_t j = 0; j < errors.size(); ++j) {
        const auto maps = detail::start_maps(fitted, coordinates(j % 2 == 0), shrinkages[j / 2]);
        for (std::size_t v = 0; v < scored.size(); ++v) errors[j].add(scored[v], maps[maps.size() > 1 ? v : 0]);
      }
    }
    const auto share_of = [&](const detail::ShareErrors& e) { return options.shares ? e.best() : 1; };
    const auto best = std::min_element(errors.begin(), errors.end(), [&](const auto& a, const auto& b) {
      return a.error(share_of(a)) < b.error(share_of(b));
    });
    const auto place = std::size_t(best - errors.begin());
    out.keeps_level = place % 2 == 0;
    out.shrinkage = shrinkages[place / 2];
    out.share = share_of(*best);
    out.error = best->error(out.share) / double(n * d * h);
  }

  auto maps = detail::start_maps(all, coordinates(out.keeps_level), out.shrinkage);
  for (auto& map : maps) map *= out.share;
  out.weight.resize(std::size_t(out.maps() * t * h));
  out.bias.resize(std::size_t(out.maps() * h));
  for (Index v = 0; v < out.maps(); ++v) {
    const auto& map = maps[std::size_t(v)];
    for (Index j = 0; j < h; ++j) {
      double last = out.keeps_level ? 0 : map(t, j);
      for (Index k = 0; k + 1 < t; ++k) {
        out.weight[std::size_t((v * t + k) * h + j)] = map(k, j);
        last -= map(k, j);
      }
      out.weight[std::size_t((v * t + t - 1) * h + j)] = last;
      out.bias[std::size_t(v * h + j)] = map(t - 1, j);
    }
  }
  return out;
}

/// Writes the maps into the parameters of every module `skip` of a layout: `skip.weight [variates, look_back, horizon]` and `skip.bias
/// [variates, 1, horizon]`, or without variates where one map serves them all. Errors: no such module; other shapes; one map for
/// variates that differ.
template <class B>
void start_from(const LinearStart& start, const Layout& layout, const Tensor<B>& parameters) {
  using T = typename B::Scalar;
  bool found = false;
  const auto write = [&](const Layout::Entry& entry, const std::vector<double>& maps, const Shape& one, const Shape& own) {
    require(entry.shape == one || entry.shape == own, "start_from: ", entry.name, " has shape ", entry.shape, "; expected ", one, " or ", own);
    require(entry.shape == own || start.maps() == 1, "start_from: ", entry.name, " serves all variates, whose maps differ");
    std::vector<T> host;
    while (Index(host.size()) < entry.shape.size()) host.insert(host.end(), maps.begin(), maps.end());
    B::from_host(view(parameters, entry.offset, {entry.shape.size()}), host.data());
    found = true;
  };
  const auto is = [](const std::string& name, const std::string& wanted) { return name == wanted || name.ends_with("." + wanted); };
  const Index d = start.variates, t = start.look_back, h = start.horizon;
  for (const auto& entry : layout.entries()) {
    if (is(entry.name, "skip.weight")) write(entry, start.weight, {t, h}, {d, t, h});
    if (is(entry.name, "skip.bias")) write(entry, start.bias, {h}, {d, 1, h});
  }
  require(found, "start_from: the layout has no module skip");
}

}  // namespace moesaic
