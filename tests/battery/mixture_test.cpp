// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/flow/standardise.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/gate/metric.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/balance.hpp>
#include <moesaic/loss/consistency.hpp>
#include <moesaic/loss/metric_learning.hpp>
#include <moesaic/loss/prototypes.hpp>
#include <moesaic/loss/reconstruction.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

#include "battery.hpp"

namespace mixture_test {

using namespace battery;

constexpr Index samples = 12, features = 3, outputs = 2, count = 4;

/// An Mlp that writes down how many samples it was given.
struct Counted : Mlp<> {
  std::vector<Index>* rows;
  template <class X>
  X operator()(const X& parameters, const X& x) const {
    rows->push_back(shape(x)[0]);
    return Mlp<>::operator()(parameters, x);
  }
};

const Mlp<> network{{features, 5, outputs}};
const auto x = numbers({samples, features}, 1);

template <class Gate>
auto counted_mixture(const Gate& gate, std::vector<Index>& rows) {
  return mixture(experts<count>(Counted{network, &rows}), gate, flow::Identity{}, loss::mse);
}
template <class Model>
Array<B> expert_output(const Model& model, const Array<B>& p, Index k) {
  return Array<B>(network(view(p.tensor(), k * model.expert_size, {model.expert_size}), x.tensor()));
}
Index total(const std::vector<Index>& rows) {
  Index n = 0;
  for (Index r : rows) n += r;
  return n;
}

/// An encoder to one number less and its decoder.
struct Bottleneck {
  void layout(Layout& l) const {
    l.add("encoder", {features, features - 1}, init::uniform(-1, 1));
    l.add("decoder", {features - 1, features}, init::uniform(-1, 1));
  }
  template <class X>
  flow::Image<X> forward(Slots<X>& slots, const X& at) const {
    const X code = matmul(at, slots.take({features, features - 1}));
    return {pad(code, 1, 0, features), X{}};
  }
  template <class X>
  X inverse(Slots<X>& slots, const X& z) const {
    slots.take({features, features - 1});
    return matmul(slice(z, 1, 0, features - 1), slots.take({features - 1, features}));
  }
};

/// A gate with prototypes, and every term that reads what it and the flow supply.
template <class Flow>
auto composite(int top_k, const Flow& flow) {
  // docs: composite
  const gate::Metric<> gate{.embedding = {8, 2}, .top_k = top_k, .learn_temperature = true};
  const auto prediction = loss::mse + 0.1 * loss::mae;
  const auto embedding = 0.1 * (loss::triplet() + 0.5 * loss::contrastive()) + 0.01 * loss::prototype_separation();
  const auto routing = 0.01 * loss::switch_balance + 0.01 * loss::consistency() + 1e-3 * loss::router_z;
  const auto model = mixture(experts<4>(Mlp<>{{3, 5, 2}}), gate, flow, prediction + loss::reconstruction + embedding + routing);
  // docs: end
  return model;
}

TEST_CASE("experts see only the samples that the gate gives them") {
  const auto is_given = [](const auto& gate) {
    std::vector<Index> rows;
    const auto model = counted_mixture(gate, rows);
    const auto p = model.template initial<B>(Random(3));
    model(p.tensor(), x.tensor());
    CHECK(total(rows) == samples * (gate.top_k == 0 ? count : gate.top_k));
    if (gate.top_k == 0) CHECK(rows == std::vector<Index>(count, samples));
  };
  for (int k : {1, 2, 3, 0}) {
    is_given(gate::Softmax{.top_k = k});
    is_given(gate::Metric<>{.embedding = {4}, .top_k = k});
  }
  std::vector<Index> rows;
  const auto model = counted_mixture(gate::KMeansLeastSquares{}, rows);
  const auto p = model.initial<B>(Random(3));
  model(p.tensor(), x.tensor());
  CHECK(total(rows) == samples);
}

TEST_CASE("the output is the sum of all experts by their weights") {
  for (int k : {0, 1, 2}) {
    std::vector<Index> rows;
    const auto model = counted_mixture(gate::Softmax{.top_k = k}, rows);
    const auto p = model.initial<B>(Random(3));
    const auto outcome = model(p.tensor(), x.tensor());
    const auto w = to_host(outcome.weights), y = to_host(outcome.prediction);
    std::vector<double> expected(samples * outputs, 0.0);
    for (Index e = 0; e < count; ++e) {
      const auto own = to_host(expert_output(model, p, e).tensor());
      for (Index i = 0; i < samples; ++i)
        for (Index j = 0; j < outputs; ++j)
          expected[std::size_t(i * outputs + j)] += w[std::size_t(i * count + e)] * own[std::size_t(i * outputs + j)];
    }
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(expected[i]).epsilon(1e-13));
  }
}

TEST_CASE("a one-hot gate runs the expert of the largest logit, unscaled") {
  std::vector<Index> rows;
  const auto model = counted_mixture(gate::KMeansLeastSquares{}, rows);
  const auto p = model.initial<B>(Random(3));
  const auto outcome = model(p.tensor(), x.tensor());
  const auto logits = to_host(outcome.logits), y = to_host(outcome.prediction);
  for (Index i = 0; i < samples; ++i) {
    const auto row = logits.begin() + i * count;
    const auto own = to_host(expert_output(model, p, std::max_element(row, row + count) - row).tensor());
    for (std::size_t j = std::size_t(i * outputs); j < std::size_t((i + 1) * outputs); ++j)
      CHECK(y[j] == doctest::Approx(own[j]).epsilon(1e-13));
  }
}

TEST_CASE("a mixture of one expert is that expert, bit for bit") {
  const auto is_expert = [](const auto& gate) {
    const auto model = mixture(experts<1>(network), gate, flow::Identity{}, loss::mse);
    const auto p = model.template initial<B>(Random(3));
    CHECK(to_host(model(p.tensor(), x.tensor()).prediction) == to_host(expert_output(model, p, 0).tensor()));
  };
  is_expert(gate::Softmax{});
  is_expert(gate::Softmax{.top_k = 1});
  is_expert(gate::Metric<>{});
  is_expert(gate::KMeansLeastSquares{});
}

TEST_CASE("a mixture of experts that are alike is one of them, whatever its weights") {
  auto bank = experts<count>(network);
  bank.same_start = true;
  for (int k : {0, 1, 3}) {
    const auto model = mixture(bank, gate::Softmax{.top_k = k}, flow::Identity{}, loss::mse);
    const auto p = model.initial<B>(Random(3));
    const auto outcome = model(p.tensor(), x.tensor());
    const auto weights = to_host(outcome.weights), y = to_host(outcome.prediction);
    const auto own = to_host(expert_output(model, p, 0).tensor());
    CHECK(weights != std::vector<double>(weights.size(), weights[0]));
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(own[i]).epsilon(1e-13));
  }
}

TEST_CASE("experts in another order, and the prototypes that choose them in the same, predict the same") {
  const std::vector<Index> order{2, 0, 3, 1};
  for (int k : {0, 2}) {
    const gate::Metric<> gate{.embedding = {4}, .top_k = k};
    const auto model = mixture(experts<count>(network), gate, flow::Identity{}, loss::mse);
    const auto p = model.initial<B>(Random(3));
    const Layout layout = layout_of(model);
    const auto before = to_host(p.tensor());
    auto after = before;
    const auto reorder = [&](Index first, Index each) {
      for (Index to = 0; to < count; ++to)
        std::copy_n(before.begin() + first + order[std::size_t(to)] * each, each, after.begin() + first + to * each);
    };
    reorder(0, model.expert_size);
    for (const auto& e : layout.entries())
      if (e.name == "gate.prototypes") reorder(e.offset, e.shape[1]);
    const auto whole = model(p.tensor(), x.tensor()), other = model(Array<B>(p.shape(), after).tensor(), x.tensor());
    const auto y = to_host(whole.prediction), z = to_host(other.prediction);
    const auto w = to_host(whole.weights), v = to_host(other.weights);
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(z[i] == doctest::Approx(y[i]).epsilon(1e-13));
    CHECK(v != w);
    for (std::size_t i = 0; i < w.size(); ++i)
      CHECK(v[i] == doctest::Approx(w[i / 4 * 4 + std::size_t(order[i % 4])]).epsilon(1e-13));
  }
}

TEST_CASE("experts start alike where that is asked for") {
  auto bank = experts<count>(network);
  bank.same_start = true;
  const auto model = mixture(bank, gate::Softmax{}, flow::Identity{}, loss::mse);
  const auto p = model.initial<B>(Random(3));
  for (Index k = 1; k < count; ++k)
    CHECK(to_host(expert_output(model, p, k).tensor()) == to_host(expert_output(model, p, 0).tensor()));
}

TEST_CASE("a whole mixture passes the gradient checker, its gate, flow and routing included") {
  const auto target = numbers({samples, outputs}, 2);
  for (int k : {0, 2}) {
    const auto model = mixture(experts<count>(network), gate::Softmax{.top_k = k}, flow::Standardise{features},
                               loss::mse + 1e-2 * loss::router_z);
    const Index size = layout_of(model).size();
    check("top_k " + std::to_string(k), [&]<class X>(Slots<X>& parts) {
      const X p = parts.take({size});
      const auto outcome = model(p, parts.take({samples, features}), target.tensor());
      return model.loss.evaluate(outcome, [](std::string_view, const X&) {});
    }, {parameters_of(model), x});
  }
}

TEST_CASE("a metric gate under a composite loss passes the gradient checker") {
  const auto target = numbers({samples, outputs}, 2);
  const auto is_right = [&](const std::string& name, const auto& model) {
    const Index size = layout_of(model).size();
    check(name, [&]<class X>(Slots<X>& parts) {
      const X p = parts.take({size});
      const auto outcome = model(p, parts.take({samples, features}), target.tensor());
      return model.loss.evaluate(outcome, [](std::string_view, const X&) {});
    }, {parameters_of(model), x});
  };
  is_right("dense", composite(0, flow::Standardise{features}));
  is_right("top 2, autoencoder", composite(2, Bottleneck{}));
}

TEST_CASE("learned weights of loss terms are parameters of the model, and pass the gradient checker") {
  const auto model = mixture(experts<count>(network), gate::Softmax{}, flow::Standardise{features},
                             loss::learned(loss::mse) + 0.5 * loss::learned(loss::mae) + 1e-2 * loss::router_z);
  const Layout layout = layout_of(model);
  CHECK(model.loss_offset() == layout.size() - 2);
  CHECK(layout.entries()[layout.entries().size() - 2].name == "loss.log_sigma.mse");
  CHECK(layout.entries().back().name == "loss.log_sigma.mae");
  const auto target = numbers({samples, outputs}, 2);
  CHECK_THROWS_WITH_AS(mixture(experts<count>(network), gate::Softmax{}, flow::Identity{}, loss::learned(loss::mse) + loss::learned(loss::mse)),
                       "mixture: the loss has log_sigma.mse twice", Error);
  check("learned weights", [&]<class X>(Slots<X>& parts) {
    const X p = parts.take({layout.size()});
    const auto outcome = model(p, parts.take({samples, features}), target.tensor());
    return model.loss.evaluate(outcome, [](std::string_view, const X&) {});
  }, {parameters_of(model), x});
}

TEST_CASE("a loss is told the best expert of those that were run, where it asks") {
  const auto target = numbers({samples, outputs}, 2);
  for (int k : {0, 1, 2}) {
    const auto model = composite(k, flow::Standardise{features});
    const auto p = model.initial<B>(Random(3));
    const auto outcome = model(p.tensor(), x.tensor(), target.tensor());
    const auto w = to_host(outcome.weights), y = to_host(target.tensor());
    std::vector<double> least(samples, std::numeric_limits<double>::infinity());
    std::vector<double> best(samples, -1);
    for (Index e = 0; e < count; ++e) {
      const auto own = to_host(expert_output(model, p, e).tensor());
      for (std::size_t i = 0; i < samples; ++i) {
        double error = 0;
        for (std::size_t j = 2 * i; j < 2 * i + 2; ++j) error += (own[j] - y[j]) * (own[j] - y[j]);
        if (w[i * count + std::size_t(e)] > 0 && error < least[i]) least[i] = error, best[i] = double(e);
      }
    }
    CHECK(to_host(outcome.best) == best);
    CHECK_FALSE(model(p.tensor(), x.tensor()).best);
    CHECK(shape(outcome.embedding) == Shape{samples, 2});
    CHECK(shape(outcome.prototypes) == Shape{count, 2});
    const auto back = to_host(outcome.reconstruction), at = to_host(x.tensor());
    for (std::size_t i = 0; i < at.size(); ++i) CHECK(back[i] == doctest::Approx(at[i]).epsilon(1e-13));
  }
  std::vector<Index> rows;
  const auto model = counted_mixture(gate::Softmax{}, rows);
  const auto outcome = model(model.initial<B>(Random(3)).tensor(), x.tensor(), target.tensor());
  CHECK_FALSE(outcome.best);
  CHECK_FALSE(present(outcome.reconstruction));
}

}  // namespace mixture_test
