// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <limits>

#include <moesaic/ops/arithmetic.hpp>

namespace moesaic {

namespace functor {
struct Clamp {
  double bound;
  template <class S>
  constexpr S operator()(const S& x) const {
    const S high = constant<S>(bound), low = constant<S>(-bound);
    return select(x > high, high, select(x < low, low, x));
  }
};
}  // namespace functor

namespace detail {
/// Sum of the entries of `x`, which a temporary of the current workspace holds.
template <class B>
double total(const Tensor<B>& x) {
  const auto sum = make_tensor<B>(Shape{});
  B::sum_to(sum, x);
  typename B::Scalar host;
  B::to_host(&host, sum);
  return double(host);
}
}  // namespace detail

/// `|x|^2`. Not finite where an entry is not, or where it leaves the range of the backend's numbers.
template <class B>
double squared_norm(const Tensor<B>& x) {
  Scratch<typename B::Memory> scratch;
  return detail::total(rule::map(functor::Square{}, x));
}

/// `|a - b|^2`.
template <class B>
double squared_distance(const Tensor<B>& a, const Tensor<B>& b) {
  Scratch<typename B::Memory> scratch;
  return detail::total(rule::map(functor::SquaredDifference{}, a, b));
}

/// `|x|`, also where its square leaves the range of the backend's numbers.
template <class B>
double norm(const Tensor<B>& x) {
  double square = squared_norm(x);
  if (std::isfinite(square)) return std::sqrt(square);
  square = 0;
  for (const auto entry : to_host(x)) square += double(entry) * double(entry);
  return std::sqrt(square);
}

/// Bounds on a player's gradient, infinite where there is none.
struct Clip {
  double value = std::numeric_limits<double>::infinity();  ///< entries are clamped to +-value
  double norm = std::numeric_limits<double>::infinity();   ///< then the whole is shortened to this length (Pascanu et al. 2013)
};

inline void require_bounds(const Clip& bounds) {
  require(bounds.value > 0 && bounds.norm > 0, "clip: the bounds are value ", bounds.value, " and norm ", bounds.norm,
          "; expected positive numbers");
}

/// Clips `gradient` in place; `norm_squared` is its squared norm if that is known and finite.
template <class B>
void clip(const Tensor<B>& gradient, const Clip& bounds, double norm_squared = std::numeric_limits<double>::infinity()) {
  require_bounds(bounds);
  if (std::isfinite(bounds.value)) {
    B::map(gradient, functor::Clamp{bounds.value}, gradient);
    norm_squared = std::numeric_limits<double>::infinity();
  }
  if (!std::isfinite(bounds.norm)) return;
  const double length = std::isfinite(norm_squared) ? std::sqrt(norm_squared) : norm(gradient);
  if (length > bounds.norm) B::map(gradient, functor::Scale{bounds.norm / length}, gradient);
}

}  // namespace moesaic
