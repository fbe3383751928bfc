// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/expert/mlp.hpp>
#include <moesaic/flow/identity.hpp>

namespace moesaic {

namespace functor {
/// `scale * tanh(x)`.
struct ScaledTanh {
  template <class S, class R>
  constexpr auto operator()(const S& x, const R& scale) const { using std::tanh; return scale * tanh(x); }
};
/// `x * exp(s) + t`.
struct Couple {
  template <class S, class R, class Q>
  constexpr auto operator()(const S& x, const R& s, const Q& t) const { using std::exp; return x * exp(s) + t; }
};
/// `(z - t) * exp(-s)`.
struct Uncouple {
  template <class S, class R, class Q>
  constexpr auto operator()(const S& z, const R& s, const Q& t) const { using std::exp; return (z - t) * exp(-s); }
};
}  // namespace functor

namespace flow {

/// A coupling with its parameters in place.
template <class X, class Activation>
struct BoundCoupling {
  X scale;  ///< `[1]`
  BoundMlp<X, Activation> net;

  struct Moved {
    X z, log_scale;  ///< `[N, moved]`; the latter sums to the logarithm of the determinant
  };
  /// `z = moved * exp(s) + t` and `s`, for `kept [N, kept]`, `moved [N, moved]`.
  Moved forward(const X& kept, const X& moved) const {
    const auto [s, t] = log_scale_and_shift(kept);
    return {map(functor::Couple{}, moved, s, t), s};
  }
  X inverse(const X& kept, const X& z) const {
    const auto [s, t] = log_scale_and_shift(kept);
    return map(functor::Uncouple{}, z, s, t);
  }

 private:
  struct Affine {
    X s, t;
  };
  Affine log_scale_and_shift(const X& kept) const {
    const X both = net(kept);
    const Index moved = shape(both)[1] / 2;
    return {map(functor::ScaledTanh{}, slice(both, 1, 0, moved), scale), slice(both, 1, moved, moved)};
  }
};

/// Affine coupling (Dinh, Sohl-Dickstein, Bengio: Density estimation using Real NVP, ICLR 2017): `moved` features are scaled by
/// `exp(s)`, `s = scale * tanh(.)` with a learnable number `scale`, and shifted by `t`, both from one network of the `kept` features.
///
/// Its last layer starts at zero: the coupling starts as the identity.
template <class Activation>
struct AffineCoupling {
  Index kept = 1, moved = 1;
  Widths hidden;

  void layout(Layout& l) const {
    l.add("scale", {1}, init::constant(1));
    const auto of_net = layout_of(net());
    const std::size_t last = of_net.entries().size() - 2;  // its weight and its bias
    for (std::size_t i = 0; i < last + 2; ++i) {
      const auto& e = of_net.entries()[i];
      l.add(e.name, e.shape, i < last ? e.initialiser : init::constant(0));
    }
  }
  template <class X>
  BoundCoupling<X, Activation> bind(Slots<X>& slots) const {
    const X scale = slots.take({1});
    return {scale, net().bind(slots)};
  }

 private:
  Mlp<Activation> net() const {
    Widths widths{kept};
    for (int i = 0; i <= hidden.layers(); ++i) widths.push_back(hidden[i]);
    widths.push_back(2 * moved);
    return {widths};
  }
};

}  // namespace flow
}  // namespace moesaic
