// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
/// The differentiable selective scan of state space models. No part of ops.hpp: most programs do without it.
#include <moesaic/backend/cpu/selective_scan.hpp>
#include <moesaic/ops/activation.hpp>
#include <moesaic/ops/scan.hpp>

namespace moesaic {

namespace functor {
struct Decay {
  template <class S, class R>
  constexpr auto operator()(const S& delta, const R& a) const { using std::exp; return exp(delta * a); }
};
struct TimesBoth {
  template <class S, class R, class Q>
  constexpr auto operator()(const S& a, const R& b, const Q& c) const { return a * b * c; }
};
}  // namespace functor

namespace detail {

inline void check_selective(const SelectiveInputs<Shape>& s) {
  require(s.u.rank() == 3, "selective_scan: u has shape ", s.u, "; expected [batch, L, channels]");
  require(s.delta == s.u, "selective_scan: delta has shape ", s.delta, "; expected that of u, ", s.u);
  require(s.a.rank() == 2 && s.a[0] == s.u[2], "selective_scan: a has shape ", s.a, "; expected [", s.u[2], ", N]");
  const Shape states{s.u[0], s.u[1], s.a[1]};
  require(s.b == states, "selective_scan: b has shape ", s.b, "; expected ", states);
  require(s.c == states, "selective_scan: c has shape ", s.c, "; expected ", states);
  require(s.d == Shape{s.u[2]}, "selective_scan: d has shape ", s.d, "; expected ", Shape{s.u[2]});
}

/// The scan out of `exp`, `linear_scan` and sums, with all states `[batch, L, channels, N]` in memory.
template <class X>
X composed_selective_scan(const SelectiveInputs<X>& in) {
  const Shape s = shape(in.u);
  const Index states = shape(in.a)[1];
  const Shape of_channel{s[0], s[1], s[2], 1}, of_state{s[0], s[1], 1, states}, all{s[0], s[1], s[2], states};
  const Shape flat{s[0], s[1], s[2] * states};
  const X delta = reshape(in.delta, of_channel);
  const X decay = map(functor::Decay{}, delta, in.a);
  const X input = map(functor::TimesBoth{}, delta, reshape(in.u, of_channel), reshape(in.b, of_state));
  const X h = reshape(linear_scan(reshape(decay, flat), reshape(input, flat)), all);
  return reshape(sum_last(h * reshape(in.c, of_state)), s) + in.d * in.u;
}

}  // namespace detail

namespace rule {

template <class B>
Tensor<B> selective_scan(const SelectiveInputs<Tensor<B>>& in) {
  auto out = make_tensor<B>(in.u.shape());
  SelectiveScan<B>::forward(out, {}, in);
  return out;
}
template <class B>
Dual<Tensor<B>> selective_scan(const SelectiveInputs<Dual<Tensor<B>>>& in) {
  using X = Tensor<B>;
  const SelectiveInputs<X> values{in.u.value, in.delta.value, in.a.value, in.b.value, in.c.value, in.d.value};
  const SelectiveInputs<X> direction{in.u.tangent, in.delta.tangent, in.a.tangent, in.b.tangent, in.c.tangent, in.d.tangent};
  const auto& [u, delta, a, b, c, d] = direction;
  if (!u && !delta && !a && !b && !c && !d) return selective_scan(values);
  const X out = make_tensor<B>(values.u.shape()), moved = make_tensor<B>(values.u.shape());
  SelectiveScan<B>::tangent(out, moved, values, direction);
  return {out, moved};
}
template <class B>
Var<Tensor<B>> selective_scan(const SelectiveInputs<Var<Tensor<B>>>& in) {
  using X = Tensor<B>;
  const SelectiveInputs<X> values{in.u.value, in.delta.value, in.a.value, in.b.value, in.c.value, in.d.value};
  auto* tape = tape_of(in.u, in.delta, in.a, in.b, in.c, in.d);
  if (!tape) return selective_scan(values);
  const X out = make_tensor<B>(shape(in.u)), kept = make_tensor<B>(SelectiveScan<B>::kept_shape(shape(in.u), shape(in.a)[1]));
  SelectiveScan<B>::forward(out, kept, values);
  return tape->record(out, [in, values, kept](const X& g) {
    const auto alike = [](const X& x) { return make_tensor<B>(x.shape()); };
    const SelectiveInputs<X> adjoint{alike(values.u), alike(values.delta), alike(values.a),
                                     alike(values.b), alike(values.c),     alike(values.d)};
    SelectiveScan<B>::backward(adjoint, g, kept, values);
    const auto arrive = [](const Var<X>& x, const X& gx) {
      if (x.active()) accumulate(x.node, gx);
    };
    arrive(in.u, adjoint.u), arrive(in.delta, adjoint.delta), arrive(in.a, adjoint.a);
    arrive(in.b, adjoint.b), arrive(in.c, adjoint.c), arrive(in.d, adjoint.d);
  });
}
/// Deeper levels.
template <class X>
X selective_scan(const SelectiveInputs<X>& in) {
  return detail::composed_selective_scan(in);
}

}  // namespace rule

/// `h_t = exp(delta_t a) h_{t-1} + delta_t u_t b_t`, `y_t = c_t . h_t + d u_t`: every channel has N states, which start at 0.
///
/// `u, delta [batch, L, channels]`, `a [channels, N]`, `b, c [batch, L, N]`, `d [channels]`; y has the shape of u. In a Mamba block
/// `delta = softplus(...) > 0` and `a = -exp(...) < 0`, and `swish(z)` multiplies y: each is one `map` beside this.
/// (Gu, Dao: Mamba: Linear-time sequence modeling with selective state spaces, arXiv 2312.00752, 2023.)
///
/// A `Tensor`, and a `Dual` or a `Var` of one, run as one kernel each way that keeps no array `[batch, L, channels, N]`; deeper
/// levels are composed of other operations and do.
template <ArrayLike U, ArrayLike Delta, ArrayLike A, ArrayLike B, ArrayLike C, ArrayLike D>
auto selective_scan(const U& u, const Delta& delta, const A& a, const B& b, const C& c, const D& d) {
  using X = Deepest<U, Delta, A, B, C, D>;
  static_assert(primitive::HasSelectiveScan<BackendOf<X>>, "Moesaic: backend lacks the extension SelectiveScan [docs/backend.md]");
  detail::check_selective({shape(u), shape(delta), shape(a), shape(b), shape(c), shape(d)});
  return rule::selective_scan(SelectiveInputs<X>{X(u), X(delta), X(a), X(b), X(c), X(d)});
}

}  // namespace moesaic
