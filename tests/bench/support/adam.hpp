// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ops/ops.hpp>

namespace bench {

using namespace moesaic;

namespace functor {
struct Decayed {
  double keep;
  template <class S>
  S operator()(const S& mean, const S& x) const { return mean * constant<S>(keep) + x * constant<S>(1 - keep); }
};
struct DecayedSquare {
  double keep;
  template <class S>
  S operator()(const S& mean, const S& x) const { return mean * constant<S>(keep) + x * x * constant<S>(1 - keep); }
};
struct AdamMove {
  double rate, second_correction, epsilon;
  template <class S>
  S operator()(const S& p, const S& m, const S& v) const {
    using std::sqrt;
    return p - constant<S>(rate) * m / (sqrt(v) * constant<S>(second_correction) + constant<S>(epsilon));
  }
};
}  // namespace functor

/// Adam (Kingma, Ba 2015) with rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8.
template <class B>
class Adam {
 public:
  Adam() = default;
  explicit Adam(const Shape& shape) : first_(shape), second_(shape) {}

  void step(const Tensor<B>& parameters, const Tensor<B>& gradient) {
    ++count_;
    B::map(first_, functor::Decayed{0.9}, first_.tensor(), gradient);
    B::map(second_, functor::DecayedSquare{0.999}, second_.tensor(), gradient);
    const functor::AdamMove move{1e-3 / (1 - std::pow(0.9, count_)), 1 / std::sqrt(1 - std::pow(0.999, count_)), 1e-8};
    B::map(parameters, move, parameters, first_.tensor(), second_.tensor());
  }

 private:
  Array<B> first_, second_;
  int count_ = 0;
};

}  // namespace bench
