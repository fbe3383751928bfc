// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/codomain.hpp>
#include <moesaic/gate/top_k.hpp>
#include <moesaic/ops/distance.hpp>

namespace moesaic::gate {

/// How far an embedding `e` lies from a prototype `p`.
enum class Distance {
  euclidean,  ///< `|e - p|`
  squared,    ///< `|e - p|^2`
  cosine,     ///< `1 - cos(e, p)`
};

/// Metric-learning gate: every expert has a prototype in the space of an embedding network, and
/// `weights = softmax(-distance(embedding, prototypes) / temperature)`, over all experts or over the `top_k` nearest.
///
/// (Snell, Swersky, Zemel: Prototypical networks for few-shot learning, NeurIPS 2017.) With `noise`, distances are perturbed as
/// logits are by `gate::Softmax`.
template <class Activation = activation::Relu>
struct Metric {
  Widths embedding{};  ///< of the embedding network's layers, its inputs not among them; none: features are embeddings
  Distance distance = Distance::euclidean;
  int top_k = 0;  ///< 0: all
  bool renormalise = true;  ///< whether the weights of the `top_k` sum to 1; without it, they keep the values of the full softmax
  double temperature = 1;
  bool learn_temperature = false;  ///< a parameter, its logarithm, that starts at `temperature`
  bool noise = false;

  using codomain = codomain::Simplex;

  bool dense(Index experts) const { return top_k == 0 || top_k == experts; }  ///< whether every expert gets every sample
  void layout(Layout& l, Index features, Index experts) const {
    detail::require_softmax("gate::Metric", top_k, temperature, experts);
    const auto net = network(features);
    if (embeds()) l.add_module("embedding", net);
    const double xavier = std::sqrt(6 / double(experts + net.widths.out()));
    l.add("prototypes", {experts, net.widths.out()}, init::uniform(-xavier, xavier));
    if (noise) l.add("noise_weight", {features, experts}, init::constant(0));
    if (learn_temperature) l.add("log_temperature", {1}, init::constant(std::log(temperature)));
  }

  /// `z [N, features] -> weights [N, experts]`; `random` null when predicting.
  template <class X>
  MetricOutput<X> operator()(Slots<X>& slots, const X& z, Index experts, const Random* random) const {
    const Index features = shape(z)[1];
    const auto net = network(features);
    const X e = embeds() ? net.bind(slots)(z) : z, p = slots.take({experts, net.widths.out()});
    X logits = scale(far(e, p), -1);
    if (noise) {
      const X spread = matmul(z, slots.take({features, experts}));
      if (random) logits = detail::perturbed(logits, spread, *random);
    }
    if (learn_temperature)
      logits = logits * exp(-slots.take({1}));
    else if (temperature != 1)
      logits = scale(logits, 1 / temperature);
    return {{detail::top_k_softmax(logits, top_k, renormalise), logits}, e, p};
  }

 private:
  bool embeds() const { return embedding.layers() >= 0; }
  Mlp<Activation> network(Index features) const {
    Widths all{features};
    for (int i = 0; i <= embedding.layers(); ++i) all.push_back(embedding[i]);
    return {all};
  }
  template <class X>
  X far(const X& e, const X& p) const {
    if (distance == Distance::cosine) return scale(cosines(e, p), -1) + 1.0;
    return distance == Distance::squared ? squared_distances(e, p) : distances(e, p);
  }
};

}  // namespace moesaic::gate
