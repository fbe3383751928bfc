// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/context_flow.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

#include "../battery/battery.hpp"

namespace field_test {

using namespace battery;

// docs: field
/// dx/dt = -c x: the context c is the rate of decay of its environment.
struct Decay {
  Index state = 2, context = 1;

  void layout(Layout&) const {}
  /// `context_rows [E, 1, context]`; the field of `x [E, n, state]`.
  template <class X>
  auto bind(Slots<X>&, const X& context_rows, Index) const {
    return [rate = context_rows](double, const X& x) { return -(rate * x); };
  }
};
// docs: end

TEST_CASE("a user's own vector field is a contextual expert") {
  const ContextFlow<Decay> expert{.field = {}, .solver = {.substeps = 20}};
  const auto loss = loss::mse + 1e-3 * loss::context_l1;
  const auto model = mixture(experts<2>(expert), gate::KMeansLeastSquares{}, flow::Identity{}, loss);
  CHECK(model.features() == 2);  // every expert has its own part of the context
  const Array<B> rates({2, 1}, std::vector{0.5, 2.0}), one({2, 1, 1}, std::vector{1.0, 1.0});
  const Array<B> start({2, 1, 2}, std::vector{1.0, 2.0, 1.0, 2.0}), shift({1}, std::vector{0.0});
  const double times[] = {0, 1};
  Situation<Tensor<B>> s;
  s.context = rates;
  s.initial = start;
  s.rate = one;
  s.times = times;
  const auto end = to_host(slice(expert(shift.tensor(), s), 0, 1, 1));
  const double expected[] = {std::exp(-0.5), 2 * std::exp(-0.5), std::exp(-2.), 2 * std::exp(-2.)};
  for (std::size_t i = 0; i < 4; ++i) CHECK(end[i] == doctest::Approx(expected[i]).epsilon(1e-6));
}

}  // namespace field_test
