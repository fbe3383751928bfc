// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/shplrnn.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

#include "battery.hpp"

namespace shplrnn_test {

using namespace battery;

/// One context coordinate of value 1: the parameters are the weights themselves.
HierarchicalShPlrnn plain(Shown shown) {
  return {.dimension = 2, .hidden = 3, .features = 1, .least_alpha = 0, .shown = shown};
}

/// alpha = 0, A = I, W1 = 0, h1 = 0; W2 and h2 do not matter then.
Array<B> identity_weights() {
  std::vector<double> p{0, 1, 0, 0, 1};            // shift, A
  p.insert(p.end(), 3 * 2, 0.0);                   // W1
  p.insert(p.end(), {1, 2, 3, 4, 5, 6});           // W2
  p.insert(p.end(), {0, 0, 7, 8, 9, 0});           // h1, h2, alpha
  return Array<B>({Index(p.size())}, p);
}

const auto one = Array<B>({1, 1}, std::vector{1.0});

TEST_CASE("a hierarchical shPLRNN passes the gradient checker") {
  for (Shown shown : {Shown::before, Shown::present}) {
    const HierarchicalShPlrnn expert{.dimension = 2, .hidden = 4, .features = 3, .least_alpha = 0.1, .shown = shown};
    const Index size = layout_of(expert).size();
    const auto series = numbers({2, 4, 2}, 1);
    check(shown == Shown::before ? "shown the state before" : "shown the present state", [&]<class X>(Slots<X>& parts) {
      const X p = parts.take({size});
      return expert(p, parts.take({2, 3}), TensorOf<X>(series));
    }, {parameters_of(expert), numbers({2, 3}, 2)});
  }
}

TEST_CASE("with alpha = 0, A = I, W1 = 0, h1 = 0 it repeats what it is shown: its target, or the state before (persistence)") {
  const auto series = numbers({1, 5, 2}, 1);
  const auto shown = to_host(series.tensor());
  const auto encoded = to_host(plain(Shown::present)(identity_weights().tensor(), one.tensor(), series.tensor()));
  CHECK(encoded == shown);
  const auto forecast = to_host(plain(Shown::before)(identity_weights().tensor(), one.tensor(), series.tensor()));
  for (std::size_t t = 0; t < 5; ++t)
    for (std::size_t i = 0; i < 2; ++i) CHECK(forecast[t * 2 + i] == shown[(t == 0 ? 0 : t - 1) * 2 + i]);
}

TEST_CASE("its recurrence is the published one") {
  const HierarchicalShPlrnn expert{.dimension = 1, .hidden = 2, .features = 1, .least_alpha = 0, .shown = Shown::present};
  // shift, A, W1 (two), W2 (two), h1, h2 (two), alpha
  const Array<B> p({10}, std::vector{0.0, 0.5, 2.0, -1.0, 1.0, -3.0, 0.25, 0.1, 0.2, 0.25});
  const Array<B> series({1, 3, 1}, std::vector{1.0, -2.0, 0.5});
  double z = 0;
  std::vector<double> expected;
  for (double x : {1.0, -2.0, 0.5}) {
    const double u = 0.25 * z + 0.75 * x;
    z = 0.5 * u + 2 * std::max(u + 0.1, 0.0) - std::max(-3 * u + 0.2, 0.0) + 0.25;
    expected.push_back(z);
  }
  const auto y = to_host(expert(p.tensor(), one.tensor(), series.tensor()));
  for (std::size_t t = 0; t < 3; ++t) CHECK(y[t] == doctest::Approx(expected[t]).epsilon(1e-14));
}

TEST_CASE("alpha has a floor; above it the states that are shown later count for nothing at alpha = 1") {
  auto expert = plain(Shown::before);
  expert.least_alpha = 1;
  const auto a = numbers({1, 4, 2}, 1);
  auto later = to_host(a.tensor());
  for (std::size_t i = 2; i < 8; ++i) later[i] += 1;  // all but the first state
  const Array<B> b(a.shape(), later);
  CHECK(to_host(expert(identity_weights().tensor(), one.tensor(), a.tensor())) ==
        to_host(expert(identity_weights().tensor(), one.tensor(), b.tensor())));
}

TEST_CASE("its parameters are one linear map of the context without bias, and the shift") {
  const HierarchicalShPlrnn expert{.dimension = 1, .hidden = 32, .features = 10};
  CHECK(layout_of(expert).size() == 1 + 10 * (1 + 32 + 32 + 1 + 32 + 1));
}

TEST_CASE("it composes as a contextual expert, with a part of the context for each") {
  const auto bank = experts<3>(HierarchicalShPlrnn{.features = 4});
  const auto model = mixture(bank, gate::KMeansLeastSquares{}, flow::Identity{}, loss::mse);
  CHECK(model.features() == 12);
  CHECK(layout_of(model).size() == model.gate_offset() + (12 + 1) * 3);
}

TEST_CASE("series and contexts that do not fit are refused by name") {
  const auto expert = plain(Shown::before);
  const auto p = identity_weights();
  const auto call = [&](const Shape& series) { expert(p.tensor(), one.tensor(), numbers(series, 1).tensor()); };
  CHECK_THROWS_WITH_AS(call({1, 5}), "HierarchicalShPlrnn: series of shape [1, 5]; expected [environments, times, 2]", Error);
  CHECK_THROWS_WITH_AS(call({2, 5, 2}), "HierarchicalShPlrnn: contexts of shape [1, 1]; expected [2, 1]", Error);
  CHECK_THROWS_AS(call({1, 0, 2}), Error);
  auto wrong = expert;
  wrong.least_alpha = 2;
  CHECK_THROWS_AS(layout_of(wrong), Error);
}

}  // namespace shplrnn_test
