// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>

#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/gate/softmax.hpp>

#include "battery.hpp"

namespace gate_test {

using namespace battery;

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
    if constexpr (requires { out.embedding; }) return concat(concat(out.weights, out.logits, 1), out.embedding, 1);
    return present(out.weights) ? concat(out.weights, out.logits, 1) : out.logits;
  }, {p, numbers({samples, features}, 4)});
}

template <class Gate>
std::vector<double> weights(const Gate& g, const Random* random = nullptr) {
  const auto p = parameters_of_gate(g);
  Slots<Tensor<B>> slots(p.tensor());
  return to_host(g(slots, numbers({samples, features}, 4).tensor(), experts, random).weights);
}

using Metric = gate::Metric<>;
using enum gate::Distance;

/// Weights for given features `z [N, E]`, which are the embeddings, and prototypes `[K, E]`.
std::vector<double> metric_weights(const Metric& g, const std::vector<double>& z, const std::vector<double>& prototypes, Index size) {
  const Array<B> p({Index(prototypes.size())}, prototypes), at({Index(z.size()) / size, size}, z);
  Slots<Tensor<B>> slots(p.tensor());
  return to_host(g(slots, at.tensor(), Index(prototypes.size()) / size, nullptr).weights);
}
void equals(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) <= tolerance);
}

template <class Gate>
void check_simplex(const Gate& dense) {
  const auto full = weights(dense);
  for (int k : {0, 1, 2, 3})
    for (bool renormalise : {true, false}) {
      Gate g = dense;
      g.top_k = k;
      g.renormalise = renormalise;
      const auto w = weights(g);
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
template <class Gate>
void check_noise() {
  const Gate noisy{.noise = true};
  const Random a(6), b(7);
  CHECK(weights(noisy) == weights(noisy));
  CHECK(weights(noisy, &a) == weights(noisy, &a));
  CHECK(weights(noisy, &a) != weights(noisy, &b));
  CHECK(weights(noisy, &a) != weights(noisy));
}

TEST_CASE("every gate passes the gradient checker") {
  const Random random(6);
  check_gate("softmax", gate::Softmax{});
  check_gate("softmax, temperature 0.5", gate::Softmax{.temperature = 0.5});
  check_gate("softmax, top 2", gate::Softmax{.top_k = 2});
  check_gate("softmax, top 2, not renormalised", gate::Softmax{.top_k = 2, .renormalise = false});
  check_gate("softmax, top 2, noise", gate::Softmax{.top_k = 2, .noise = true}, &random);
  check_gate("metric", Metric{});
  check_gate("metric, squared", Metric{.distance = squared, .temperature = 2});
  check_gate("metric, cosine", Metric{.distance = cosine});
  check_gate("metric, embedding", gate::Metric<activation::Tanh>{.embedding = {5, 2}});
  check_gate("metric, ReLU embedding, top 2", Metric{.embedding = {6}, .top_k = 2});
  check_gate("metric, learnable temperature", Metric{.temperature = 0.5, .learn_temperature = true});
  check_gate("metric, top 2, not renormalised, noise", Metric{.top_k = 2, .renormalise = false, .noise = true}, &random);
  check_gate("k-means and least squares", gate::KMeansLeastSquares{});
}

TEST_CASE("a softmax gate's weights lie on the simplex, and top k leaves k of them") {
  check_simplex(gate::Softmax{});
  for (auto distance : {euclidean, squared, cosine}) check_simplex(Metric{.embedding = {4}, .distance = distance});
}

TEST_CASE("a noisy gate is quiet when it predicts, and repeats itself for equal random numbers") {
  check_noise<gate::Softmax>();
  check_noise<Metric>();
}

TEST_CASE("a metric gate has its worked values") {
  const std::vector<double> z{0, 0}, prototypes{3, 4, 1, 0, 0, 2};  // at distances 5, 1, 2
  const auto are = [&](const Metric& g, const std::vector<double>& expected) {
    equals(metric_weights(g, z, prototypes, 2), expected, 5e-10);
  };
  are({}, {.013212887, .721399184, .265387929});
  are({.temperature = .1}, {0, .999954602, .000045398});
  are({.temperature = 10}, {.260302547, .388325768, .351371685});
  are({.distance = squared}, {0, .952574127, .047425873});
  are({.top_k = 1}, {0, 1, 0});
  are({.top_k = 2, .renormalise = false}, {0, .721399184, .265387929});
  const double e = std::exp(-1), f = std::exp(-0.2);  // cosines 0.6, 1, 0 with (1, 0); logits 0.4, 0, 1 below 0
  equals(metric_weights({.distance = cosine, .temperature = 2}, {7, 0}, prototypes, 2),
         {f / (f + 1 + std::sqrt(e)), 1 / (f + 1 + std::sqrt(e)), std::sqrt(e) / (f + 1 + std::sqrt(e))}, 1e-11);
}

TEST_CASE("a metric gate moves with the origin, reorders with its experts, and its temperature goes from the nearest to all alike") {
  const std::vector<double> z{0.3, -0.2, 1.5, 0.4}, p{1, 0, -2, 0.5, 0.2, 0.1};
  const auto w = metric_weights({}, z, p, 2);
  auto shifted = std::pair(z, p);
  for (auto* v : {&shifted.first, &shifted.second})
    for (double& x : *v) x += 3;
  equals(metric_weights({}, shifted.first, shifted.second, 2), w, 1e-14);
  equals(metric_weights({}, z, {0.2, 0.1, 1, 0, -2, 0.5}, 2), {w[2], w[0], w[1], w[5], w[3], w[4]}, 1e-15);
  equals(metric_weights({.temperature = 1e-3}, z, p, 2), {0, 0, 1, 1, 0, 0}, 1e-15);
  equals(metric_weights({.temperature = 1e6}, z, p, 2), std::vector(6, 1 / 3.), 1e-6);
}

TEST_CASE("a metric gate's derivatives are finite where a sample lies on its prototype, or both at the origin") {
  const Array<B> at({8}, std::vector<double>{1, 2, 1, 2, 0, 0, 0, 0}), direction = numbers({8}, 1);  // z [2, 2], prototypes [2, 2]
  for (auto distance : {euclidean, squared, cosine}) {
    const auto f = [&]<class X>(const X& flat) {
      const X z = reshape(concat(slice(flat, 0, 0, 2), slice(flat, 0, 4, 2), 0), {2, 2});
      Slots<X> prototypes(concat(slice(flat, 0, 2, 2), slice(flat, 0, 6, 2), 0));
      return sum(square(Metric{.distance = distance}(prototypes, z, 2, nullptr).weights));
    };
    for (double g : to_host(grad(f, at.tensor()))) CHECK(std::isfinite(g));
    for (double h : to_host(hvp(f, at.tensor(), direction.tensor()))) CHECK(std::isfinite(h));
  }
}

TEST_CASE("a metric gate's parameters have their names and shapes") {
  const auto names = [](const auto& g) {
    std::string out;
    const Layout layout = layout_of_gate(g);
    for (const auto& e : layout.entries()) {
      out += e.name;
      for (int a = 0; a < e.shape.rank(); ++a) out += " " + std::to_string(e.shape[a]);
      out += "; ";
    }
    return out;
  };
  CHECK(names(Metric{}) == "prototypes 4 3; ");
  CHECK(names(Metric{.embedding = {6, 2}, .learn_temperature = true, .noise = true}) ==
        "embedding.weight1 3 6; embedding.bias1 6; embedding.weight2 6 2; embedding.bias2 2; prototypes 4 2; noise_weight 3 4; "
        "log_temperature 1; ");
  auto fixed = Metric{.temperature = 0.5}, learnt = fixed;
  learnt.learn_temperature = true;
  std::vector<double> p(12, 0.3);
  p[5] = 1, p[7] = -1;
  const auto expected = metric_weights(fixed, {1, 2, 3}, p, 3);
  p.push_back(std::log(0.5));
  const Array<B> own({13}, p), z({1, 3}, std::vector<double>{1, 2, 3});
  Slots<Tensor<B>> slots(own.tensor());
  equals(to_host(learnt(slots, z.tensor(), 4, nullptr).weights), expected, 1e-15);
}

TEST_CASE("a metric gate of the published M2-MOEP has the 99200 parameters of its embedding and prototypes, and a temperature") {
  Layout l;
  Metric{.embedding = {256, 128}, .learn_temperature = true}.layout(l, 256, 4);
  CHECK(l.size() == 198'404 - 99'204 + 1);  // the reference counts a second network, which it never calls
}

TEST_CASE("gates that make no sense are refused by name") {
  Layout l;
  CHECK_THROWS_WITH_AS(gate::Softmax{.top_k = 5}.layout(l, features, experts),
                       "gate::Softmax: top_k is 5; expected 0 to the number of experts, 4", Error);
  CHECK_THROWS_AS(gate::Softmax{.temperature = 0}.layout(l, features, experts), Error);
  CHECK_THROWS_WITH_AS(Metric{.temperature = -1}.layout(l, features, experts),
                       "gate::Metric: the temperature is -1; expected a positive number", Error);
  CHECK_THROWS_AS(Metric{.top_k = -1}.layout(l, features, experts), Error);
  CHECK_THROWS_AS(gate::KMeansLeastSquares{.refit_every = 0}.layout(l, features, experts), Error);
}

}  // namespace gate_test
