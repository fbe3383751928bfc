// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/gate/softmax.hpp>

#include "battery.hpp"

using namespace battery;

namespace {

constexpr Index samples = 5, features = 3, experts = 4;

template <class Gate>
Layout layout_of_gate(const Gate& g) {
  Layout l;
  g.layout(l, features, experts);
  return l;
}
template <class Gate>
Array<B> parameters_of_gate(const Gate& g) {
  const auto p = initial_parameters<B>(layout_of_gate(g), Random(3));
  return Array<B>(p.tensor() + numbers(p.shape(), 9, 0.3).tensor());
}

/// Weights (where the gate has any) and logits, with respect to parameters and features.
template <class Gate>
void check_gate(const std::string& name, const Gate& g, const Random* random = nullptr) {
  const auto p = parameters_of_gate(g);
  check(name, [&]<class X>(Slots<X>& parts) {
    const X own = parts.take(p.shape());
    Slots<X> slots(own);
    const auto out = g(slots, parts.take({samples, features}), experts, random);
    return present(out.weights) ? concat(out.weights, out.logits, 1) : out.logits;
  }, {p, numbers({samples, features}, 4)});
}

std::vector<double> weights(const gate::Softmax& g, const Random* random = nullptr) {
  const auto p = parameters_of_gate(g);
  Slots<Tensor<B>> slots(p.tensor());
  return to_host(g(slots, numbers({samples, features}, 4).tensor(), experts, random).weights);
}

}  // namespace

TEST_CASE("every gate passes the gradient checker") {
  const Random random(6);
  check_gate("softmax", gate::Softmax{});
  check_gate("softmax, temperature 0.5", gate::Softmax{.temperature = 0.5});
  check_gate("softmax, top 2", gate::Softmax{.top_k = 2});
  check_gate("softmax, top 2, not renormalised", gate::Softmax{.top_k = 2, .renormalise = false});
  check_gate("softmax, top 2, noise", gate::Softmax{.top_k = 2, .noise = true}, &random);
  check_gate("k-means and least squares", gate::KMeansLeastSquares{});
}

TEST_CASE("a softmax gate's weights lie on the simplex, and top k leaves k of them") {
  for (int k : {0, 1, 2, 3})
    for (bool renormalise : {true, false}) {
      const auto w = weights({.top_k = k, .renormalise = renormalise}), full = weights({});
      for (std::size_t i = 0; i < samples; ++i) {
        double sum = 0, kept = 0;
        int positive = 0;
        for (std::size_t j = i * experts; j < (i + 1) * experts; ++j) {
          CHECK(w[j] >= 0);
          sum += w[j];
          if (w[j] > 0) {
            ++positive;
            kept += full[j];
          }
        }
        CHECK(positive == (k == 0 ? experts : k));
        CHECK(sum == doctest::Approx(renormalise ? 1 : kept).epsilon(1e-14));
      }
    }
}

TEST_CASE("a noisy gate is quiet when it predicts, and repeats itself for equal random numbers") {
  const gate::Softmax noisy{.noise = true};
  const Random a(6), b(7);
  CHECK(weights(noisy) == weights(noisy));
  CHECK(weights(noisy, &a) == weights(noisy, &a));
  CHECK(weights(noisy, &a) != weights(noisy, &b));
  CHECK(weights(noisy, &a) != weights(noisy));
}

TEST_CASE("gates that make no sense are refused by name") {
  Layout l;
  CHECK_THROWS_WITH_AS(gate::Softmax{.top_k = 5}.layout(l, features, experts),
                       "gate::Softmax: top_k is 5; expected 0 to the number of experts, 4", Error);
  CHECK_THROWS_AS(gate::Softmax{.temperature = 0}.layout(l, features, experts), Error);
  CHECK_THROWS_AS(gate::KMeansLeastSquares{.refit_every = 0}.layout(l, features, experts), Error);
}
