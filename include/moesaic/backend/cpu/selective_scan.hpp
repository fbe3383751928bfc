// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numbers>
#include <type_traits>

#include <moesaic/backend/cpu.hpp>

namespace moesaic {

/// Selective scans on the CPU: a vector holds the channels of a block, and states never leave the caches.
///
/// `backward` knows the states at the start of every `span` steps and computes the others a second time, span by span: an `exp` is
/// cheaper than writing a number and reading it back. Sums over channels (the adjoints of b and c) are kept lane by lane while a span
/// lasts. A task is some sequences of some channels; who does what, and the order of every sum, follow from shapes.
template <class T>
class SelectiveScan<Cpu<T>> {
  using B = Cpu<T>;
  using Batch = xsimd::batch<T>;
  using Inputs = SelectiveInputs<Tensor<B>>;
  template <std::size_t n>
  using Batches = std::array<Batch, n>;
  static constexpr Index width = Index(Batch::size);
  static constexpr Index span = 16;  ///< steps: what is kept for N = 16 is as large as u
  static constexpr Index big_work = Index{1} << 14;

 public:
  static Shape kept_shape(const Shape& u, Index states) {
    return {u[0], (u[1] + span - 1) / span, (u[2] + width - 1) / width, states * width};
  }

  static void forward(const Tensor<B>& out, const Tensor<B>& kept, const Inputs& in) {
    const Plan plan(in);
    plan.for_each_task([&](const Task& task) {
      const Index n = plan.states;
      T *const decay = take(task.blocks * n * width), *const h = take(task.blocks * n * width);
      load_decay(decay, in.a, task, n);
      for (Index s = task.first; s < task.end; ++s) {
        std::fill_n(h, task.blocks * n * width, T(0));
        for (Index t = 0; t < plan.steps; ++t) {
          const Index row = s * plan.steps + t;
          if (kept && t % span == 0) std::copy_n(h, task.blocks * n * width, kept.data() + plan.kept_at(s, t / span, task.from));
          for (Index k = 0; k < task.blocks; ++k) {
            const Index at = row * plan.channels + task.from + k * width, here = task.lanes(k);
            const Batch delta = load(in.delta.data() + at, here), u = load(in.u.data() + at, here);
            const Index next = at + (t + 1 < plan.steps ? plan.channels : 0);
            ahead(in.delta.data() + next), ahead(in.u.data() + next), ahead(out.data() + next);
            Batch y = load(in.d.data() + task.from + k * width, here) * u;
            step(h + k * n * width, y, decay + k * n * width, delta, delta * u, in.b.data() + row * n, in.c.data() + row * n, n);
            store(out.data() + at, y, here);
          }
        }
      }
    });
  }

  static void tangent(const Tensor<B>& out, const Tensor<B>& moved, const Inputs& in, const Inputs& direction) {
    const Plan plan(in);
    plan.for_each_task([&](const Task& task) {
      const Index n = plan.states, all = task.blocks * n * width;
      T *const decay = take(all), *const decay_moved = take(all), *const h = take(all), *const h_moved = take(all);
      T* const none = take(n);
      std::fill_n(none, n, T(0));
      load_decay(decay, in.a, task, n);
      load_decay(decay_moved, direction.a, task, n);
      const auto row_of = [&](const Tensor<B>& x, Index row) { return x ? x.data() + row * n : none; };
      const auto part_of = [](const Tensor<B>& x, Index at, Index here) { return x ? load(x.data() + at, here) : Batch(T(0)); };
      for (Index s = task.first; s < task.end; ++s) {
        std::fill_n(h, all, T(0));
        std::fill_n(h_moved, all, T(0));
        for (Index t = 0; t < plan.steps; ++t) {
          const Index row = s * plan.steps + t;
          const T *const b = in.b.data() + row * n, *const c = in.c.data() + row * n;
          const Readings readings{b, c, row_of(direction.b, row), row_of(direction.c, row)};
          for (Index k = 0; k < task.blocks; ++k) {
            const Index channel = task.from + k * width, at = row * plan.channels + channel, here = task.lanes(k);
            const Batch delta = load(in.delta.data() + at, here), delta_moved = part_of(direction.delta, at, here);
            const Batch u = load(in.u.data() + at, here), u_moved = part_of(direction.u, at, here);
            const Batch d = load(in.d.data() + channel, here), d_moved = part_of(direction.d, channel, here);
            Batch y = d * u, y_moved = xsimd::fma(d, u_moved, d_moved * u);
            const Index first = k * n * width;
            step_along({h + first, h_moved + first, decay + first, decay_moved + first}, readings, y, y_moved, delta, delta_moved,
                       delta * u, xsimd::fma(delta, u_moved, delta_moved * u), n);
            store(out.data() + at, y, here);
            store(moved.data() + at, y_moved, here);
          }
        }
      }
    });
  }

  static void backward(const Inputs& adjoint, const Tensor<B>& g, const Tensor<B>& kept, const Inputs& in) {
    const Plan plan(in);
    const Index n = plan.states, vectors = n * width;
    const Scratch<HostMemory> scratch;
    const auto part_b = make_tensor<B>({plan.groups, plan.batch, plan.steps, n}), part_c = make_tensor<B>(part_b.shape());
    const auto part_a = make_tensor<B>({plan.pieces, plan.channels, n}), part_d = make_tensor<B>({plan.pieces, plan.channels});
    plan.for_each_task([&](const Task& task) {
      const Index all = task.blocks * vectors;
      T *const decay = take(all), *const back = take(all), *const sum_a = take(all), *const sum_d = take(task.blocks * width);
      T *const h = take((span + 1) * vectors), *const e = take(span * vectors);
      T *const lanes_b = take(span * vectors), *const lanes_c = take(span * vectors);
      load_decay(decay, in.a, task, n);
      std::fill_n(sum_a, all, T(0));
      std::fill_n(sum_d, task.blocks * width, T(0));
      for (Index s = task.first; s < task.end; ++s) {
        std::fill_n(back, all, T(0));
        for (Index chunk = (plan.steps + span - 1) / span - 1; chunk >= 0; --chunk) {
          const Index row = s * plan.steps + chunk * span, steps = std::min(span, plan.steps - chunk * span);
          std::fill_n(lanes_b, steps * vectors, T(0));
          std::fill_n(lanes_c, steps * vectors, T(0));
          for (Index k = 0; k < task.blocks; ++k) {
            const Index channel = task.from + k * width, here = task.lanes(k);
            const T* const a = decay + k * vectors;
            std::copy_n(kept.data() + plan.kept_at(s, chunk, channel), vectors, h);
            for (Index t = 0; t < steps; ++t) {
              const Index at = (row + t) * plan.channels + channel;
              const Batch delta = load(in.delta.data() + at, here);
              ahead(adjoint.u.data() + at), ahead(adjoint.delta.data() + at);
              again(h + t * vectors, e + t * vectors, a, delta, delta * load(in.u.data() + at, here), in.b.data() + (row + t) * n, n);
            }
            const Batch d = load(in.d.data() + channel, here);
            Batch gd = Batch::load_aligned(sum_d + k * width);
            for (Index t = steps - 1; t >= 0; --t) {
              const Index at = (row + t) * plan.channels + channel;
              const Batch delta = load(in.delta.data() + at, here), u = load(in.u.data() + at, here), gy = load(g.data() + at, here);
              const Index before = at - (chunk ? span * plan.channels : 0);
              ahead(in.delta.data() + before), ahead(in.u.data() + before), ahead(g.data() + before);
              Batch gx(T(0)), gdelta(T(0));
              const T *const b = in.b.data() + (row + t) * n, *const c = in.c.data() + (row + t) * n;
              pull({h + t * vectors, e + t * vectors, a, back + k * vectors, sum_a + k * vectors, lanes_b + t * vectors,
                    lanes_c + t * vectors}, b, c, delta, delta * u, gy, gx, gdelta, n);
              store(adjoint.u.data() + at, xsimd::fma(gx, delta, d * gy), here);
              store(adjoint.delta.data() + at, xsimd::fma(gx, u, gdelta * Batch(T(std::numbers::ln2))), here);
              gd = xsimd::fma(gy, u, gd);
            }
            gd.store_aligned(sum_d + k * width);
          }
          const Index at = ((task.group * plan.batch + s) * plan.steps + chunk * span) * n;
          add_lanes(part_b.data() + at, lanes_b, steps * n);
          add_lanes(part_c.data() + at, lanes_c, steps * n);
        }
      }
      for (Index k = 0; k < task.blocks; ++k)
        for (Index lane = 0; lane < task.lanes(k); ++lane) {
          const Index channel = task.piece * plan.channels + task.from + k * width + lane;
          part_d.data()[channel] = sum_d[k * width + lane];
          for (Index i = 0; i < n; ++i) part_a.data()[channel * n + i] = sum_a[(k * n + i) * width + lane];
        }
    });
    B::sum_to(adjoint.a, part_a);
    B::sum_to(adjoint.b, part_b);
    B::sum_to(adjoint.c, part_c);
    B::sum_to(adjoint.d, part_d);
  }

 private:
  /// Sequences `first .. end` and `blocks` vectors of channels beginning at `from`.
  struct Task {
    Index piece, group, first, end, from, count, blocks;
    Index lanes(Index block) const { return std::min(width, count - block * width); }
  };

  struct Plan {
    Index batch, steps, channels, states, pieces, groups, group;

    explicit Plan(const Inputs& in)
        : batch(in.u.shape()[0]), steps(in.u.shape()[1]), channels(in.u.shape()[2]), states(in.a.shape()[1]) {
      constexpr Index tasks = 64, line = Index(alignment / sizeof(T)), cached = Index(16384 / sizeof(T));
      pieces = std::min<Index>(batch, 32);
      const Index most = std::max<Index>(cached / std::max<Index>(states, 1), 1);  // their states stay in the first-level cache
      group = std::min(most, std::max(4 * line, channels * pieces / tasks));
      group = (group + width - 1) / width * width;
      groups = (channels + group - 1) / group;
    }
    /// Place of the states with which a span begins, from a channel on.
    Index kept_at(Index s, Index chunk, Index channel) const {
      const Index chunks = (steps + span - 1) / span, blocks = (channels + width - 1) / width;
      return ((s * chunks + chunk) * blocks + channel / width) * states * width;
    }
    template <class F>
    void for_each_task(const F& f) const {
      parallel_for(pieces * groups, batch * steps * channels * std::max<Index>(states, 1) > big_work, [&](Index i) {
        const Scratch<HostMemory> scratch;
        const Index piece = i / groups, which = i % groups, from = which * group, count = std::min(group, channels - from);
        f({piece, which, piece * batch / pieces, (piece + 1) * batch / pieces, from, count, (count + width - 1) / width});
      });
    }
  };

  static T* take(Index count) { return Workspace<HostMemory>::current().template take<T>(std::size_t(count)); }
  /// Asks for what comes soon: rows lie too far apart for the processor to guess.
  static void ahead(const T* p) { __builtin_prefetch(p); }
  static Batch load(const T* p, Index n) {
    if (n == width) return Batch::load_unaligned(p);
    alignas(alignment) T padded[std::size_t(width)] = {};
    std::memcpy(padded, p, std::size_t(n) * sizeof(T));
    return Batch::load_aligned(padded);
  }
  static void store(T* p, const Batch& x, Index n) {
    if (n == width) return x.store_unaligned(p);
    alignas(alignment) T padded[std::size_t(width)];
    x.store_aligned(padded);
    std::memcpy(p, padded, std::size_t(n) * sizeof(T));
  }
  /// Rows of `a` as columns, in powers of 2; lanes that stand for no channel 0, and everything where `a` is absent.
  static void load_decay(T* to, const Tensor<B>& a, const Task& task, Index n) {
    std::fill_n(to, task.blocks * n * width, T(0));
    if (!a) return;
    constexpr T log2e = T(std::numbers::log2e);
    for (Index c = 0; c < task.count; ++c)
      for (Index i = 0; i < n; ++i) to[(c / width * n + i) * width + c % width] = a.data()[(task.from + c) * n + i] * log2e;
  }

  /// 2^x to the last bit or two, 0 below the smallest normal number; shorter than xsimd's, of which scans are mostly made. The whole
  /// part of x, added to a large number, ends in that number's last bits, from where a shift makes it the exponent. Of several
  /// vectors side by side: one alone is a chain of operations that wait for each other.
  template <std::size_t n>
  [[gnu::always_inline]] static void exp2(Batches<n>& x) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    constexpr int digits = std::numeric_limits<T>::digits - 1, bias = std::numeric_limits<T>::max_exponent - 1;
    const Batch large(T(1.5) * T(Bits{1} << digits) + T(bias));
    Batches<n> whole, y;
    for (std::size_t k = 0; k < n; ++k) {
      x[k] = xsimd::min(Batch(T(bias + 1)), xsimd::max(Batch(T(-bias)), x[k]));  // in this order a NaN stays one
      whole[k] = x[k] + large;
      x[k] -= whole[k] - large;
      y[k] = Batch(polynomial.back());
    }
    for (std::size_t i = polynomial.size() - 1; i-- > 0;)
      for (std::size_t k = 0; k < n; ++k) y[k] = xsimd::fma(y[k], x[k], Batch(polynomial[i]));
    for (std::size_t k = 0; k < n; ++k)
      x[k] = y[k] * std::bit_cast<Batch>(std::bit_cast<xsimd::batch<Bits>>(whole[k]) << digits);
  }
  /// Interpolates 2^f at Chebyshev's points of [-1/2, 1/2] and at 0.
  static constexpr auto polynomial = [] {
    if constexpr (sizeof(T) == 4)
      return std::array<T, 7>{1.f,           0.693147188f,   0.240226508f,   0.0555035711f,
                              0.00961808256f, 0.00133908634f, 0.000154531629f};
    else
      return std::array<T, 12>{1.0,
                               0.69314718055994531,
                               0.24022650695910098,
                               0.055504108664821594,
                               0.0096181291076068885,
                               0.0013333558146416935,
                               0.0001540353044173605,
                               1.5252733829836118e-5,
                               1.321544258792169e-6,
                               1.0178062445845774e-7,
                               7.0725859492692237e-9,
                               4.4549605981865184e-10};
  }();

  /// Calls `work(i, 2^(delta a_i))` for the states `0 .. n`; the powers are made several at a time.
  template <class Work>
  [[gnu::always_inline]] static void for_decays(const T* a, const Batch& delta, Index n, const Work& work) {
    const auto some = [&](Index i, auto decay) [[gnu::always_inline]] {
      for (std::size_t k = 0; k < decay.size(); ++k) decay[k] = delta * Batch::load_aligned(a + (i + Index(k)) * width);
      exp2(decay);
      for (std::size_t k = 0; k < decay.size(); ++k) work(i + Index(k), decay[k]);
    };
    Index i = 0;
    for (; i + 4 <= n; i += 4) some(i, Batches<4>());
    for (; i < n; ++i) some(i, Batches<1>());
  }

  static void step(T* h, Batch& y, const T* a, const Batch& delta, const Batch& x, const T* b, const T* c, Index n) {
    for_decays(a, delta, n, [&](Index i, const Batch& decay) {
      const Batch state = xsimd::fma(decay, Batch::load_aligned(h + i * width), x * Batch(b[i]));
      state.store_aligned(h + i * width);
      y = xsimd::fma(Batch(c[i]), state, y);
    });
  }
  /// Of one step: b and c, and what moves them.
  struct Readings {
    const T *b, *c, *b_moved, *c_moved;
  };
  /// States and decays of a block of channels, and what moves them.
  struct Moving {
    T *h, *h_moved;
    const T *a, *a_moved;
  };
  /// `step` and its derivative.
  static void step_along(const Moving& at, const Readings& row, Batch& y, Batch& y_moved, const Batch& delta,
                         const Batch& delta_moved, const Batch& x, const Batch& x_moved, Index n) {
    const Batch ln2(T(std::numbers::ln2));
    for (Index i = 0; i < n; ++i) {
      const auto load_at = [i](const T* p) { return Batch::load_aligned(p + i * width); };
      const Batch a = load_at(at.a), h = load_at(at.h), b(row.b[i]), c(row.c[i]);
      Batches<1> power{delta * a};
      exp2(power);
      const Batch decay = power[0];
      const Batch state = xsimd::fma(decay, h, x * b);
      const Batch slope = ln2 * xsimd::fma(delta_moved, a, delta * load_at(at.a_moved));
      const Batch input = xsimd::fma(x_moved, b, x * Batch(row.b_moved[i]));
      const Batch moved = xsimd::fma(decay, xsimd::fma(slope, h, load_at(at.h_moved)), input);
      state.store_aligned(at.h + i * width);
      moved.store_aligned(at.h_moved + i * width);
      y = xsimd::fma(c, state, y);
      y_moved = xsimd::fma(c, moved, xsimd::fma(Batch(row.c_moved[i]), state, y_moved));
    }
  }
  static void again(T* h, T* e, const T* a, const Batch& delta, const Batch& x, const T* b, Index n) {
    T* const next = h + n * width;
    for_decays(a, delta, n, [&](Index i, const Batch& decay) {
      decay.store_aligned(e + i * width);
      xsimd::fma(decay, Batch::load_aligned(h + i * width), x * Batch(b[i])).store_aligned(next + i * width);
    });
  }
  /// Of one step: states before it (those after it follow), decays, `a`, what came back, and the sums.
  struct Rows {
    const T *h, *e, *a;
    T *back, *sum_a, *lanes_b, *lanes_c;
  };
  static void pull(const Rows& rows, const T* b, const T* c, const Batch& delta, const Batch& x, const Batch& gy, Batch& gx,
                   Batch& gdelta, Index n) {
    const auto at = [](const T* p, Index i) { return Batch::load_aligned(p + i * width); };
    const T* const after = rows.h + n * width;
    for (Index i = 0; i < n; ++i) {
      const Batch gh = xsimd::fma(Batch(c[i]), gy, at(rows.back, i)), back = gh * at(rows.e, i), slope = back * at(rows.h, i);
      xsimd::fma(gy, at(after, i), at(rows.lanes_c, i)).store_aligned(rows.lanes_c + i * width);
      xsimd::fma(gh, x, at(rows.lanes_b, i)).store_aligned(rows.lanes_b + i * width);
      xsimd::fma(slope, delta, at(rows.sum_a, i)).store_aligned(rows.sum_a + i * width);
      back.store_aligned(rows.back + i * width);
      gx = xsimd::fma(gh, Batch(b[i]), gx);
      gdelta = xsimd::fma(slope, at(rows.a, i), gdelta);
    }
  }
  static void add_lanes(T* out, const T* lanes, Index count) {
    for (Index i = 0; i < count; ++i) {
      T sum = 0;
      for (Index lane = 0; lane < width; ++lane) sum += lanes[i * width + lane];
      out[i] = sum;
    }
  }
};

}  // namespace moesaic
