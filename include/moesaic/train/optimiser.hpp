// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <utility>
#include <vector>

#include <moesaic/core/jet.hpp>
#include <moesaic/train/optimiser_state.hpp>

namespace moesaic {

namespace functor {
/// Running mean: `decay * m + (1 - decay) * x`.
struct Decayed {
  double decay;
  template <class S>
  constexpr S operator()(const S& m, const S& x) const {
    return constant<S>(decay) * m + constant<S>(1 - decay) * x;
  }
};
/// Running mean square: `decay * v + (1 - decay) * x^2`.
struct DecayedSquare {
  double decay;
  template <class S>
  constexpr S operator()(const S& v, const S& x) const {
    return constant<S>(decay) * v + constant<S>(1 - decay) * (x * x);
  }
};
/// Running mean square of what the mean `m` did not foresee, floored by `floor` at every update.
struct DecayedError {
  double decay, floor;
  template <class S>
  constexpr S operator()(const S& v, const S& g, const S& m) const {
    const S e = g - m;
    return constant<S>(decay) * v + constant<S>(1 - decay) * (e * e) + constant<S>(floor);
  }
};
/// `a + factor * x`.
struct AddScaled {
  double factor;
  template <class S>
  constexpr S operator()(const S& a, const S& x) const {
    return a + constant<S>(factor) * x;
  }
};
/// `g + weight * (p - start)`.
struct AddProximal {
  double weight;
  template <class S>
  constexpr S operator()(const S& g, const S& p, const S& start) const {
    return g + constant<S>(weight) * (p - start);
  }
};
/// `momentum * v + g`.
struct Momentum {
  double momentum;
  template <class S>
  constexpr S operator()(const S& v, const S& g) const {
    return constant<S>(momentum) * v + g;
  }
};
/// `p - rate * (g + momentum * v)`.
struct Nesterov {
  double rate, momentum;
  template <class S>
  constexpr S operator()(const S& p, const S& g, const S& v) const {
    return p - constant<S>(rate) * (g + constant<S>(momentum) * v);
  }
};
/// `keep * p - rate * m / (sqrt(v * unbias + eps_root) + eps)`.
struct Adaptive {
  double keep, rate, unbias, eps_root, eps;
  template <class S>
  constexpr S operator()(const S& p, const S& m, const S& v) const {
    using std::sqrt;
    const S size = sqrt(v * constant<S>(unbias) + constant<S>(eps_root)) + constant<S>(eps);
    return constant<S>(keep) * p - constant<S>(rate) * m / size;
  }
};
}  // namespace functor

namespace detail {
/// `1 / (1 - decay^count)`: undoes the pull of a running mean towards its start at zero.
inline double unbias(double decay, std::int64_t count) { return 1 / (1 - std::pow(decay, double(count))); }
}  // namespace detail

/// Gradient descent, with heavy-ball momentum (Polyak 1964) or Nesterov's (1983): `v = momentum v + g`, `p -= rate v`.
struct Sgd {
  double momentum = 0;
  bool nesterov = false;  ///< `p -= rate (g + momentum v)`

  int moments() const { return momentum != 0; }

  template <class B>
  void step(OptimiserState<B>& state, const Tensor<B>& p, const Tensor<B>& g, double rate) const {
    if (momentum == 0) {
      B::map(p, functor::AddScaled{-rate}, p, g);
      return;
    }
    const Tensor<B> v = state.moment[0];
    B::map(v, functor::Momentum{momentum}, v, g);
    if (nesterov)
      B::map(p, functor::Nesterov{rate, momentum}, p, g, v);
    else
      B::map(p, functor::AddScaled{-rate}, p, v);
  }
};

/// Adam with decoupled weight decay: `p -= rate (m / (sqrt(v + eps_root) + eps) + weight_decay p)`, moments without bias
/// (Loshchilov and Hutter: Decoupled weight decay regularization, ICLR 2019). Defaults are optax's.
///
/// `undecayed` are ranges in ascending order, of `parameters_where` for instance; errors: those that overlap or lie outside.
struct AdamW {
  double b1 = 0.9, b2 = 0.999, eps = 1e-8, eps_root = 0, weight_decay = 1e-4;
  std::vector<std::pair<Index, Index>> undecayed = {};  ///< first and number of parameters without weight decay

  int moments() const { return 2; }

  template <class B>
  void step(OptimiserState<B>& state, const Tensor<B>& p, const Tensor<B>& g, double rate) const {
    const Tensor<B> m = state.moment[0], v = state.moment[1];
    B::map(m, functor::Decayed{b1}, m, g);
    B::map(v, functor::DecayedSquare{b2}, v, g);
    const double unbias1 = detail::unbias(b1, state.count), unbias2 = detail::unbias(b2, state.count);
    const auto move = [&](Index first, Index count, double decay) {
      const auto part = [&](const Tensor<B>& x) { return x.reshape({x.size()}).rows(first, count); };
      B::map(part(p), functor::Adaptive{1 - rate * decay, rate * unbias1, unbias2, eps_root, eps}, part(p), part(m), part(v));
    };
    Index at = 0;
    for (const auto& [first, count] : undecayed) {
      require(first >= at && count >= 0 && first + count <= p.size(), "AdamW: undecayed parameters ", first, " .. ",
              first + count, "; expected ", at, " .. ", p.size(), " or a part of it");
      move(at, first - at, weight_decay);
      move(first, count, 0);
      at = first + count;
    }
    move(at, p.size() - at, weight_decay);
  }
};

/// Adam (Kingma and Ba: Adam: a method for stochastic optimization, ICLR 2015). Defaults are optax's.
struct Adam {
  double b1 = 0.9, b2 = 0.999, eps = 1e-8, eps_root = 0;

  int moments() const { return 2; }

  template <class B>
  void step(OptimiserState<B>& state, const Tensor<B>& p, const Tensor<B>& g, double rate) const {
    AdamW{b1, b2, eps, eps_root, 0, {}}.step(state, p, g, rate);
  }
};

/// AdaBelief: Adam whose step is measured by the gradient's deviation from its running mean (Zhuang et al.: AdaBelief optimizer,
/// NeurIPS 2020). As in optax, `eps_root` joins the second moment at every update.
struct AdaBelief {
  double b1 = 0.9, b2 = 0.999, eps = 1e-16, eps_root = 1e-16;

  int moments() const { return 2; }

  template <class B>
  void step(OptimiserState<B>& state, const Tensor<B>& p, const Tensor<B>& g, double rate) const {
    const Tensor<B> m = state.moment[0], v = state.moment[1];
    B::map(m, functor::Decayed{b1}, m, g);
    B::map(v, functor::DecayedError{b2, eps_root}, v, g, m);
    const double unbias1 = detail::unbias(b1, state.count), unbias2 = detail::unbias(b2, state.count);
    B::map(p, functor::Adaptive{1, rate * unbias1, unbias2, 0, eps}, p, m, v);
  }
};

}  // namespace moesaic
