// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>

#include <moesaic/expert/multi_scale_mamba.hpp>
#include <moesaic/ops/fourier_basis.hpp>
#include <moesaic/ops/normalise.hpp>

namespace moesaic {

namespace functor {
/// `log(1 + |z|)` of a complex number, of which 0 has the magnitude 0.01: derivatives are finite there.
struct LogMagnitude {
  template <class S, class R>
  constexpr auto operator()(const S& re, const R& im) const {
    using std::log, std::sqrt;
    return log(1 + sqrt(re * re + im * im + constant<S>(1e-4)));
  }
};
/// `a / |a + i b|`, cosine of the angle, likewise; with the parts exchanged its sine.
struct Direction {
  template <class S, class R>
  constexpr auto operator()(const S& a, const R& b) const {
    using std::sqrt;
    return a / sqrt(a * a + b * b + constant<S>(1e-4));
  }
};
/// `share * x + (1 - share) * y`.
struct Mix {
  template <class S, class R, class Q>
  constexpr auto operator()(const S& share, const R& x, const Q& y) const { return y + share * (x - y); }
};
/// `x * deviation + base`.
struct Restored {
  template <class S, class R, class Q>
  constexpr auto operator()(const S& x, const R& base, const Q& deviation) const { return x * deviation + base; }
};
}  // namespace functor

/// What a token of a window of several series is.
enum class Tokens {
  time,     ///< all variates at one time
  variate,  ///< one variate at all times (Liu et al.: iTransformer, ICLR 2024)
};

/// Forecasting expert: multi-scale Mamba over tokens that know their window's spectrum, beside a linear forecast. Windows
/// `[N, look_back * variates]`, time by time, become `[N, horizon, variates]`.
///
/// The expert of M2-MOEP: normalisation of every window (RevIN), embedding, spectrum and its gate, `MultiScaleMamba` and
/// residual, layer norm, a feed-forward network and residual, a linear head that starts at 0. So it starts as its linear
/// forecast: the last value of the window, as it came, plus an affine map of the whole, which starts at 0 itself. `LinearStart`
/// (`train/linear_start.hpp`) solves for that map, and `start_from` writes it into `skip.weight` and `skip.bias` of the layout.
/// (A linear map beside the network: Zeng, Chen, Zhang, Xu: Are transformers effective for time series forecasting?, AAAI 2023.)
struct SpectralMamba {
  Index look_back = 96, horizon = 96, variates = 1;
  Index width = 64;             ///< numbers of a token
  Index states = 16;            ///< of a Mamba channel
  Index kernel = 4;             ///< steps that a block's convolution sees
  Index expand = 2;             ///< channels of a block, in widths
  Scales scales{1, 2, 4};       ///< empty: no Mamba
  StepSize step_size = StepSize::fixed;
  Tokens tokens = Tokens::time;
  bool bidirectional = false;   ///< other blocks read the tokens from the end, and their mean is added (S-Mamba)
  Index frequencies = 16;       ///< how many of the lowest, without 0 where `instance_norm` has removed that; 0: no spectrum
  Index feed_forward = 2;       ///< hidden units, in widths; 0: no such network
  bool instance_norm = true;
  bool skip = true;             ///< the linear forecast
  bool own_skips = false;       ///< whether every variate has a linear map of its own, `[variates, look_back, horizon]`

  Index inputs() const { return look_back * variates; }

  void layout(Layout& l) const {
    check();
    const auto dense = [&](const std::string& name, Index in, Index out) {
      l.add(name + ".weight", {in, out}, init::fan_in(in));
      l.add(name + ".bias", {out}, init::fan_in(in));
    };
    if (skip) {
      l.add("skip.weight", own_skips ? Shape{variates, look_back, horizon} : Shape{look_back, horizon}, init::constant(0));
      l.add("skip.bias", own_skips ? Shape{variates, 1, horizon} : Shape{horizon}, init::constant(0));
    }
    dense("embed", by_time() ? variates : look_back, width);
    if (frequencies > 0) {
      for (const char* name : {"magnitude", "cosine", "sine"})
        l.add(std::string("spectrum.") + name, {bins(), width}, init::fan_in(3 * bins()));
      l.add("spectrum.bias", {width}, init::fan_in(3 * bins()));
      l.add("mix.token", {width, width}, init::fan_in(2 * width));
      l.add("mix.spectrum", {width, width}, init::fan_in(2 * width));
      l.add("mix.bias", {width}, init::fan_in(2 * width));
    }
    if (scales.size() > 0) {
      l.add_module("forward", mamba());
      if (bidirectional) l.add_module("backward", mamba());
    }
    l.add("norm.gain", {width}, init::constant(1));
    l.add("norm.bias", {width}, init::constant(0));
    if (feed_forward > 0) {
      dense("feed1", width, feed_forward * width);
      dense("feed2", feed_forward * width, width);
    }
    if (by_time()) dense("variates", width, variates);
    l.add("head.weight", {by_time() ? look_back : width, horizon}, init::constant(0));
    if (!skip) l.add("head.bias", {horizon}, init::constant(0));
  }

  template <class X>
  X operator()(const X& parameters, const X& x) const {
    check();
    const Shape s = shape(x);
    require(s.rank() == 2 && s[1] == inputs(), "SpectralMamba: windows of shape ", s, "; expected [N, ", inputs(), "], ",
            look_back, " times of ", variates, " variates");
    const X window = reshape(x, {s[0], look_back, variates});
    Slots<X> slots(parameters);
    const X straight = skip ? linear_forecast(slots, window) : X{};
    if (!instance_norm) return sum_present(straight, network(slots, window));
    const auto [mean, deviation] = instance_statistics(window);
    const X normal = map(functor::Standardised{}, window, mean, deviation);
    return map(functor::Restored{}, network(slots, normal), skip ? straight : mean, deviation);
  }

 private:
  bool by_time() const { return tokens == Tokens::time; }
  Index bins() const { return by_time() ? frequencies * variates : frequencies; }  ///< that one token hears of
  Index lowest() const { return instance_norm ? 1 : 0; }
  MultiScaleMamba mamba() const {
    return {{.width = width, .states = states, .kernel = kernel, .expand = expand}, scales, step_size};
  }
  void check() const {
    require(look_back >= 1 && horizon >= 1 && variates >= 1 && width >= 1, "SpectralMamba: look_back ", look_back, ", horizon ",
            horizon, ", variates ", variates, ", width ", width, "; expected at least 1 each");
    require(feed_forward >= 0, "SpectralMamba: feed_forward is ", feed_forward, "; expected at least 0");
    require(frequencies >= 0 && lowest() + frequencies <= look_back / 2 + 1, "SpectralMamba: ", frequencies, " frequencies from ",
            lowest(), " on; a look-back of ", look_back, " has 0 .. ", look_back / 2);
  }

  template <class X>
  static X dense(Slots<X>& slots, const X& x, Index out) {
    const X weight = slots.take({shape(x).back(), out}), bias = slots.take({out});
    return linear(x, weight, bias);
  }

  /// What the network adds, `[N, horizon, variates]`, from windows `[N, look_back, variates]`.
  template <class X>
  X network(Slots<X>& slots, const X& window) const {
    const X series = transpose(window);
    X h = dense(slots, by_time() ? window : series, width);
    if (frequencies > 0) h = with_spectrum(slots, h, series);
    if (scales.size() > 0) h = with_mamba(slots, h);
    const X gain = slots.take({width}), shift = slots.take({width});
    h = layer_norm(h, gain, shift);
    if (feed_forward > 0) {
      const X weight = slots.take({width, feed_forward * width}), bias = slots.take({feed_forward * width});
      h = h + dense(slots, X(linear_map(functor::Gelu{}, h, weight, bias)), width);
    }
    if (by_time()) h = transpose(dense(slots, h, variates));
    const X head = slots.take({shape(h).back(), horizon});
    return transpose(X(linear(h, head, skip ? X{} : slots.take({horizon}))));
  }

  template <class X>
  X linear_forecast(Slots<X>& slots, const X& window) const {
    const Index n = shape(window)[0];
    const X series = reshape(transpose(reshape(window, {n * look_back, variates})), {variates, n, look_back});
    const X weight = slots.take(own_skips ? Shape{variates, look_back, horizon} : Shape{look_back, horizon});
    const X bias = slots.take(own_skips ? Shape{variates, 1, horizon} : Shape{horizon});
    const X change = linear(series, weight, bias);
    return reshape(transpose(reshape(change, {variates, n * horizon})), {n, horizon, variates}) + slice(window, 1, look_back - 1, 1);
  }

  /// Log-magnitudes and directions of the lowest frequencies, embedded; a gate decides how much of them a token takes.
  template <class X>
  X with_spectrum(Slots<X>& slots, const X& h, const X& series) const {
    const auto basis = fourier_basis<BackendOf<X>>(look_back, lowest(), frequencies);
    const Shape features{shape(h)[0], by_time() ? 1 : variates, bins()};
    const auto part = [&](Index i) {
      return reshape(X(matmul(series, basis.rows(i, 1).reshape({look_back, frequencies}))), features);
    };
    const X re = part(0), im = part(1);
    const auto take = [&] { return slots.take({bins(), width}); };
    const X magnitude = take(), cosine = take(), sine = take(), bias = slots.take({width});
    X spectrum = linear(map(functor::LogMagnitude{}, re, im), magnitude, bias);
    spectrum = linear(map(functor::Direction{}, re, im), cosine, spectrum);
    spectrum = linear(map(functor::Direction{}, im, re), sine, spectrum);
    const X of_token = slots.take({width, width}), of_spectrum = slots.take({width, width}), shift = slots.take({width});
    const X share = linear_map(functor::Sigmoid{}, h, of_token, linear(spectrum, of_spectrum, shift));
    return map(functor::Mix{}, share, h, spectrum);
  }

  template <class X>
  X with_mamba(Slots<X>& slots, const X& h) const {
    const X ahead = mamba()(slots, h);
    if (!bidirectional) return h + ahead;
    const X back = reversed(mamba()(slots, reversed(h)));
    const double once[] = {1, 1, 1};
    const X all[] = {h, ahead, back};
    return combine(std::span<const double>(once), std::span<const X>(all));
  }
  /// The tokens `[N, L, width]` of every window from the last to the first.
  template <class X>
  static X reversed(const X& h) {
    const Shape s = shape(h);
    auto* const row = Workspace<HostMemory>::current().template take<std::int32_t>(std::size_t(s[0] * s[1]));
    for (Index n = 0; n < s[0]; ++n)
      for (Index t = 0; t < s[1]; ++t) row[n * s[1] + t] = std::int32_t(n * s[1] + s[1] - 1 - t);
    const std::span<const std::int32_t> rows(row, std::size_t(s[0] * s[1]));
    return reshape(gather(reshape(h, {s[0] * s[1], s[2]}), rows), s);
  }
};

}  // namespace moesaic
