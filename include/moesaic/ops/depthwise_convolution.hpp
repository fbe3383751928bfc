// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <span>

#include <moesaic/ops/arrange.hpp>

namespace moesaic {

namespace functor {
/// `base + x0 w0 + x1 w1 + ...`
struct Taps {
  template <class S>
  constexpr S operator()(const S& base) const { return base; }
  template <class S, class X, class W, class... More>
  constexpr S operator()(const S& base, const X& x, const W& w, const More&... more) const {
    return (*this)(base + x * w, more...);
  }
};
}  // namespace functor

namespace detail {

/// `out_i = base + sum_k kernel_k x_{i+k}`, or with `reverse` `sum_k kernel_k x_{i+K-1-k}`, along the first axis: `out [R, C]`,
/// `x [R + K - 1, C]`, `base` broadcasts. One pass for four taps.
template <class B>
void convolve_rows(const Tensor<B>& out, const Tensor<B>& x, const Tensor<B>& kernel, Tensor<B> base, bool reverse) {
  const Index taps = kernel.shape()[0], channels = kernel.shape()[1], rows = out.shape()[0];
  const auto w = [&](Index k) { return kernel.rows(k, 1).reshape({channels}); };
  const auto at = [&](Index k) { return x.rows(reverse ? taps - 1 - k : k, rows); };
  for (Index k = 0; k < taps; k += 4, base = out) {
    const functor::Taps sum;
    switch (std::min<Index>(taps - k, 4)) {
      case 1: B::map(out, sum, base, at(k), w(k)); break;
      case 2: B::map(out, sum, base, at(k), w(k), at(k + 1), w(k + 1)); break;
      case 3: B::map(out, sum, base, at(k), w(k), at(k + 1), w(k + 1), at(k + 2), w(k + 2)); break;
      default: B::map(out, sum, base, at(k), w(k), at(k + 1), w(k + 1), at(k + 2), w(k + 2), at(k + 3), w(k + 3));
    }
  }
}

/// The convolution of few steps: all samples with zeros around them as one series, of which the steps of the samples are kept.
template <class B>
Tensor<B> convolve_padded(const Tensor<B>& x, const Tensor<B>& kernel, const Tensor<B>& base, bool reverse) {
  const Shape s = x.shape();
  const Index more = kernel.shape()[0] - 1, rows = s[0] * (s[1] + more);
  const auto padded = pad(x, 1, reverse ? 0 : more, s[1] + more), all = make_tensor<B>(padded.shape());
  convolve_rows(all.reshape({rows, s[2]}).rows(0, rows - more), padded.reshape({rows, s[2]}), kernel, base, reverse);
  return slice(all, 1, 0, s[1]);
}

/// All samples `[N, L, C]` as one series `[N (L + more), C]`: `before` of `more` zeros come before each sample, the others after it.
template <class A>
A one_series(const A& x, Index before, Index more) {
  const Shape s = shape(x);
  return reshape(pad(x, 1, before, s[1] + more), {s[0] * (s[1] + more), s[2]});
}

}  // namespace detail

namespace rule {

/// All samples are one series, in one pass; the steps for which that reached into another sample are then done again.
template <class B>
Tensor<B> convolve(const Tensor<B>& x, const Tensor<B>& kernel, const Tensor<B>& bias, bool reverse) {
  const Shape s = x.shape();
  const Index more = kernel.shape()[0] - 1, rows = s[0] * s[1], ends = std::min(more, s[1]);
  const auto out = make_tensor<B>(s);
  if (s.size() == 0) return out;
  Tensor<B> base = bias;
  if (!base) {
    base = make_tensor<B>(Shape{});
    B::fill(base, typename B::Scalar(0));
  }
  if (rows > more) {
    const auto inner = out.reshape({rows, s[2]}).rows(reverse ? 0 : more, rows - more);
    detail::convolve_rows(inner, x.reshape({rows, s[2]}), kernel, base, reverse);
  }
  if (ends > 0) {
    const Index begin = reverse ? s[1] - ends : 0;
    B::put_slice(out, detail::convolve_padded(slice(x, 1, begin, ends), kernel, base, reverse), 1, begin, false);
  }
  return out;
}
template <class A>
Var<A> convolve(const Var<A>& x, const Var<A>& kernel, const Var<A>& bias, bool reverse);
template <class A>
Dual<A> convolve(const Dual<A>& x, const Dual<A>& kernel, const Dual<A>& bias, bool reverse) {
  Dual<A> y(convolve(x.value, kernel.value, bias.value, reverse));
  y.tangent = broadcast_to(bias.tangent, shape(y));
  if (present(x.tangent)) y.tangent = sum_present(y.tangent, convolve(x.tangent, kernel.value, A{}, reverse));
  if (present(kernel.tangent)) y.tangent = sum_present(y.tangent, convolve(x.value, kernel.tangent, A{}, reverse));
  return y;
}
/// The adjoint of the kernel: products of the series and its adjoint at the distances of the taps, summed.
template <class A>
A convolve_kernel_adjoint(const A& x, const A& g, Index taps, bool reverse) {
  const Index more = taps - 1;
  A* const row = Workspace<HostMemory>::current().template take<A>(std::size_t(taps));
  const A padded = detail::one_series(x, reverse ? 0 : more, more);
  const Index rows = shape(padded)[0] - more;
  const A seen = slice(detail::one_series(g, 0, more), 0, 0, rows);
  for (Index k = 0; k < taps; ++k)
    row[k] = sum_to(A(slice(padded, 0, reverse ? more - k : k, rows) * seen), {1, shape(x)[2]});
  return concat(std::span<const A>(row, std::size_t(taps)), 0);
}
/// The same; what it needs on the way dies here, and the next tap finds it in the caches.
template <class B>
Tensor<B> convolve_kernel_adjoint(const Tensor<B>& x, const Tensor<B>& g, Index taps, bool reverse) {
  const Index more = taps - 1;
  const auto out = make_tensor<B>({taps, x.shape()[2]});
  const Scratch<typename B::Memory> scratch;
  const auto padded = detail::one_series(x, reverse ? 0 : more, more);
  const Index rows = padded.shape()[0] - more;
  const auto seen = detail::one_series(g, 0, more).rows(0, rows), product = make_tensor<B>(seen.shape());
  for (Index k = 0; k < taps; ++k) {
    B::map(product, functor::Times{}, padded.rows(reverse ? more - k : k, rows), seen);
    B::sum_to(out.rows(k, 1), product);
  }
  return out;
}
/// It is linear in the series and in the kernel; its transpose in the series is itself, run the other way.
template <class A>
Var<A> convolve(const Var<A>& x, const Var<A>& kernel, const Var<A>& bias, bool reverse) {
  const A y = convolve(x.value, kernel.value, bias.value, reverse);
  auto* tape = tape_of(x, kernel, bias);
  if (!tape) return y;
  return tape->record(y, [x, kernel, bias, reverse](const A& g) {
    if (x.active()) accumulate(x.node, convolve(g, kernel.value, A{}, !reverse));
    if (kernel.active() && shape(x).size() > 0)
      accumulate(kernel.node, convolve_kernel_adjoint(x.value, g, shape(kernel)[0], reverse));
    if (bias.active()) accumulate_sum(bias.node, g);
  });
}

}  // namespace rule

/// Causal convolution of every channel with its own kernel: `y_t = bias + sum_k kernel_k x_{t-K+1+k}`, where x is 0 before its
/// first step: `x [N, L, C]`, `kernel [K, C]` with K >= 1, `bias [C]`; y has the shape of x. Four taps are one pass over x.
template <ArrayLike X, ArrayLike W, ArrayLike B>
auto depthwise_convolution(const X& x, const W& kernel, const B& bias) {
  using Y = Deepest<X, W, B>;
  const Shape s = shape(x), k = shape(kernel);
  require(s.rank() == 3, "depthwise_convolution: input of shape ", s, "; expected [N, L, C]");
  require(k.rank() == 2 && k[0] >= 1 && k[1] == s[2], "depthwise_convolution: kernel of shape ", k, "; expected [K, ", s[2],
          "] with K of at least 1");
  require(shape(bias) == Shape{s[2]}, "depthwise_convolution: bias of shape ", shape(bias), "; expected ", Shape{s[2]});
  return rule::convolve(Y(x), Y(kernel), Y(bias), false);
}

}  // namespace moesaic
