// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <initializer_list>
#include <string>

#include <moesaic/core/parameters.hpp>
#include <moesaic/ops/ops.hpp>

namespace moesaic {

/// Activation functions of a network: a functor of a layer's output, or of it and a learnable number.
namespace activation {
/// `x * sigmoid(beta x)` with a learnable `beta` per layer, beta ~ U(0.01, 1).
struct LearnableSwish {
  static constexpr bool learnable = true;
  using Function = functor::SwishBeta;
};
template <class F>
struct Fixed {
  static constexpr bool learnable = false;
  using Function = F;
};
struct Swish : Fixed<functor::Swish> {};
struct Tanh : Fixed<functor::Tanh> {};
struct Relu : Fixed<functor::Relu> {};
struct Gelu : Fixed<functor::Gelu> {};
struct Softplus : Fixed<functor::Softplus> {};

/// Gated: a layer computes a second number for each of its units, which multiplies it by way of `F`.
template <class F>
struct Gated : Fixed<F> {
  static constexpr bool gated = true;
};
/// Gated linear unit, `(W x + b) * sigmoid(V x + c)` (Dauphin et al.: Language modeling with gated convolutional networks, ICML
/// 2017). Few units come close to products of what goes in, of which most fields of dynamical systems consist.
struct Glu : Gated<functor::Sigmoid> {};
}  // namespace activation

/// An activation whose layers compute two numbers a unit, in one product: all units first, then what multiplies them. It has no
/// learnable number.
template <class Activation>
concept GatedActivation = requires { requires Activation::gated; };

/// Layer widths of a network, input first, output last; at most 16.
class Widths {
 public:
  Widths() = default;
  Widths(std::initializer_list<Index> widths) {
    for (Index w : widths) push_back(w);
  }
  void push_back(Index width) {
    require(count_ < int(widths_.size()), "Widths: more than ", widths_.size(), " layers");
    require(width > 0, "Widths: layer ", count_, " has width ", width, "; expected at least 1");
    widths_[std::size_t(count_++)] = width;
  }
  int layers() const { return count_ - 1; }  ///< number of linear maps
  Index operator[](int i) const { return widths_[std::size_t(i)]; }
  Index in() const { return widths_[0]; }
  Index out() const { return widths_[std::size_t(count_ - 1)]; }

 private:
  std::array<Index, 16> widths_{};
  int count_ = 0;
};

/// The layers of a network with their weights in place: `y = net(x)`, `x [..., in] -> y [..., out]`.
template <class X, class Activation>
struct BoundMlp {
  struct Layer {
    X weight, bias, beta;
  };
  std::array<Layer, 15> layer{};
  int layers = 0;
  bool activate_last = false;

  X operator()(const X& x) const { return from(0, x); }

  /// The layers from `first` on, given that layer's output before its activation: what a caller gets who computed part of a
  /// layer himself (a context that stays the same along a trajectory).
  X after(int first, const X& before_activation) const { return from(first + 1, activated(first, before_activation)); }

 private:
  using Function = typename Activation::Function;
  bool activates(int i) const { return i + 1 < layers || activate_last; }

  X activated(int i, const X& h) const {
    if (!activates(i)) return h;
    if constexpr (GatedActivation<Activation>) {
      const int last = shape(h).rank() - 1;
      const Index units = shape(h)[last] / 2;
      return slice(h, last, 0, units) * map(Function{}, slice(h, last, units, units));
    } else if constexpr (Activation::learnable)
      return map(Function{}, h, layer[std::size_t(i)].beta);
    else
      return map(Function{}, h);
  }
  X from(int first, X h) const {
    for (int i = first; i < layers; ++i) {
      const auto& l = layer[std::size_t(i)];
      if constexpr (Activation::learnable || GatedActivation<Activation>)
        h = activated(i, linear(h, l.weight, l.bias));
      else
        h = activates(i) ? linear_map(Function{}, h, l.weight, l.bias) : linear(h, l.weight, l.bias);
    }
    return h;
  }
};

/// Multi-layer perceptron, also an Expert: `x [..., in] -> y [..., out]`, linear layers with an activation in between.
template <class Activation = activation::Swish>
struct Mlp {
  static_assert(!(GatedActivation<Activation> && Activation::learnable), "Moesaic: a gated activation has no learnable number");

  Widths widths;
  bool activate_last = false;

  Index inputs() const { return widths.in(); }
  bool activates(int layer) const { return layer + 1 < widths.layers() || activate_last; }
  /// Numbers that the linear map of a layer computes: its width, or twice that where it is gated.
  Index outputs(int layer) const {
    return GatedActivation<Activation> && activates(layer) ? 2 * widths[layer + 1] : widths[layer + 1];
  }

  void layout(Layout& l) const {
    require(widths.layers() >= 1, "Mlp: ", widths.layers() + 1, " widths; expected an input and an output at least");
    for (int i = 0; i < widths.layers(); ++i) {
      const std::string n = std::to_string(i + 1);
      l.add("weight" + n, {widths[i], outputs(i)}, init::fan_in(widths[i]));
      l.add("bias" + n, Shape{outputs(i)}, init::fan_in(widths[i]));  // nvcc drops bare braces around one call
      if (Activation::learnable && activates(i)) l.add("beta" + n, {1}, init::uniform(0.01, 1));
    }
  }
  template <class X>
  auto bind(Slots<X>& slots) const {
    BoundMlp<X, Activation> net{.layers = widths.layers(), .activate_last = activate_last};
    for (int i = 0; i < widths.layers(); ++i) {
      auto& l = net.layer[std::size_t(i)];
      l.weight = slots.take({widths[i], outputs(i)});
      l.bias = slots.take(Shape{outputs(i)});
      if (Activation::learnable && activates(i)) l.beta = slots.take({1});
    }
    return net;
  }
  template <class X>
  X operator()(const X& parameters, const X& x) const {
    Slots<X> slots(parameters);
    return bind(slots)(x);
  }
};

}  // namespace moesaic
