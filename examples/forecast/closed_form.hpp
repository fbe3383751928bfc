// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <vector>

#include <moesaic/train/samples.hpp>

namespace forecast {

using moesaic::Index;

/// The affine map of least squared error from look-back to horizon, shared by all variates.
template <class T>
struct ClosedForm {
  std::vector<T> weight;  ///< [look-back, horizon]
  std::vector<T> bias;    ///< [horizon]
};

/// Solves for the map as the skip of `SpectralMamba` applies it: to windows less their last value, which it adds again; with `scaled` in
/// units of the deviation of the look-back, where errors still count in the units of the series. Ridge: 1e-10 of the mean diagonal,
/// 1e-7 in float.
template <class B>
ClosedForm<typename B::Scalar> closed_form(const moesaic::Windows<B>& windows, bool scaled) {
  using namespace moesaic;
  using T = typename B::Scalar;
  using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Index t = windows.look_back(), h = windows.horizon(), d = windows.variates(), p = t + 1;
  Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(p, p), right = Eigen::MatrixXd::Zero(p, h);
  const Index at_once = std::max<Index>(1, (Index{1} << 21) / (d * (t + h)));
  Workspace<typename B::Memory> workspace;
  const typename Workspace<typename B::Memory>::Scope scope(workspace);
  Rows x, y;
  for (Index first = 0; first < windows.size(); first += at_once) {
    const Scratch<typename B::Memory> scratch;
    const Index n = std::min(at_once, windows.size() - first);
    const Batch<B> batch = windows.range(first, n);
    const auto past = to_host(batch.x), future = to_host(batch.y);
    x.resize(n * d, p), y.resize(n * d, h);
    for (Index i = 0; i < n; ++i)
      for (Index v = 0; v < d; ++v) {
        const T* from = past.data() + i * t * d + v;
        const T last = from[(t - 1) * d];
        double mean = 0, square = 0;
        for (Index k = 0; k < t; ++k) mean += double(from[k * d]) / double(t);
        for (Index k = 0; k < t; ++k) square += (double(from[k * d]) - mean) * (double(from[k * d]) - mean);
        const Index row = i * d + v;
        for (Index k = 0; k < t; ++k) x(row, k) = from[k * d] - last;
        x(row, t) = scaled ? T(std::sqrt(square / double(t) + 1e-5)) : T(1);
        for (Index k = 0; k < h; ++k) y(row, k) = future[std::size_t((i * h + k) * d + v)] - last;
      }
    normal += (x.transpose() * x).template cast<double>();
    right += (x.transpose() * y).template cast<double>();
  }
  const double ridge = std::is_same_v<T, float> ? 1e-7 : 1e-10;
  normal.diagonal().array() += ridge * normal.trace() / double(p);
  const Eigen::MatrixXd solution = normal.llt().solve(right);
  require(solution.allFinite(), "closed_form: the normal equations cannot be solved");
  ClosedForm<T> out{std::vector<T>(std::size_t(t * h)), std::vector<T>(std::size_t(h))};
  for (Index k = 0; k < t; ++k)
    for (Index j = 0; j < h; ++j) out.weight[std::size_t(k * h + j)] = T(solution(k, j));
  for (Index j = 0; j < h; ++j) out.bias[std::size_t(j)] = T(solution(t, j));
  return out;
}

}  // namespace forecast
