// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ops/arithmetic.hpp>

namespace moesaic {

namespace functor {
/// `sqrt(x + 1e-5)`: a standard deviation from its variance, as RevIN and layer norm have it.
struct Deviation {
  template <class S>
  constexpr S operator()(const S& x) const { using std::sqrt; return sqrt(x + constant<S>(1e-5)); }
};
/// `1 / sqrt(x + 1e-5)`.
struct InverseDeviation {
  template <class S>
  constexpr S operator()(const S& x) const { using std::sqrt; return 1 / sqrt(x + constant<S>(1e-5)); }
};
/// `centred * inverse * gain`.
struct Rescale {
  template <class S, class R, class Q>
  constexpr auto operator()(const S& centred, const R& inverse, const Q& gain) const { return centred * inverse * gain; }
};
/// `(x - mean) / deviation`.
struct Standardised {
  template <class S, class R, class Q>
  constexpr auto operator()(const S& x, const R& mean, const Q& deviation) const { return (x - mean) / deviation; }
};
}  // namespace functor

/// `(x - mean) / sqrt(var + 1e-5) * gain + bias` over the last axis: `x [..., C]`, `gain [C]`, `bias [C]`
/// (Ba, Kiros, Hinton: Layer normalization, arXiv 1607.06450, 2016).
template <ArrayLike X, ArrayLike G, ArrayLike B>
auto layer_norm(const X& x, const G& gain, const B& bias) {
  using Y = Deepest<X, G, B>;
  const Shape s = shape(x);
  require(s.rank() >= 1 && s.back() >= 1, "layer_norm: input of shape ", s, "; expected a last axis that is not empty");
  require(shape(gain) == Shape{s.back()}, "layer_norm: gain of shape ", shape(gain), "; expected ", Shape{s.back()});
  require(shape(bias) == Shape{s.back()}, "layer_norm: bias of shape ", shape(bias), "; expected ", Shape{s.back()});
  const double each = 1 / double(s.back());
  const Y centred = Y(x) - scale(sum_last(Y(x)), each);
  const Y inverse = map(functor::InverseDeviation{}, scale(sum_last(square(centred)), each));
  return map(functor::Rescale{}, centred, inverse, gain) + bias;
}

/// Mean and deviation of every series of a batch.
template <class X>
struct InstanceStatistics {
  X mean, deviation;  ///< `[N, 1, D]` each
};
/// Mean and `sqrt(var + 1e-5)` over the time axis of `x [N, T, D]`: what is taken from an instance and given to its forecast (Kim
/// et al.: Reversible instance normalization for accurate time-series forecasting against distribution shift, ICLR 2022).
template <ArrayLike X>
InstanceStatistics<X> instance_statistics(const X& x) {
  const Shape s = shape(x);
  require(s.rank() == 3 && s[1] >= 1, "instance_statistics: series of shape ", s, "; expected [N, T, D] with T of at least 1");
  const Shape one{s[0], 1, s[2]};
  const X mean = scale(sum_to(x, one), 1 / double(s[1]));
  const X variance = scale(sum_to(map(functor::SquaredDifference{}, x, mean), one), 1 / double(s[1]));
  return {mean, map(functor::Deviation{}, variance)};
}

/// Windows `x [N, T * variates]`, time slowest, with every series of a window less its mean and over its deviation, see
/// `instance_statistics`.
template <ArrayLike X>
X standardise_windows(const X& x, Index variates) {
  const Shape s = shape(x);
  require(s.rank() == 2 && variates >= 1 && s[1] % variates == 0 && s[1] > 0, "standardise_windows: windows of shape ", s, " with ",
          variates, " variates; expected [N, T * variates]");
  const X window = reshape(x, {s[0], s[1] / variates, variates});
  const auto [mean, deviation] = instance_statistics(window);
  return reshape(map(functor::Standardised{}, window, mean, deviation), s);
}

/// `(x - mean) / sqrt(variance + 1e-5)` over the last axis.
template <ArrayLike X>
X normalise_last(const X& x) {
  const double each = 1 / double(shape(x).back());
  const X centred = x - scale(sum_last(x), each);
  return centred * map(functor::InverseDeviation{}, scale(sum_last(square(centred)), each));
}

}  // namespace moesaic
