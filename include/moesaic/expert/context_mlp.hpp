// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <initializer_list>

#include <moesaic/expert/mlp.hpp>

namespace moesaic {

/// Hidden layers of a network whose input and output are given: their widths, input side first, or so many by `geometric`.
class HiddenLayers {
 public:
  HiddenLayers(std::initializer_list<Index> widths) {
    for (Index w : widths) {
      require(w > 0, "HiddenLayers: layer ", given_.layers() + 2, " has width ", w, "; expected at least 1");
      given_.push_back(w);
    }
  }
  /// `depth` layers by geometric interpolation (MixER code): layer i has `in * (out / in)^(i / (depth + 1))` units, rounded down
  /// and then up to an even number. Errors: a negative depth.
  static HiddenLayers geometric(int depth) {
    require(depth >= 0, "HiddenLayers: a depth of ", depth, "; expected at least 0");
    HiddenLayers h{};
    h.interpolated_ = depth;
    return h;
  }

  /// Widths of the whole network. Errors: more layers than `Widths` holds.
  Widths between(Index in, Index out) const {
    Widths w{in};
    for (int i = 0; i <= given_.layers(); ++i) w.push_back(given_[i]);
    for (int i = 1; i <= interpolated_; ++i) {
      const double exact = double(in) * std::pow(double(out) / double(in), double(i) / double(interpolated_ + 1));
      const auto whole = Index(exact);
      w.push_back(std::max<Index>(whole + whole % 2, 2));
    }
    w.push_back(out);
    return w;
  }

 private:
  Widths given_{};
  int interpolated_ = 0;
};

/// Bends states beyond `range` back, `x -> range * tanh(x / range)`: the field stays bounded where there were no data, so that a
/// trajectory that leaves them drifts away instead of exploding. 0 switches it off.
struct Saturation {
  double range = 0;
  template <class X>
  X operator()(const X& x) const {
    return range > 0 ? scale(tanh(scale(x, 1 / range)), range) : x;
  }
};

/// Vector field of a neural context flow: a context net and a data net whose outputs are joined and fed to a main net
/// (Nzoyem, Barton, Deakin: Neural context flows, ICLR 2025; MixER's three-network expert). `x [E, n, state] -> dx/dt [E, n, state]`.
///
/// The context net and its half of the main net's first layer depend on the environment only: they are evaluated once a solve.
template <class Activation = activation::LearnableSwish>
struct ThreeNetworks {
  Index state = 2, context = 2;
  Index width = 64;        ///< of the main net
  int depth = 3;           ///< hidden layers of the main net
  Index interface = 32;    ///< units that data net and context net each hand to the main net
  HiddenLayers data_hidden = HiddenLayers::geometric(1);
  HiddenLayers context_hidden = HiddenLayers::geometric(1);
  Saturation saturation{};

  Mlp<Activation> data_net() const { return {data_hidden.between(state, interface)}; }
  Mlp<Activation> context_net() const { return {context_hidden.between(context, interface)}; }
  Mlp<Activation> main_net() const {
    Widths w{2 * interface};
    for (int i = 0; i < depth; ++i) w.push_back(width);
    w.push_back(state);
    return {w};
  }

  void layout(Layout& l) const {
    l.add_module("context_net", context_net());
    l.add_module("data_net", data_net());
    l.add_module("main_net", main_net());
  }

  template <class X>
  struct Bound {
    BoundMlp<X, Activation> data, main;
    X data_weight, from_context;
    Saturation saturation;

    X operator()(double, const X& x) const { return main.after(0, linear(data(saturation(x)), data_weight, from_context)); }
  };
  /// `context_rows [E, 1, context]`, each for `n` trajectories.
  template <class X>
  Bound<X> bind(Slots<X>& slots, const X& context_rows, Index n) const {
    Bound<X> b;
    b.saturation = saturation;
    const X c = context_net().bind(slots)(context_rows);
    b.data = data_net().bind(slots);
    b.main = main_net().bind(slots);
    const auto& first = b.main.layer[0];
    const int in = shape(first.weight).rank() - 2;
    b.data_weight = slice(first.weight, in, 0, interface);
    const X once = linear(c, slice(first.weight, in, interface, interface), first.bias);
    b.from_context = broadcast_to(once, {shape(once)[0], n, main_net().outputs(0)});
    return b;
  }
};

/// Root network of the low-rank experts: `depth` linear maps, `depth - 1` activations in between.
struct RootNetwork {
  Index state = 2, context = 2;
  Index width = 64;
  int depth = 3;
  Saturation saturation{};

  Widths widths() const {
    Widths w{state};
    for (int i = 1; i < depth; ++i) w.push_back(width);
    w.push_back(state);
    return w;
  }
};

/// An environment's own network, its weights in place: `x [E, n, state]`, weights `[E, in, out]`.
template <class X, class Activation>
struct EnvironmentMlp {
  BoundMlp<X, Activation> net;
  Saturation saturation;
  X operator()(double, const X& x) const { return net(saturation(x)); }
};

/// CoDA: every parameter of the root network moves linearly with the context, `theta_e = theta + H xi_e`
/// (Kirchmeyer et al.: Generalizing to new physical systems via context-informed dynamics model, ICML 2022).
template <class Activation = activation::LearnableSwish>
struct Coda : RootNetwork {
  void layout(Layout& l) const {
    const Mlp<Activation> root{widths()};
    l.add_module("root", root);
    const Layout parts = layout_of(root);
    for (const auto& e : parts.entries())
      l.add("hyper." + e.name, {context, e.shape.size()}, init::fan_in(context));
  }
  template <class X>
  auto bind(Slots<X>& slots, const X& context_rows, Index) const {
    const Mlp<Activation> net{widths()};
    const Index environments = shape(context_rows)[0];
    auto root = net.bind(slots);
    EnvironmentMlp<X, Activation> b{root, saturation};
    const auto move = [&](const X& at, const Shape& all) {
      const Index size = all.size() / environments;
      const X from = reshape(at, slots.batched() ? Shape{environments, 1, size} : Shape{size});
      return reshape(linear(context_rows, slots.take({context, size}), from), all);
    };
    for (int i = 0; i < net.widths.layers(); ++i) {
      auto& to = b.net.layer[std::size_t(i)];
      to.weight = move(to.weight, {environments, net.widths[i], net.outputs(i)});
      to.bias = move(to.bias, {environments, 1, net.outputs(i)});
      if (Activation::learnable && net.activates(i)) to.beta = move(to.beta, {environments, 1, 1});
    }
    return b;
  }
};

/// GEPS: low-rank adaptation of every layer, `W + A diag(xi_e) B` and `b + A xi_e`
/// (Koupai et al.: Boosting generalization in parametric PDE neural solvers through adaptive conditioning, NeurIPS 2024).
template <class Activation = activation::LearnableSwish>
struct Geps : RootNetwork {
  void layout(Layout& l) const {
    const Mlp<Activation> net{widths()};
    l.add_module("root", net);
    for (int i = 0; i < net.widths.layers(); ++i) {
      const std::string n = std::to_string(i + 1);
      l.add("left" + n, {net.outputs(i), context}, init::fan_in(net.outputs(i)));
      l.add("right" + n, {context, net.widths[i]}, init::fan_in(context));
      l.add("bias_move" + n, {net.outputs(i), context}, init::fan_in(net.outputs(i)));
      if (Activation::learnable && net.activates(i)) l.add("beta_move" + n, {1, context}, init::fan_in(1));
    }
  }
  template <class X>
  auto bind(Slots<X>& slots, const X& context_rows, Index) const {
    const Mlp<Activation> net{widths()};
    EnvironmentMlp<X, Activation> b{net.bind(slots), saturation};
    const auto move = [&](const X& at, Index size) { return linear(context_rows, transpose(slots.take({size, context})), at); };
    for (int i = 0; i < net.widths.layers(); ++i) {
      auto& to = b.net.layer[std::size_t(i)];
      const X left = transpose(slots.take({net.outputs(i), context})), right = transpose(slots.take({context, net.widths[i]}));
      to.weight = linear(right * context_rows, left, to.weight);
      to.bias = move(to.bias, net.outputs(i));
      if (Activation::learnable && net.activates(i)) to.beta = move(to.beta, 1);
    }
    return b;
  }
};

}  // namespace moesaic
