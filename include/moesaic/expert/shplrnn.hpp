// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <span>

#include <moesaic/core/parameters.hpp>
#include <moesaic/ops/ops.hpp>

namespace moesaic {

namespace functor {
struct AtLeast {
  double floor = 0;
  template <class S>
  constexpr S operator()(const S& x) const {
    const S least = constant<S>(floor);
    return select(x <= least, least, x);
  }
};
}  // namespace functor

/// Which state a series expert is shown before it gives the one at time t.
enum class Shown {
  before,   ///< that at t - 1: it forecasts; the first state is given
  present,  ///< that at t itself: it encodes its own target (as MixER's series runs were published)
};

/// Series expert: hierarchical shallow piecewise-linear recurrent network. All its weights are one linear map of the context
/// (Brenner, Weber, Koppe, Durstewitz: Learning interpretable hierarchical dynamical systems models from time series data, 2024).
///
/// `u = alpha z + (1 - alpha) x`, `z' = A u + W1 relu(W2 u + h2) + h1`, with `x` the state that it is shown and `z'` its
/// prediction; `z` starts at the first state, or at 0 where it is shown the present one. `alpha` comes from the context, and is
/// at least `least_alpha` (generalised teacher forcing: Hess et al., ICML 2023).
struct HierarchicalShPlrnn {
  static constexpr bool contextual = true;

  Index dimension = 1;   ///< of a state
  Index hidden = 16;
  Index features = 10;   ///< of a context
  double least_alpha = 0.5;
  Shown shown = Shown::before;

  Index context() const { return features; }
  Index state() const { return dimension; }

  void layout(Layout& l) const {
    require(dimension >= 1 && hidden >= 1 && features >= 1, "HierarchicalShPlrnn: dimension ", dimension, ", hidden ", hidden,
            ", features ", features, "; expected at least 1 each");
    require(least_alpha >= 0 && least_alpha <= 1, "HierarchicalShPlrnn: least_alpha is ", least_alpha, "; expected 0 to 1");
    l.add("shift", {1}, init::constant(0));
    const auto add = [&](const char* name, Index size) { l.add(name, {features, size}, init::fan_in(features)); };
    add("A", dimension * dimension);
    add("W1", hidden * dimension);
    add("W2", dimension * hidden);
    add("h1", dimension);
    add("h2", hidden);
    add("alpha", 1);
  }

  /// Predictions `[E, T, dimension]` of the series `[E, T, dimension]` of `E` environments with contexts `[E, features]`.
  template <class X>
  X operator()(const X& parameters, const X& contexts, const TensorOf<X>& series) const {
    const Shape s = series.shape();
    require(s.rank() == 3 && s[2] == dimension && s.size() > 0, "HierarchicalShPlrnn: series of shape ", s,
            "; expected [environments, times, ", dimension, "]");
    require(shape(contexts) == Shape{s[0], features}, "HierarchicalShPlrnn: contexts of shape ", shape(contexts), "; expected ",
            Shape{s[0], features});
    const Cell<X> cell(*this, parameters, contexts);
    X* state = Workspace<HostMemory>::current().template take<X>(std::size_t(s[1]));
    const auto at = [&](Index t) { return X(slice(series, 1, t, 1)); };
    X z;
    for (Index t = 0; t < s[1]; ++t) {
      if (shown == Shown::present)
        z = cell(z, at(t));
      else
        z = t == 0 ? at(0) : cell(z, at(t - 1));
      state[t] = z;
    }
    return concat(std::span<const X>(state, std::size_t(s[1])), 1);
  }

 private:
  /// The weights of every environment in place, as matrices for `linear`: the transposes of the formula's.
  template <class X>
  struct Cell {
    X a, w1, w2, h1, h2, alpha;

    Cell(const HierarchicalShPlrnn& e, const X& parameters, const X& contexts) {
      Slots<X> slots(parameters);
      const X c = contexts + slots.take({1});
      const auto take = [&](Index rows, Index columns) {
        return reshape(matmul(c, slots.take({e.features, rows * columns})), {shape(c)[0], rows, columns});
      };
      a = take(e.dimension, e.dimension);
      w1 = take(e.hidden, e.dimension);
      w2 = take(e.dimension, e.hidden);
      h1 = take(1, e.dimension);
      h2 = take(1, e.hidden);
      alpha = map(functor::AtLeast{e.least_alpha}, take(1, 1));
    }
    /// `[E, 1, dimension]`; an absent `z` is zero.
    X operator()(const X& z, const X& x) const {
      const X forced = x - alpha * x;  // exactly x at alpha = 0 and 0 at alpha = 1
      const X u = present(z) ? alpha * z + forced : forced;
      return linear(relu(linear(u, w2, h2)), w1, linear(u, a, h1));
    }
  };
};

}  // namespace moesaic
