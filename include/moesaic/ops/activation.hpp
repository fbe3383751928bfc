// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <numbers>

#include <moesaic/ops/arithmetic.hpp>

namespace moesaic {

namespace functor {

namespace detail {
/// `1 / (1 + exp(-x))`. Of a jet it is a function with a slope of its own, so that derivatives of any order are finite everywhere.
template <class S>
constexpr S logistic(const S& x) {
  if constexpr (is_jet<S>) {
    const auto y = logistic(x.value);
    return {y, (y - y * y) * x.slope};
  } else {
    using std::exp;
    return constant<S>(1) / (1 + exp(S(-x)));  // an infinity in the denominator is a value like others
  }
}
/// `factor / (1 + exp(-x))`.
template <class S>
constexpr S times_logistic(const S& factor, const S& x) {
  if constexpr (is_jet<S>) {
    return factor * logistic(x);
  } else {
    using std::exp;
    return factor / (1 + exp(S(-x)));
  }
}
/// `log(1 + x)` for `0 <= x <= 1`, to the last bits also where x is small.
template <class S>
constexpr S log_of_one_plus(const S& x) {
  if constexpr (xsimd::is_batch<S>::value) {  // 2 artanh(t): with t <= 1/3 its series is shorter than xsimd's logarithm
    constexpr int terms = sizeof(typename S::value_type) == 4 ? 7 : 16;
    const S t = x / (x + constant<S>(2)), square = t * t;
    S sum = constant<S>(2.0 / (2 * terms - 1));
    for (int k = terms - 1; k-- > 0;) sum = xsimd::fma(sum, square, constant<S>(2.0 / (2 * k + 1)));
    return t * sum;
  } else {
    using std::log1p;
    return log1p(x);
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
  constexpr S operator()(const S& x) const { return detail::times_logistic(x, x); }
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
    if constexpr (is_jet<S>) {
      return {(*this)(x.value), detail::logistic(x.value) * x.slope};
    } else {
      using std::exp;
      const auto positive = x > constant<S>(0);
      return select(positive, x, constant<S>(0)) + detail::log_of_one_plus(S(exp(select(positive, S(-x), x))));
    }
  }
};
/// Gaussian error linear unit in its tanh form (Hendrycks, Gimpel 2016), as `x * sigmoid(2 c (x + 0.044715 x^3))`.
struct Gelu {
  template <class S>
  constexpr S operator()(const S& x) const {
    const double c = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
    return detail::times_logistic(x, S(constant<S>(c) * (x + constant<S>(0.044715) * x * x * x)));
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
