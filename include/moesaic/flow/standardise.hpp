// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include <moesaic/flow/identity.hpp>

namespace moesaic::flow {

/// `z = (x - mean) / exp(log_scale)` per feature, `x [N, features]`; starts as the identity, see `standardisation_of`.
struct Standardise {
  static constexpr bool trivial = false;
  Index features = 1;

  void layout(Layout& l) const {
    l.add("mean", {features}, init::constant(0));
    l.add("log_scale", {features}, init::constant(0));
  }
  template <class X>
  Image<X> forward(Slots<X>& slots, const X& x) const {
    const X mean = slots.take({features}), log_scale = slots.take({features});
    const X z = (x - mean) * exp(-log_scale);
    return {z, broadcast_to(scale(sum(log_scale), -1.0), {shape(x)[0]})};
  }
  template <class X>
  X inverse(Slots<X>& slots, const X& z) const {
    const X mean = slots.take({features}), log_scale = slots.take({features});
    return z * exp(log_scale) + mean;
  }
};

/// Parameters of `Standardise` that give the rows of `data [N, features]` mean 0 and variance 1; a constant feature keeps its scale.
template <class B>
Array<B> standardisation_of(const Tensor<B>& data) {
  require(data.shape().rank() == 2 && data.shape()[0] > 0, "standardisation_of: data of shape ", data.shape(),
          "; expected [samples, features] with one sample at least");
  const auto n = std::size_t(data.shape()[0]), d = std::size_t(data.shape()[1]);
  const auto x = to_host(data);
  std::vector<typename B::Scalar> p(2 * d);
  for (std::size_t j = 0; j < d; ++j) {
    const double first = double(x[j]);  // from which a constant feature differs by nothing, whatever the rounding
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i) mean += (double(x[i * d + j]) - first) / double(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double off = double(x[i * d + j]) - first - mean;
      square += off * off / double(n);
    }
    mean += first;
    require(std::isfinite(square), "standardisation_of: feature ", j, " has a number that is not finite");
    p[j] = typename B::Scalar(mean);
    p[d + j] = typename B::Scalar(square > 0 ? 0.5 * std::log(square) : 0.0);
  }
  return Array<B>({Index(2 * d)}, p);
}

}  // namespace moesaic::flow
