// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <ostream>

#include <moesaic/core/random.hpp>
#include <moesaic/ops/ops.hpp>

namespace moesaic {

/// What `check_gradient` found: relative errors against central differences.
struct GradientReport {
  double jvp = 0;      ///< forward mode against differences of the value
  double vjp = 0;      ///< reverse against forward mode, `<J^T g, v> = <g, J v>`
  double hvp = 0;      ///< forward over reverse against differences of the gradient
  double taylor = 0;   ///< reverse over forward: the gradient of a directional derivative against the Hessian-vector product
  double tolerance = 0;

  bool passed() const {
    return jvp <= tolerance && vjp <= tolerance && hvp <= tolerance && taylor <= tolerance;  // false for NaN
  }
  friend std::ostream& operator<<(std::ostream& out, const GradientReport& r) {
    return out << "jvp " << r.jvp << ", vjp " << r.vjp << ", hvp " << r.hvp << ", taylor " << r.taylor << " (tolerance "
               << r.tolerance << ")";
  }
};

struct CheckOptions {
  double step = 1e-5;       ///< of the central differences, relative to the size of `x`
  double tolerance = 1e-6;
  int directions = 3;
  std::uint64_t seed = 1;
};

namespace detail {
template <class B>
Tensor<B> random_tensor(const Shape& shape, Random& random) {
  std::vector<typename B::Scalar> host(std::size_t(shape.size()));
  for (auto& h : host) h = typename B::Scalar(random.next_normal());
  auto out = make_tensor<B>(shape);
  B::from_host(out, host.data());
  return out;
}
template <class B>
double dot(const Tensor<B>& a, const Tensor<B>& b) {
  const auto x = to_host(a), y = to_host(b);
  double s = 0;
  for (std::size_t i = 0; i < x.size(); ++i) s += double(x[i]) * double(y[i]);
  return s;
}
template <class B>
double distance(const Tensor<B>& a, const Tensor<B>& b) {
  const auto x = to_host(a), y = to_host(b);
  double d = 0, n = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    d += (double(x[i]) - double(y[i])) * (double(x[i]) - double(y[i]));
    n += double(y[i]) * double(y[i]) + double(x[i]) * double(x[i]);
  }
  return std::sqrt(d) / (std::sqrt(n) + 1e-8);
}
}  // namespace detail

/// Compares value, first and second derivatives of `f` at `x` with central differences; use double.
///
/// `f` is a callable over any array type that returns an array of any shape; all levels and both nestings of `Dual` and `Var`
/// are exercised.
template <class F, class B>
GradientReport check_gradient(const F& f, const Tensor<B>& x, const CheckOptions& options = {}) {
  const Scratch<typename B::Memory> scratch;
  GradientReport report{.tolerance = options.tolerance};
  Random random(options.seed, 77);
  const Tensor<B> y0 = f(x);
  const Tensor<B> weight = detail::random_tensor<B>(y0.shape(), random);
  const auto scalar = [&](const auto& p) { return sum(f(p) * weight); };
  double size = 0;
  for (auto v : to_host(x)) size += double(v) * double(v);
  const double h = options.step * std::max(1.0, std::sqrt(size / double(std::max<Index>(x.size(), 1))));
  const auto worse = [](double& worst, double error) { worst = error > worst || std::isnan(error) ? error : worst; };
  for (int d = 0; d < options.directions; ++d) {
    const Tensor<B> v = detail::random_tensor<B>(x.shape(), random);
    const Tensor<B> up = x + h * v, down = x - h * v;
    const auto forward = jvp(f, x, v);
    worse(report.jvp, detail::distance<B>(forward.value, y0));
    worse(report.jvp, detail::distance<B>(forward.tangent, (0.5 / h) * (f(up) - f(down))));
    const auto [value, back] = vjp(f, x, weight);
    const double left = detail::dot(back, v), right = detail::dot(weight, forward.tangent);
    worse(report.vjp, std::abs(left - right) / (std::abs(left) + std::abs(right) + 1e-8));
    const Tensor<B> second = hvp(scalar, x, v);
    worse(report.hvp, detail::distance<B>(second, (0.5 / h) * (grad(scalar, up) - grad(scalar, down))));
    const Tensor<B> taylor = grad(
        [&](const auto& p) {
          using X = std::remove_cvref_t<decltype(p)>;
          const auto along = scalar(Dual<X>(p, X(v)));
          return present(along.tangent) ? along.tangent : scale(along.value, 0.0);
        },
        x);
    worse(report.taylor, detail::distance<B>(taylor, second));
  }
  return report;
}

}  // namespace moesaic
