// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <string>
#include <string_view>

#include <moesaic/expert/multi_scale_mamba.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>
#include <moesaic/ops/fourier_basis.hpp>

#include "harness.hpp"

/// The forecaster of W4 and W7a: 7 variates, look-back and horizon 96, 4 experts of which a window gets 2.
namespace bench::m2moep {

inline constexpr Index look_back = 96, horizon = 96, variates = 7, features = look_back * variates;
inline constexpr Index experts = 4, chosen = 2, scales = 2, width = 64, latents = 16, couplings = 4;

/// The peer's expert, `x [N, look_back * variates] -> [N, horizon, variates]`: Mamba blocks of two paces over tokens of time,
/// beside the embedded spectrum of every variate; one linear map makes the forecast of both.
struct Forecaster {
  MultiScaleMamba mamba{{.width = width}, {1, 4}};

  Index inputs() const { return features; }

  void layout(Layout& l) const {
    const auto dense = [&](const std::string& name, Index in, Index out) {
      l.add(name + ".weight", {in, out}, init::fan_in(in));
      l.add(name + ".bias", {out}, init::fan_in(in));
    };
    dense("embed", variates, width);
    l.add_module("mamba", mamba);
    dense("variates", width, variates);
    dense("spectrum", 2 * bins, width);
    dense("head", look_back + width, horizon);
  }
  template <class X>
  X operator()(const X& parameters, const X& x) const {
    const Index n = shape(x)[0];
    const X window = reshape(x, {n, look_back, variates});
    Slots<X> slots(parameters);
    const auto matrix = [&](Index rows, Index columns) { return slots.take({rows, columns}); };
    const auto bias = [&](Index columns) { return slots.take({columns}); };

    const X embed = matrix(variates, width);
    const X tokens = linear(window, embed, bias(width)), blocks = mamba(slots, tokens);  // the mean; the peer adds their sum
    const double terms[] = {1, scales};
    const X both[] = {tokens, blocks}, h = combine(std::span<const double>(terms), std::span<const X>(both));
    const X to_variates = matrix(width, variates);
    const X series = transpose(X(linear(h, to_variates, bias(variates))));

    const auto basis = fourier_basis<BackendOf<X>>(look_back, 0, bins);
    const X of_variate = transpose(window);
    const auto part = [&](Index i) { return X(matmul(of_variate, basis.rows(i, 1).reshape({look_back, bins}))); };
    const X of_real = matrix(bins, width), of_imaginary = matrix(bins, width);
    const X frequency = linear(part(1), of_imaginary, linear(part(0), of_real, bias(width)));

    const X of_series = matrix(look_back, horizon), of_frequency = matrix(width, horizon);
    return transpose(X(linear(frequency, of_frequency, linear(series, of_series, bias(horizon)))));
  }

 private:
  static constexpr Index bins = look_back / 2 + 1;
};

struct Positive {
  template <class S>
  constexpr S operator()(const S& w) const { return select(w > constant<S>(0), constant<S>(1), constant<S>(0)); }
};
/// Load balance over all choices: `K sum_k f_k P_k`, `f_k` the share of all choices of the batch that fell to expert k, `P_k` the
/// mean of the softmax over all experts. (`loss::switch_balance` counts first choices alone.)
struct ChoiceBalance : loss::Term {
  static constexpr std::string_view name = "choice_balance";
  using reads = Supplies<quantity::GateLogits, quantity::GateWeights, quantity::Batch>;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const Index n = shape(o.logits)[0], k = shape(o.logits)[1];
    const Shape one{1, k};
    const auto choices = sum_to(map(Positive{}, primal(o.weights)), one);
    const X balance = sum(X(sum_to(X(softmax(o.logits)), one) * choices));
    return broadcast_to(scale(balance, double(k) / double(n * n * chosen)), {n});
  }
};

inline auto forecaster() {
  const gate::Metric<> gate{.embedding = {64, 32}, .distance = gate::Distance::squared, .top_k = chosen};
  return mixture(moesaic::experts<m2moep::experts>(Forecaster{}), gate, flow::Identity{}, loss::mse + 0.01 * ChoiceBalance{});
}

/// Of the forecasts of some windows; exp, which is counted apart, is none of them.
inline double flops(Index windows) {
  const double inner = 2 * width, states = 16, rank = 4, kernel = 4, spectrum = look_back + 2;
  const double products = width * 2 * inner + kernel * inner + inner * (rank + 2 * states) + rank * inner + inner * width;
  const double blocks = scales * look_back * (2 * products + 6 * inner * states);
  const double of_variate = look_back * spectrum + spectrum * width + (look_back + width) * horizon;
  const double around = 2 * (2 * features * width + variates * of_variate);
  const double gate = 2 * (features * 64 + 64 * 32 + experts * 32);
  return double(windows) * (chosen * (blocks + around) + gate);
}

/// Where the peer keeps one of our parameters: some columns of one matrix of an array `[count, rows, columns]`.
struct Place {
  std::string array;
  Index count = 1, index = 0, rows = 1, columns = 1, first_column = 0;
  bool transposed = false;

  explicit Place(const Layout::Entry& e) : rows(e.shape.rank() == 2 ? e.shape[0] : 1), columns(e.shape.back()) {
    std::string own = e.name;
    const auto take_number = [&](std::string_view before, Index of, Index first) {
      if (!own.starts_with(before)) return;
      index = index * of + Index(own[before.size()] - '0') - first;
      count *= of;
      own = own.substr(before.size() + 2);
    };
    take_number("expert", experts, 0);
    take_number("mamba.scale", scales, 1);
    take_number("latent.flow.", couplings, 0);
    static const std::map<std::string_view, const char*> names{
        {"embed.weight", "embed_W"},           {"embed.bias", "embed_b"},
        {"in", "in_W"},                        {"gate", "in_W"},
        {"kernel.weight", "conv_W"},           {"kernel.bias", "conv_b"},
        {"select", "x_W"},                     {"step.weight", "dt_W"},
        {"step.bias", "dt_b"},                 {"log_decay", "A_log"},
        {"skip", "D"},                         {"out", "out_W"},
        {"variates.weight", "proj_W"},         {"variates.bias", "proj_b"},
        {"spectrum.weight", "freq_W"},         {"spectrum.bias", "freq_b"},
        {"head.weight", "head_W"},             {"head.bias", "head_b"},
        {"gate.embedding.weight1", "gate_W1"}, {"gate.embedding.bias1", "gate_b1"},
        {"gate.embedding.weight2", "gate_W2"}, {"gate.embedding.bias2", "gate_b2"},
        {"gate.prototypes", "proto"},
        {"latent.encoder.weight1", "enc_W"},   {"latent.encoder.bias1", "enc_b"},
        {"weight1", "f_W1"},                   {"bias1", "f_b1"},
        {"weight2", "f_W2"},                   {"bias2", "f_b2"},
        {"latent.decoder.weight1", "dec_W"},   {"latent.decoder.bias1", "dec_b"}};
    if (const auto found = names.find(own); found != names.end()) array = found->second;
    if (own == "gate") first_column = columns;  // the peer makes both in one product
    if (array == "in_W") columns *= 2;
    if (own == "kernel.weight") transposed = true, std::swap(rows, columns);
  }
  Shape shape() const { return {count, rows, columns}; }
  /// Place there of our number `i`, for parameters of `own` columns.
  Index at(Index i, Index own) const {
    const Index row = i / own, column = i % own;
    return transposed ? (index * rows + column) * columns + row : (index * rows + row) * columns + first_column + column;
  }
};

/// Calls `f(place, our numbers)` for all parameters that the peer has, too.
template <class B, class F>
void for_each_place(const Layout& layout, const Array<B>& flat, const F& f) {
  for (const auto& e : layout.entries())
    if (const Place place(e); !place.array.empty()) f(place, view(flat.tensor(), e.offset, e.shape));
}

/// The model's first parameters: the peer's, where there is a dump.
template <class T>
Array<Cpu<T>> first_parameters(Problem<T>& problem, const Layout& layout) {
  auto all = initial_parameters<Cpu<T>>(layout, Random(1));
  std::map<std::string, Array<Cpu<T>>> theirs;
  if (problem.dumped())
    for_each_place(layout, all, [&](const Place& place, const Tensor<Cpu<T>>& own) {
      auto& from = theirs[place.array];
      if (!from) from = problem.array("param_" + place.array, place.shape());
      for (Index i = 0; i < own.size(); ++i) own.data()[i] = from.data()[place.at(i, own.shape().back())];
    });
  return all;
}

/// Compares a gradient with the peer's, array by array of the peer.
template <class T>
void compare_gradient(Problem<T>& problem, const Layout& layout, const Array<Cpu<T>>& gradient) {
  std::map<std::string, Array<Cpu<T>>> ours;
  for_each_place(layout, gradient, [&](const Place& place, const Tensor<Cpu<T>>& own) {
    auto& to = ours[place.array];
    if (!to) to = Array<Cpu<T>>(place.shape());
    for (Index i = 0; i < own.size(); ++i) to.data()[place.at(i, own.shape().back())] = own.data()[i];
  });
  for (const auto& [name, array] : ours) problem.compare("grad_" + name, array);
}

}  // namespace bench::m2moep
