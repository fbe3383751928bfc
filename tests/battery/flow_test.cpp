// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <Eigen/LU>

#include <moesaic/flow/standardise.hpp>

#include "battery.hpp"

using namespace battery;

namespace {

template <class Flow>
void check_flow(const std::string& name, const Flow& flow, Index features) {
  INFO(name);
  const auto p = parameters_of(flow);
  const auto x = numbers({4, features}, 1, 2, 1);
  check(name + ", forward", [&]<class X>(Slots<X>& parts) {
    const X own = parts.take(p.shape());
    Slots<X> slots(own);
    const auto image = flow.forward(slots, parts.take(x.shape()));
    return present(image.log_det) ? concat(image.z, reshape(image.log_det, {4, 1}), 1) : image.z;
  }, {p, x});
  check(name + ", inverse", [&]<class X>(Slots<X>& parts) {
    const X own = parts.take(p.shape());
    Slots<X> slots(own);
    return flow.inverse(slots, parts.take(x.shape()));
  }, {p, x});

  Slots<Tensor<B>> there(p.tensor()), back(p.tensor());
  const auto image = flow.forward(there, x.tensor());
  const auto again = to_host(flow.inverse(back, image.z)), original = to_host(x.tensor());
  for (std::size_t i = 0; i < original.size(); ++i) CHECK(again[i] == doctest::Approx(original[i]).epsilon(1e-13));

  // log |det dz/dx| of each sample against central differences
  for (Index sample = 0; sample < 4; ++sample) {
    Eigen::MatrixXd jacobian(features, features);
    const double h = 1e-6;
    const auto moved = [&](Index j, double by) {
      auto at = original;
      at[std::size_t(sample * features + j)] += by;
      Slots<Tensor<B>> slots(p.tensor());
      return to_host(flow.forward(slots, Array<B>(x.shape(), at).tensor()).z);
    };
    for (Index j = 0; j < features; ++j) {
      const auto high = moved(j, h), low = moved(j, -h);
      for (Index i = 0; i < features; ++i) {
        const auto at = std::size_t(sample * features + i);
        jacobian(i, j) = (high[at] - low[at]) / (2 * h);
      }
    }
    const double reported = image.log_det ? to_host(image.log_det)[std::size_t(sample)] : 0;
    CHECK(reported == doctest::Approx(std::log(std::abs(jacobian.determinant()))).epsilon(1e-7));
  }
}

}  // namespace

TEST_CASE("every flow passes the gradient checker, is undone by its inverse and knows its determinant") {
  check_flow("identity", flow::Identity{}, 3);
  check_flow("standardise", flow::Standardise{3}, 3);
}

TEST_CASE("standardisation_of gives every feature mean 0 and variance 1, and keeps the scale of a constant one") {
  auto drawn = to_host(numbers({50, 3}, 1, 3, -2).tensor());
  for (std::size_t i = 0; i < 50; ++i) drawn[i * 3 + 2] = 7;
  const Array<B> x({50, 3}, drawn);
  const auto p = flow::standardisation_of(x.tensor());
  Slots<Tensor<B>> slots(p.tensor());
  const auto z = to_host(flow::Standardise{3}.forward(slots, x.tensor()).z);
  for (std::size_t j = 0; j < 3; ++j) {
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < 50; ++i) mean += z[i * 3 + j] / 50, square += z[i * 3 + j] * z[i * 3 + j] / 50;
    CHECK(mean == doctest::Approx(0).epsilon(1e-12));
    CHECK(square == doctest::Approx(j < 2 ? 1 : 0).epsilon(1e-12));
  }
}
