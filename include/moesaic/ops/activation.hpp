// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <numbers>

#include <moesaic/ops/arithmetic.hpp>

namespace moesaic {

namespace functor {

namespace detail {
/// `1 / (1 + exp(-x))`. Derivatives of any order are finite everywhere: they are made out of `exp(-|x|)`, which does not overflow.
template <class S>
constexpr S logistic(const S& x) {
  using std::exp;
  if constexpr (is_jet<S>) {
    const auto positive = x > constant<S>(0);
    const S small = exp(select(positive, S(-x), x));
    return select(positive, constant<S>(1), small) / (1 + small);
  } else {
    return constant<S>(1) / (1 + exp(S(-x)));  // an infinity in the denominator is a value like others
  }
}
}  // namespace detail

struct Exp {
  template <class S>
  constexpr S operator()(const S& x) const { using std::exp; return exp(x); }
  struct Slope {
    template <class S, class R>
    constexpr auto operator()(const S& y, const R& g) const { return y * g; }
  };
};
struct Log {
  template <class S>
  constexpr S operator()(const S& x) const { using std::log; return log(x); }
};
struct Tanh {
  template <class S>
  constexpr S operator()(const S& x) const { using std::tanh; return tanh(x); }
  struct Slope {
    template <class S, class R>
    constexpr auto operator()(const S& y, const R& g) const { return g - y * y * g; }
  };
};
struct Abs {
  template <class S>
  constexpr S operator()(const S& x) const { using std::abs; return abs(x); }
};
struct Sqrt {
  template <class S>
  constexpr S operator()(const S& x) const { using std::sqrt; return sqrt(x); }
};
struct Sin {
  template <class S>
  constexpr S operator()(const S& x) const { using std::sin; return sin(x); }
};
struct Cos {
  template <class S>
  constexpr S operator()(const S& x) const { using std::cos; return cos(x); }
};
struct Sigmoid {
  template <class S>
  constexpr S operator()(const S& x) const { return detail::logistic(x); }
  struct Slope {
    template <class S, class R>
    constexpr auto operator()(const S& y, const R& g) const { return (y - y * y) * g; }
  };
};
/// `x * sigmoid(x)` (Ramachandran, Zoph, Le 2017).
struct Swish {
  template <class S>
  constexpr S operator()(const S& x) const { return x * detail::logistic(x); }
};
/// `x * sigmoid(beta x)` with a learnable `beta`.
struct SwishBeta {
  template <class S, class R>
  constexpr auto operator()(const S& x, const R& beta) const { return x * detail::logistic(beta * x); }
};
struct Relu {
  template <class S>
  constexpr S operator()(const S& x) const { return select(x <= constant<S>(0), constant<S>(0), x); }  // of NaN: NaN
  struct Slope {
    template <class S, class R>
    constexpr R operator()(const S& y, const R& g) const { return select(y > constant<S>(0), g, constant<R>(0)); }
  };
};
/// `log(1 + exp(x))`, without overflow.
struct Softplus {
  template <class S>
  constexpr S operator()(const S& x) const {
    using std::exp, std::log;
    const auto positive = x > constant<S>(0);
    return select(positive, x, constant<S>(0)) + log(1 + exp(select(positive, S(-x), x)));
  }
};
/// Gaussian error linear unit in its tanh form (Hendrycks, Gimpel 2016), as `x * sigmoid(2 c (x + 0.044715 x^3))`.
struct Gelu {
  template <class S>
  constexpr S operator()(const S& x) const {
    const double c = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
    return x * detail::logistic(S(constant<S>(c) * (x + constant<S>(0.044715) * x * x * x)));
  }
};
}  // namespace functor

template <ArrayLike X>
auto exp(const X& x) { return map(functor::Exp{}, x); }
template <ArrayLike X>
auto log(const X& x) { return map(functor::Log{}, x); }
template <ArrayLike X>
auto tanh(const X& x) { return map(functor::Tanh{}, x); }
template <ArrayLike X>
auto abs(const X& x) { return map(functor::Abs{}, x); }
template <ArrayLike X>
auto sqrt(const X& x) { return map(functor::Sqrt{}, x); }
template <ArrayLike X>
auto sin(const X& x) { return map(functor::Sin{}, x); }
template <ArrayLike X>
auto cos(const X& x) { return map(functor::Cos{}, x); }
template <ArrayLike X>
auto sigmoid(const X& x) { return map(functor::Sigmoid{}, x); }
template <ArrayLike X>
auto swish(const X& x) { return map(functor::Swish{}, x); }
template <ArrayLike X, ArrayLike Y>
auto swish(const X& x, const Y& beta) { return map(functor::SwishBeta{}, x, beta); }
template <ArrayLike X>
auto relu(const X& x) { return map(functor::Relu{}, x); }
template <ArrayLike X>
auto softplus(const X& x) { return map(functor::Softplus{}, x); }
template <ArrayLike X>
auto gelu(const X& x) { return map(functor::Gelu{}, x); }

/// Softmax over the last axis; the largest entry is subtracted first, as a constant.
template <ArrayLike X>
auto softmax(const X& x) {
  using B = BackendOf<X>;
  Shape s = shape(x);
  require(s.rank() > 0 && s.back() > 0, "softmax: shape ", s, " has no entries along its last axis");
  s[s.rank() - 1] = 1;
  auto largest = make_tensor<B>(s);
  B::row_max(largest, primal(x));
  const auto e = exp(x - largest);
  return e / sum_last(e);
}

/// Logarithm of softmax over the last axis.
template <ArrayLike X>
auto log_softmax(const X& x) {
  using B = BackendOf<X>;
  Shape s = shape(x);
  require(s.rank() > 0 && s.back() > 0, "log_softmax: shape ", s, " has no entries along its last axis");
  s[s.rank() - 1] = 1;
  auto largest = make_tensor<B>(s);
  B::row_max(largest, primal(x));
  const auto shifted = x - largest;
  return shifted - log(sum_last(exp(shifted)));
}

}  // namespace moesaic
