// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
/// Differentiable Fourier transforms. No part of ops.hpp: without FFTW, Eigen's transforms cost half a second of compile time.
#include <moesaic/backend/cpu/fft.hpp>
#include <moesaic/ops/basic.hpp>

namespace moesaic {

/// Spectrum of real series along the last axis: `x [..., n] -> [2, ..., n/2+1]`, real parts and then imaginary parts of
/// `w_k sum_j x_j exp(-2 pi i j k / n)`. At most three axes.
///
/// With the weights left out NumPy's `rfft`. `real_part` and `imaginary_part` are views: a log-magnitude is one `map` of both.
template <class B>
Tensor<B> rfft(const Tensor<B>& x, const FourierWeights& w = {}) {
  static_assert(primitive::HasFourier<B>, "Moesaic: backend lacks the extension Fourier (rfft, irfft) [docs/backend.md]");
  if (!x) return x;
  const Shape& s = x.shape();
  require(s.rank() >= 1 && s.rank() < Shape::max_rank && s.back() >= 1, "rfft: input of shape ", s,
          "; expected one to three axes, the last not empty");
  Shape spectrum{2};
  for (int a = 0; a + 1 < s.rank(); ++a) spectrum.push_back(s[a]);
  spectrum.push_back(s.back() / 2 + 1);
  auto out = make_tensor<B>(spectrum);
  Fourier<B>::rfft(out, x, w);
  return out;
}
/// The transpose of `rfft` with the same weights: `y [2, ..., n/2+1] -> [..., n]`,
/// `sum_k w_k (y[0, k] cos(2 pi j k / n) - y[1, k] sin(2 pi j k / n))`.
template <class B>
Tensor<B> irfft(const Tensor<B>& y, Index n, const FourierWeights& w) {
  static_assert(primitive::HasFourier<B>, "Moesaic: backend lacks the extension Fourier (rfft, irfft) [docs/backend.md]");
  if (!y) return y;
  const Shape& s = y.shape();
  require(n >= 1 && s.rank() >= 2 && s[0] == 2 && s.back() == n / 2 + 1, "irfft to length ", n, ": spectrum of shape ", s,
          "; expected [2, ..., ", n / 2 + 1, "]");
  Shape series;
  for (int a = 1; a + 1 < s.rank(); ++a) series.push_back(s[a]);
  series.push_back(n);
  auto out = make_tensor<B>(series);
  Fourier<B>::irfft(out, y, w);
  return out;
}
template <class A>
Dual<A> rfft(const Dual<A>& x, const FourierWeights& w = {}) { return {rfft(x.value, w), rfft(x.tangent, w)}; }
template <class A>
Dual<A> irfft(const Dual<A>& y, Index n, const FourierWeights& w) { return {irfft(y.value, n, w), irfft(y.tangent, n, w)}; }
template <class A>
Var<A> irfft(const Var<A>& y, Index n, const FourierWeights& w);
template <class A>
Var<A> rfft(const Var<A>& x, const FourierWeights& w = {}) {
  const A y = rfft(x.value, w);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x, w](const A& g) { accumulate(x.node, irfft(g, shape(x).back(), w)); });
}
template <class A>
Var<A> irfft(const Var<A>& y, Index n, const FourierWeights& w) {
  const A x = irfft(y.value, n, w);
  if (!y.active()) return x;
  return y.node->tape->record(x, [y, w](const A& g) { accumulate(y.node, rfft(g, w)); });
}

/// The real series of length `n` of which `y [2, ..., n/2+1]` is the spectrum: NumPy's `irfft`.
template <ArrayLike X>
X irfft(const X& y, Index n) {
  return irfft(y, n, {1.0 / double(n), 2.0 / double(n)});
}

namespace detail {
template <class X>
X plane(const X& y, Index i, const char* what) {
  const Shape s = shape(y);
  require(s.rank() >= 2 && s[0] == 2, what, ": spectrum of shape ", s, "; expected [2, ..., n/2+1]");
  Shape one;
  for (int a = 1; a < s.rank(); ++a) one.push_back(s[a]);
  return view(y, i * one.size(), one);
}
}  // namespace detail

/// Real parts `[..., n/2+1]` of a spectrum, without a copy.
template <ArrayLike X>
X real_part(const X& spectrum) {
  return detail::plane(spectrum, 0, "real_part");
}
/// Imaginary parts `[..., n/2+1]` of a spectrum, without a copy.
template <ArrayLike X>
X imaginary_part(const X& spectrum) {
  return detail::plane(spectrum, 1, "imaginary_part");
}

}  // namespace moesaic
