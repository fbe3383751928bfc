// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include <moesaic/backend/thrust.hpp>

namespace moesaic {
namespace device {

inline constexpr int scan_span = 16;   ///< steps between the states that are kept
inline constexpr int scan_lanes = 16;  ///< states that a thread holds at a time

/// Inputs and sizes of a selective scan, cut into spans of time: whoever knows the states with which a span begins, and the adjoints
/// that come back into its end, computes the rest of it alone.
template <class T>
struct SelectiveScanView {
  const T *u, *delta, *a, *b, *c, *d;
  Index batch, steps, channels, states, spans;

  explicit SelectiveScanView(const SelectiveInputs<Tensor<Thrust<T>>>& in)
      : u(in.u.data()), delta(in.delta.data()), a(in.a.data()), b(in.b.data()), c(in.c.data()), d(in.d.data()), batch(in.u.shape()[0]),
        steps(in.u.shape()[1]), channels(in.u.shape()[2]), states(in.a.shape()[1]), spans((steps + scan_span - 1) / scan_span) {}

  /// Place of a state in `[batch, spans, channels, states]`.
  MOESAIC_HD Index kept_at(Index sequence, Index which, Index channel, Index state) const {
    return ((sequence * spans + which) * channels + channel) * states + state;
  }
  MOESAIC_HD Index row(Index sequence, Index which, Index t) const { return sequence * steps + which * scan_span + t; }
  MOESAIC_HD int length(Index which) const { return int(steps - which * scan_span < scan_span ? steps - which * scan_span : scan_span); }

  /// Through a span for one state of one channel, there and back: calls `f(t, adjoint of h_t, h_t, adjoint of delta_t a)`, last t first.
  template <class F>
  MOESAIC_HD void walk(const T* kept, const T* carry, const T* g, Index sequence, Index which, Index channel, Index state, F&& f) const {
    T h[scan_span + 1], decay[scan_span];
    const Index first = kept_at(sequence, which, channel, state);
    const T rate = a[channel * states + state];
    const int n = length(which);
    h[0] = kept[first];
    // All loops run to a number that the compiler knows, so that what they keep stays in registers.
    for (int t = 0; t < scan_span; ++t) {
      if (t >= n) continue;
      const Index r = row(sequence, which, t), at = r * channels + channel;
      decay[t] = std::exp(delta[at] * rate);
      h[t + 1] = decay[t] * h[t] + delta[at] * u[at] * b[r * states + state];
    }
    T back = carry[first];
    for (int t = scan_span - 1; t >= 0; --t) {
      if (t >= n) continue;
      const Index r = row(sequence, which, t);
      const T gh = c[r * states + state] * g[r * channels + channel] + back;
      back = decay[t] * gh;
      f(t, gh, h[t + 1], back * h[t]);
    }
  }
};

/// One channel of one sequence, `lanes` states at a time.
template <class T>
struct SelectiveScanKernel {
  SelectiveScanView<T> in;
  T *out, *kept;

  MOESAIC_HD void operator()(Index i) const {
    const Index sequence = i / in.channels, channel = i - sequence * in.channels;
    for (Index first = 0; first == 0 || first < in.states; first += scan_lanes) {
      T h[scan_lanes] = {}, rate[scan_lanes] = {};
      for (int k = 0; k < scan_lanes; ++k)
        if (first + k < in.states) rate[k] = in.a[channel * in.states + first + k];
      for (Index t = 0; t < in.steps; ++t) {
        const Index row = sequence * in.steps + t, at = row * in.channels + channel;
        const T delta = in.delta[at], x = delta * in.u[at];
        T y = first == 0 ? in.d[channel] * in.u[at] : out[at];
        for (int k = 0; k < scan_lanes; ++k) {
          const Index state = first + k;
          if (state >= in.states) continue;
          if (kept && t % scan_span == 0) kept[in.kept_at(sequence, t / scan_span, channel, state)] = h[k];
          h[k] = std::exp(delta * rate[k]) * h[k] + x * in.b[row * in.states + state];
          y += in.c[row * in.states + state] * h[k];
        }
        out[at] = y;
      }
    }
  }
};

/// One channel of one sequence and its derivative along a direction, of which absent parts are null; `lanes` states at a time.
template <class T>
struct SelectiveTangentKernel {
  SelectiveScanView<T> in;
  SelectiveInputs<const T*> along;
  T *out, *moved;

  MOESAIC_HD static T part(const T* x, Index at) { return x ? x[at] : T(0); }

  MOESAIC_HD void operator()(Index i) const {
    const Index sequence = i / in.channels, channel = i - sequence * in.channels;
    for (Index first = 0; first == 0 || first < in.states; first += scan_lanes) {
      T h[scan_lanes] = {}, h_moved[scan_lanes] = {}, rate[scan_lanes] = {}, rate_moved[scan_lanes] = {};
      for (int k = 0; k < scan_lanes; ++k)
        if (first + k < in.states) {
          rate[k] = in.a[channel * in.states + first + k];
          rate_moved[k] = part(along.a, channel * in.states + first + k);
        }
      for (Index t = 0; t < in.steps; ++t) {
        const Index row = sequence * in.steps + t, at = row * in.channels + channel;
        const T u = in.u[at], u_moved = part(along.u, at), delta = in.delta[at], delta_moved = part(along.delta, at);
        const T x = delta * u, x_moved = delta_moved * u + delta * u_moved;
        T y = first == 0 ? in.d[channel] * u : out[at];
        T y_moved = first == 0 ? part(along.d, channel) * u + in.d[channel] * u_moved : moved[at];
        for (int k = 0; k < scan_lanes; ++k) {
          if (first + k >= in.states) continue;
          const Index place = row * in.states + first + k;
          const T decay = std::exp(delta * rate[k]), slope = delta_moved * rate[k] + delta * rate_moved[k];
          h_moved[k] = decay * (h_moved[k] + slope * h[k]) + x_moved * in.b[place] + x * part(along.b, place);
          h[k] = decay * h[k] + x * in.b[place];
          y += in.c[place] * h[k];
          y_moved += part(along.c, place) * h[k] + in.c[place] * h_moved[k];
        }
        out[at] = y;
        moved[at] = y_moved;
      }
    }
  }
};

/// One channel of one sequence backwards: `carry`, the adjoints that come back into the end of every span.
template <class T>
struct SelectiveCarryKernel {
  SelectiveScanView<T> in;
  const T* g;
  T* carry;

  MOESAIC_HD void operator()(Index i) const {
    const Index sequence = i / in.channels, channel = i - sequence * in.channels;
    for (Index first = 0; first < in.states; first += scan_lanes) {
      T back[scan_lanes] = {}, rate[scan_lanes] = {};
      for (int k = 0; k < scan_lanes; ++k)
        if (first + k < in.states) rate[k] = in.a[channel * in.states + first + k];
      for (Index t = in.steps - 1; t >= 0; --t) {
        const Index row = sequence * in.steps + t, at = row * in.channels + channel;
        const bool last = t % scan_span == scan_span - 1 || t == in.steps - 1;
        for (int k = 0; k < scan_lanes; ++k) {
          const Index state = first + k;
          if (state >= in.states) continue;
          if (last) carry[in.kept_at(sequence, t / scan_span, channel, state)] = back[k];
          back[k] = std::exp(in.delta[at] * rate[k]) * (in.c[row * in.states + state] * g[at] + back[k]);
        }
      }
    }
  }
};

/// One span of one channel: the adjoints of u and delta, and the span's part of those of a and d.
template <class T>
struct SelectiveChannelKernel {
  SelectiveScanView<T> in;
  const T *g, *kept, *carry;
  T *gu, *gdelta, *part_a, *part_d;

  MOESAIC_HD void operator()(Index i) const {
    const Index place = i / in.channels, channel = i - place * in.channels;
    const Index sequence = place / in.spans, which = place - sequence * in.spans;
    T gx[scan_span] = {}, time[scan_span] = {};
    for (Index state = 0; state < in.states; ++state) {
      const T rate = in.a[channel * in.states + state];
      T sum = 0;
      in.walk(kept, carry, g, sequence, which, channel, state, [&](int t, T gh, T, T slope) {
        const Index row = in.row(sequence, which, t);
        gx[t] += gh * in.b[row * in.states + state];
        time[t] += slope * rate;
        sum += slope * in.delta[row * in.channels + channel];
      });
      part_a[i * in.states + state] = sum;
    }
    T sum = 0;
    for (int t = 0; t < scan_span; ++t) {
      if (t >= in.length(which)) continue;
      const Index at = in.row(sequence, which, t) * in.channels + channel;
      gu[at] = gx[t] * in.delta[at] + in.d[channel] * g[at];
      gdelta[at] = gx[t] * in.u[at] + time[t];
      sum += g[at] * in.u[at];
    }
    part_d[i] = sum;
  }
};

/// One span of one state, over some channels: their part of the adjoints of b and c.
template <class T>
struct SelectiveStateKernel {
  static constexpr Index some = 32;

  SelectiveScanView<T> in;
  const T *g, *kept, *carry;
  T *part_b, *part_c;

  MOESAIC_HD void operator()(Index i) const {
    const Index place = i / in.states, state = i - place * in.states;
    const Index upper = place / in.spans, which = place - upper * in.spans;
    const Index part = upper / in.batch, sequence = upper - part * in.batch;
    T gb[scan_span] = {}, gc[scan_span] = {};
    const Index end = (part + 1) * some < in.channels ? (part + 1) * some : in.channels;
    for (Index channel = part * some; channel < end; ++channel)
      in.walk(kept, carry, g, sequence, which, channel, state, [&](int t, T gh, T h, T) {
        const Index at = in.row(sequence, which, t) * in.channels + channel;
        gb[t] += gh * in.delta[at] * in.u[at];
        gc[t] += g[at] * h;
      });
    for (int t = 0; t < scan_span; ++t) {
      if (t >= in.length(which)) continue;
      const Index to = (part * in.batch * in.steps + in.row(sequence, which, t)) * in.states + state;
      part_b[to] = gb[t];
      part_c[to] = gc[t];
    }
  }
};

}  // namespace device

/// Selective scans on a device: a thread for every channel of a sequence forwards, with or without a tangent, and for every span
/// of it backwards. Sums over channels and spans are partial sums, added in the order of their places.
template <class T>
struct SelectiveScan<Thrust<T>> {
  using B = Thrust<T>;
  using Inputs = SelectiveInputs<Tensor<B>>;
  using View = device::SelectiveScanView<T>;

  static Shape kept_shape(const Shape& u, Index states) { return {u[0], (u[1] + device::scan_span - 1) / device::scan_span, u[2], states}; }

  static void forward(const Tensor<B>& out, const Tensor<B>& kept, const Inputs& in) {
    const View view(in);
    device::for_each_index(view.batch * view.channels, device::SelectiveScanKernel<T>{view, out.data(), kept.data()});
  }

  static void tangent(const Tensor<B>& out, const Tensor<B>& moved, const Inputs& in, const Inputs& direction) {
    const View view(in);
    const SelectiveInputs<const T*> along{direction.u.data(), direction.delta.data(), direction.a.data(),
                                          direction.b.data(), direction.c.data(),     direction.d.data()};
    device::for_each_index(view.batch * view.channels, device::SelectiveTangentKernel<T>{view, along, out.data(), moved.data()});
  }

  static void backward(const Inputs& adjoint, const Tensor<B>& g, const Tensor<B>& kept, const Inputs& in) {
    const Scratch<typename B::Memory> scratch;
    const View view(in);
    constexpr Index some = device::SelectiveStateKernel<T>::some;
    const Index parts = (view.channels + some - 1) / some, spans = view.batch * view.spans;
    const auto carry = make_tensor<B>(kept.shape());
    const auto part_a = make_tensor<B>({spans, view.channels, view.states}), part_d = make_tensor<B>({spans, view.channels});
    const auto part_b = make_tensor<B>({parts, view.batch, view.steps, view.states}), part_c = make_tensor<B>(part_b.shape());
    device::for_each_index(view.batch * view.channels, device::SelectiveCarryKernel<T>{view, g.data(), carry.data()});
    device::for_each_index(spans * view.channels,
                           device::SelectiveChannelKernel<T>{view, g.data(), kept.data(), carry.data(), adjoint.u.data(),
                                                             adjoint.delta.data(), part_a.data(), part_d.data()});
    device::for_each_index(parts * spans * view.states,
                           device::SelectiveStateKernel<T>{view, g.data(), kept.data(), carry.data(), part_b.data(), part_c.data()});
    B::sum_to(adjoint.a, part_a);
    B::sum_to(adjoint.b, part_b);
    B::sum_to(adjoint.c, part_c);
    B::sum_to(adjoint.d, part_d);
  }
};

}  // namespace moesaic
