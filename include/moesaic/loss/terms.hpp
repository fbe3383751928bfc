// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>

#include <moesaic/loss/compose.hpp>

namespace moesaic {

namespace functor {
struct AbsoluteDifference {
  template <class S, class R>
  constexpr auto operator()(const S& a, const R& b) const {
    using std::abs;
    return abs(a - b);
  }
};
/// `factor * (a - b)^2 / c`.
struct RelativeSquare {
  double factor = 1;
  template <class S, class R, class Q>
  constexpr auto operator()(const S& a, const R& b, const Q& c) const {
    const auto e = a - b;
    return e * e / c * constant<std::remove_cvref_t<decltype(e * e / c)>>(factor);
  }
};
/// Quadratic within `delta`, linear beyond.
struct Huber {
  double delta = 1;
  template <class S, class R>
  constexpr auto operator()(const S& a, const R& b) const {
    using std::abs;
    const auto e = a - b;
    using E = std::remove_cvref_t<decltype(e)>;
    const E size(abs(e)), d = constant<E>(delta);
    return select(size < d, E(0.5 * e * e), E(d * (size - 0.5 * d)));
  }
};
}  // namespace functor

namespace loss {

/// Mean squared error per sample.
struct MeanSquaredError : Term {
  static constexpr std::string_view name = "mse";
  using reads = Supplies<quantity::Prediction>;
  template <class X>
  X operator()(const Outcome<X>& o) const { return o.per_sample(map(functor::SquaredDifference{}, o.prediction, o.target)); }
};
/// Squared error relative to the size of the state, `|x - y|^2 / ((1 - tail) |y|^2 + tail * mean |y|^2)`, mean over times.
///
/// Samples of small amplitude count as much as those of large amplitude; `tail` keeps states near zero from dominating (0: the
/// pure relative error, 1: every sample divided by its own mean square).
struct RelativeError : Term {
  static constexpr std::string_view name = "relative";
  using reads = Supplies<quantity::Prediction>;
  double tail = 0.5;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const auto target = primal(o.target);
    const auto norm = sum_last(square(target));
    Shape each = norm.shape();
    for (int a = 0; a < each.rank(); ++a)
      if (a != o.sample_axis) each[a] = 1;
    const auto typical = scale(sum_to(norm, each), double(each.size()) / double(norm.size()));
    const auto size = scale(norm, 1 - tail) + scale(typical, tail) + 1e-12;
    const double dimension = double(target.shape().back());
    return o.per_sample(map(functor::RelativeSquare{dimension}, o.prediction, o.target, size));
  }
};
/// Mean absolute error per sample.
struct MeanAbsoluteError : Term {
  static constexpr std::string_view name = "mae";
  using reads = Supplies<quantity::Prediction>;
  template <class X>
  X operator()(const Outcome<X>& o) const { return o.per_sample(map(functor::AbsoluteDifference{}, o.prediction, o.target)); }
};
/// Huber's loss per sample (Huber 1964).
struct Huber : Term {
  static constexpr std::string_view name = "huber";
  using reads = Supplies<quantity::Prediction>;
  double delta = 1;
  template <class X>
  X operator()(const Outcome<X>& o) const { return o.per_sample(map(functor::Huber{delta}, o.prediction, o.target)); }
};
/// Mean absolute value of a sample's context (neural context flows, with weight 1e-3).
struct ContextL1 : Term {
  static constexpr std::string_view name = "context_l1";
  using reads = Supplies<quantity::Context>;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    return reshape(scale(sum_last(abs(o.context)), 1.0 / double(shape(o.context)[1])), {shape(o.context)[0]});
  }
};
/// Squared logarithm of the gate's partition function (router z-loss; Zoph et al.: ST-MoE 2022).
struct RouterZ : Term {
  static constexpr std::string_view name = "router_z";
  using reads = Supplies<quantity::GateLogits>;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const X probability = log_softmax(o.logits);  // log-partition = logit - log-probability, for any expert
    return reshape(square(slice(o.logits, 1, 0, 1) - slice(probability, 1, 0, 1)), {shape(o.logits)[0]});
  }
};
/// Negative log-likelihood of a sample, where the flow maps samples to standard normal numbers (Dinh, Sohl-Dickstein, Bengio:
/// Density estimation using Real NVP, ICLR 2017).
struct NegativeLogLikelihood : Term {
  static constexpr std::string_view name = "nll";
  using reads = Supplies<quantity::Latent>;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const Index samples = shape(o.latent)[0], dimension = shape(o.latent).size() / std::max<Index>(samples, 1);
    const X size = reshape(sum_last(square(reshape(o.latent, {samples, dimension}))), {samples});
    const X normal = map(functor::Affine{0.5, 0.5 * std::log(2 * std::numbers::pi) * double(dimension)}, size);
    return present(o.log_det) ? normal - o.log_det : normal;
  }
};

inline constexpr MeanSquaredError mse{};
inline constexpr MeanAbsoluteError mae{};
inline constexpr ContextL1 context_l1{};
inline constexpr RouterZ router_z{};
inline constexpr NegativeLogLikelihood nll{};
inline RelativeError relative(double tail = 0.5) {
  RelativeError r;
  r.tail = tail;
  return r;
}
inline Huber huber(double delta = 1) {
  Huber h;
  h.delta = delta;
  return h;
}

}  // namespace loss
}  // namespace moesaic
