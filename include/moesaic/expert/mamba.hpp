// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>

#include <moesaic/core/parameters.hpp>
#include <moesaic/ops/depthwise_convolution.hpp>
#include <moesaic/ops/ops.hpp>
#include <moesaic/ops/selective_scan.hpp>

namespace moesaic {

namespace functor {
/// `-exp(x)`: a decay from its logarithm.
struct MinusExp {
  template <class S>
  constexpr S operator()(const S& x) const { using std::exp; return -exp(x); }
};
/// `factor * softplus(x)`.
struct TimesSoftplus {
  template <class S, class R>
  constexpr auto operator()(const S& x, const R& factor) const { return factor * Softplus{}(x); }
};
/// `y * swish(z)`.
struct TimesSwish {
  template <class S, class R>
  constexpr auto operator()(const S& y, const R& z) const { return y * Swish{}(z); }
};
}  // namespace functor

namespace detail {
inline double log_of_place(double, Index column) { return std::log(double(column + 1)); }
/// The inverse of softplus.
inline double before_softplus(double x) { return x + std::log(-std::expm1(-x)); }
inline double step_before_softplus(double log_step, Index) { return before_softplus(std::max(std::exp(log_step), 1e-4)); }
}  // namespace detail

namespace init {
/// `log 1, log 2, ..., log N` along the last axis: S4D-real (Gu, Gupta, Goel, Re: On the parameterization and initialization of
/// diagonal state space models, NeurIPS 2022).
inline Initialiser log_of_place() { return {.low = 0, .high = 0, .transform = detail::log_of_place}; }
/// Such that softplus makes a step of it that is log-uniform in [1e-3, 1e-1).
inline Initialiser log_uniform_step() {
  return {.low = std::log(1e-3), .high = std::log(1e-1), .transform = detail::step_before_softplus};
}
}  // namespace init

/// A Mamba block with its weights in place: `x [N, L, width] -> [N, L, width]`.
template <class X>
struct BoundMamba {
  X in, gate;             ///< `[width, inner]`
  X kernel, kernel_bias;  ///< `[K, inner]`, `[inner]`
  X select;               ///< `[inner, rank + 2 states]`
  X step, step_bias;      ///< `[rank, inner]`, `[inner]`
  X log_decay, skip;      ///< `[inner, states]`, `[inner]`
  X out;                  ///< `[inner, width]`

  /// `scale` multiplies the steps of time; absent, or broadcasting to `[N, L, inner]`: a scalar, or `[N, 1, 1]`.
  X operator()(const X& x, const X& scale = {}) const {
    require(shape(x).rank() == 3 && shape(x)[2] == shape(in)[0], "Mamba: input of shape ", shape(x), "; expected [N, L, ",
            shape(in)[0], "]");
    const Index rank = shape(step)[0], states = shape(log_decay)[1];
    const X u = swish(depthwise_convolution(matmul(x, in), kernel, kernel_bias));
    const X selected = matmul(u, select);
    const X low_rank = slice(selected, 2, 0, rank);
    const X delta = present(scale) ? map(functor::TimesSoftplus{}, linear(low_rank, step, step_bias), scale)
                                   : linear_map(functor::Softplus{}, low_rank, step, step_bias);
    const X y = selective_scan(u, delta, map(functor::MinusExp{}, log_decay), slice(selected, 2, rank, states),
                               slice(selected, 2, rank + states, states), skip);
    return matmul(map(functor::TimesSwish{}, y, matmul(x, gate)), out);
  }
};

/// The Mamba block (S6): a gated recurrence whose steps of time, inputs and outputs depend on the series itself
/// (Gu, Dao: Mamba: Linear-time sequence modeling with selective state spaces, arXiv 2312.00752, 2023).
///
/// `u = swish(conv(x W_in))`; `[delta, b, c] = u W_select`; `y = selective_scan(u, softplus(delta W_step + bias),
/// -exp(log_decay), b, c, skip)`; the result is `(y * swish(x W_gate)) W_out`. Causal: what it gives at t depends on x up to t.
struct Mamba {
  Index width = 64;   ///< numbers of a step of the series
  Index states = 16;  ///< of every channel
  Index kernel = 4;   ///< steps that the convolution sees
  Index expand = 2;   ///< channels, in widths

  Index inner() const { return expand * width; }
  Index rank() const { return (width + 15) / 16; }  ///< of the map to the steps of time

  void layout(Layout& l) const {
    require(width >= 1 && states >= 1 && kernel >= 1 && expand >= 1, "Mamba: width ", width, ", states ", states, ", kernel ",
            kernel, ", expand ", expand, "; expected at least 1 each");
    l.add("in", {width, inner()}, init::fan_in(width));
    l.add("gate", {width, inner()}, init::fan_in(width));
    l.add("kernel.weight", {kernel, inner()}, init::fan_in(kernel));
    l.add("kernel.bias", {inner()}, init::fan_in(kernel));
    l.add("select", {inner(), rank() + 2 * states}, init::fan_in(inner()));
    l.add("step.weight", {rank(), inner()}, init::fan_in(rank()));
    l.add("step.bias", {inner()}, init::log_uniform_step());
    l.add("log_decay", {inner(), states}, init::log_of_place());
    l.add("skip", {inner()}, init::constant(1));
    l.add("out", {inner(), width}, init::fan_in(inner()));
  }
  template <class X>
  BoundMamba<X> bind(Slots<X>& slots) const {
    const auto matrix = [&](Index rows, Index columns) { return slots.take({rows, columns}); };
    const auto row = [&] { return slots.take({inner()}); };
    BoundMamba<X> b;
    b.in = matrix(width, inner());
    b.gate = matrix(width, inner());
    b.kernel = matrix(kernel, inner());
    b.kernel_bias = row();
    b.select = matrix(inner(), rank() + 2 * states);
    b.step = matrix(rank(), inner());
    b.step_bias = row();
    b.log_decay = matrix(inner(), states);
    b.skip = row();
    b.out = matrix(inner(), width);
    return b;
  }
  template <class X>
  X operator()(const X& parameters, const X& x, const X& scale = {}) const {
    Slots<X> slots(parameters);
    return bind(slots)(x, scale);
  }
};

}  // namespace moesaic
