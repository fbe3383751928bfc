// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <limits>
#include <numeric>

#include <moesaic/loss/balance.hpp>
#include <moesaic/loss/consistency.hpp>
#include <moesaic/loss/metric_learning.hpp>
#include <moesaic/loss/prototypes.hpp>
#include <moesaic/loss/reconstruction.hpp>
#include <moesaic/loss/terms.hpp>

#include "battery.hpp"

namespace loss_test {

using namespace battery;

constexpr Index samples = 3;
const auto target_of_all = numbers({2, samples, 2, 2}, 8);

/// An outcome of every quantity that a model may supply: predictions `[2, samples, 2, 2]`, contexts, gate weights and logits, and
/// the flow's output.
template <class X>
Outcome<X> outcome_of(Slots<X>& parts) {
  Outcome<X> o;
  o.sample_axis = 1;
  o.prediction = parts.take({2, samples, 2, 2});
  o.context = parts.take({samples, 4});
  o.logits = parts.take({samples, 5});
  o.weights = softmax(o.logits);
  o.latent = parts.take({samples, 2, 2});
  o.log_det = parts.take({samples});
  o.target = X(target_of_all);
  return o;
}
std::vector<Array<B>> parts() {
  return {numbers({2, samples, 2, 2}, 1), numbers({samples, 4}, 2), numbers({samples, 5}, 3), numbers({samples, 2, 2}, 4),
          numbers({samples}, 5)};
}

template <class Loss>
void check_loss(const std::string& name, const Loss& loss) {
  const auto sum = loss::as_sum(loss);
  const auto evaluate = [&]<class X>(Slots<X>& slots) {
    return sum.evaluate(outcome_of(slots), [](std::string_view, const X&) {});
  };
  check(name, evaluate, parts());
}

/// A batch that a metric gate has seen.
struct Batch {
  Array<B> logits{}, weights{}, embedding{}, prototypes{};
  Array<B> best{};

  template <class X>
  Outcome<X> outcome() const {
    Outcome<X> o;
    if (logits) o.logits = X(logits);
    if (weights) o.weights = X(weights);
    if (embedding) o.embedding = X(embedding);
    if (prototypes) o.prototypes = X(prototypes);
    if (best) o.best = best;
    return o;
  }
  template <class Loss>
  std::vector<double> each(const Loss& loss) const { return to_host(loss(outcome<Tensor<B>>())); }
  template <class Loss>
  double mean(const Loss& loss) const {
    const auto all = each(loss);
    return std::accumulate(all.begin(), all.end(), 0.0) / double(all.size());
  }
};
Array<B> rows(Index columns, const std::vector<double>& v) { return Array<B>({Index(v.size()) / columns, columns}, v); }
Array<B> labels(const std::vector<double>& v) { return Array<B>({Index(v.size())}, v); }
Array<B> logarithm(const Array<B>& x) { return Array<B>(log(x.tensor())); }

/// Nine samples in three dimensions, four experts.
const Batch batch{.logits = numbers({9, 4}, 11), .weights = Array<B>(softmax(numbers({9, 4}, 11).tensor())),
                  .embedding = numbers({9, 3}, 12), .prototypes = numbers({4, 3}, 13, 0.4), .best = labels({0, 1, 1, 0, 2, 2, 0, 3, 2})};

/// With respect to logits, embedding and prototypes of `batch`.
template <class Loss>
void check_batch(const std::string& name, const Loss& loss) {
  CHECK(batch.mean(loss) > 0);
  check(name, [&]<class X>(Slots<X>& slots) {
    auto o = batch.outcome<X>();
    o.logits = slots.take({9, 4});
    o.weights = softmax(o.logits);
    o.embedding = slots.take({9, 3});
    o.prototypes = slots.take({4, 3});
    return loss(o);
  }, {batch.logits, batch.embedding, batch.prototypes});
}
double distance(const Array<B>& x, Index i, Index j) {
  const auto host = to_host(x.tensor());
  double sum = 0;
  for (Index c = 0; c < x.shape()[1]; ++c)
    sum += std::pow(host[std::size_t(i * x.shape()[1] + c)] - host[std::size_t(j * x.shape()[1] + c)], 2);
  return std::sqrt(sum);
}

TEST_CASE("every loss term passes the gradient checker") {
  check_loss("mse", loss::mse);
  check_loss("mae", loss::mae);
  check_loss("huber", loss::huber(0.7));
  check_loss("relative", loss::relative(0.3));
  check_loss("context_l1", loss::context_l1);
  check_loss("router_z", loss::router_z);
  check_batch("switch_balance", loss::switch_balance);
  check_batch("importance", loss::importance);
  check_batch("usage_variance", loss::usage_variance);
  check_batch("triplet", loss::triplet());
  check_batch("contrastive", loss::contrastive(3));
  check_batch("consistency", loss::consistency(0.3));
  check_batch("prototype_separation", loss::prototype_separation());
  check("reconstruction", [&]<class X>(Slots<X>& slots) {
    auto o = outcome_of(slots);
    o.reconstruction = o.prediction;
    o.input = o.target;
    return loss::reconstruction(o);
  }, parts());
  check_loss("nll", loss::nll);
}

TEST_CASE("sums and multiples of terms pass the gradient checker, and report every term by its name and unweighted") {
  const auto loss = 0.5 * (loss::mse + 2 * loss::context_l1) + 1e-2 * loss::router_z;
  check_loss("sum", loss);

  const auto all = parts();
  Outcome<Tensor<B>> o;
  o.sample_axis = 1;
  o.prediction = all[0];
  o.target = target_of_all;
  o.context = all[1];
  o.logits = all[2];
  std::vector<std::string> names;
  std::vector<double> weighted(samples, 0.0);
  const double weight[] = {0.5, 1, 1e-2};
  const auto total = to_host(loss.evaluate(o, [&](std::string_view name, const Tensor<B>& value) {
    const auto each = to_host(value);
    for (std::size_t i = 0; i < samples; ++i) weighted[i] += weight[names.size()] * each[i];
    names.emplace_back(name);
  }));
  CHECK(names == std::vector<std::string>{"mse", "context_l1", "router_z"});
  for (std::size_t i = 0; i < samples; ++i) CHECK(total[i] == doctest::Approx(weighted[i]).epsilon(1e-13));
}

TEST_CASE("a learned weight is best where sigma^2 is twice the loss") {
  const Array<B> prediction({1, 2}, std::vector{1.0, 2.0}), target({1, 2}, std::vector{0.0, 4.0});
  const auto loss = 3 * loss::learned(loss::mse);  // mse is 2.5
  const auto value = [&](const auto& log_sigma) {
    using X = std::remove_cvref_t<decltype(log_sigma)>;
    Outcome<X> o;
    o.prediction = X(prediction.tensor());
    o.target = X(target.tensor());
    o.loss_parameters = log_sigma;
    return sum(loss.evaluate(o, [](std::string_view, const X&) {}));
  };
  const Array<B> best({1}, std::vector{0.5 * std::log(5.0)});
  CHECK(to_host(grad(value, best.tensor()))[0] == doctest::Approx(0).scale(1).epsilon(1e-14));
  CHECK(to_host(value(best.tensor()))[0] == doctest::Approx(3 * (0.5 + 0.5 * std::log(5.0))).epsilon(1e-14));
  for (double off : {-0.1, 0.1}) {
    const Array<B> near({1}, std::vector{0.5 * std::log(5.0) + off});
    CHECK(to_host(value(near.tensor()))[0] > to_host(value(best.tensor()))[0]);
  }
}

TEST_CASE("loss terms have their worked values") {
  const Array<B> prediction({2, 2}, std::vector{1.0, 2.0, 0.0, 5.0}), target({2, 2}, std::vector{0.0, 4.0, 0.5, 2.0});
  const Array<B> context({2, 2}, std::vector{1.0, -3.0, 0.0, 0.5}), logits({2, 3}, std::vector{0.0, 0.0, 0.0, 1.0, 2.0, 3.0});
  Outcome<Tensor<B>> o;
  o.prediction = prediction;
  o.target = target;
  o.context = context;
  o.logits = logits;
  const auto is = [&](const auto& term, double first, double second) {
    const auto y = to_host(term(o));
    CHECK(y[0] == doctest::Approx(first).epsilon(1e-12));
    CHECK(y[1] == doctest::Approx(second).epsilon(1e-12));
  };
  is(loss::mse, (1 + 4) / 2., (0.25 + 9) / 2.);
  is(loss::mae, (1 + 2) / 2., (0.5 + 3) / 2.);
  is(loss::huber(1), (0.5 + 1.5) / 2, (0.125 + 2.5) / 2);
  is(loss::relative(0), 5 / 16., 9.25 / 4.25);
  is(loss::context_l1, 2, 0.25);
  is(loss::router_z, std::pow(std::log(3.), 2), std::pow(std::log(std::exp(1.) + std::exp(2.) + std::exp(3.)), 2));
}

TEST_CASE("balance losses have their worked values") {
  // First choices (.5, .25, .25), mean probabilities (.4, .35, .25).
  const auto p = rows(3, {.6, .3, .1, .5, .2, .3, .2, .6, .2, .3, .3, .4});
  const Batch uneven{.logits = logarithm(p), .weights = p};
  CHECK(uneven.mean(loss::switch_balance) == doctest::Approx(1.05).epsilon(1e-12));
  const double square = .4 * .4 + .35 * .35 + .25 * .25;
  CHECK(uneven.mean(loss::importance) == doctest::Approx(3 * square - 1).epsilon(1e-12));
  CHECK(uneven.mean(loss::usage_variance) == doctest::Approx((3 * square - 1) / 2).epsilon(1e-12));
  for (const auto& each : {uneven.each(loss::switch_balance), uneven.each(loss::importance), uneven.each(loss::usage_variance)})
    CHECK(each == std::vector<double>(4, each[0]));

  const auto alike = rows(3, {.5, .3, .2, .2, .5, .3, .3, .2, .5});
  const Batch even{.logits = logarithm(alike), .weights = alike};
  CHECK(even.mean(loss::switch_balance) == doctest::Approx(1).epsilon(1e-12));
  CHECK(even.mean(loss::importance) == doctest::Approx(0).epsilon(1e-12));
  CHECK(even.mean(loss::usage_variance) == doctest::Approx(0).epsilon(1e-12));

  for (Index k : {1, 2, 5}) {  // total collapse
    std::vector<double> one(std::size_t(3 * k), 0.0), far(one);
    for (std::size_t i = 0; i < one.size(); i += std::size_t(k)) one[i] = 1, far[i] = 800;
    const Batch collapsed{.logits = rows(k, far), .weights = rows(k, one)};
    CHECK(collapsed.mean(loss::switch_balance) == doctest::Approx(double(k)).epsilon(1e-12));
    CHECK(collapsed.mean(loss::importance) == doctest::Approx(double(k - 1)).epsilon(1e-12));
    CHECK(collapsed.mean(loss::usage_variance) == doctest::Approx(k == 1 ? 0 : 1).epsilon(1e-12));
  }
}

TEST_CASE("the Switch loss takes its probabilities from all experts, whatever the weights of the top k") {
  Batch top = batch;
  top.weights = {};
  CHECK(top.mean(loss::switch_balance) == batch.mean(loss::switch_balance));
}

TEST_CASE("consistency is the symmetric Kullback-Leibler divergence of similar samples") {
  const auto p = rows(3, {.7, .2, .1, .6, .3, .1, .1, .1, .8});
  Batch three{.logits = logarithm(p), .embedding = rows(2, {1, 0, 5, 1, 0, 1})};  // the first two point the same way
  const auto each = three.each(loss::consistency());
  CHECK(three.mean(loss::consistency()) == doctest::Approx(.055961579).epsilon(1e-8));
  CHECK(each[0] == doctest::Approx(each[1]).epsilon(1e-12));
  CHECK(each[2] == 0);
  CHECK(three.each(loss::consistency(0.999)) == std::vector<double>(3, 0.0));
  three.logits = rows(3, {1, 2, 3, 2, 3, 4, 0, 0, 0});
  CHECK(std::abs(three.mean(loss::consistency())) < 1e-15);
}

TEST_CASE("triplets are the hardest of the batch, as a search through all of them finds them") {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const std::vector<double> label{0, 1, 1, 0, 2, 0, 1};  // sample 4 is alone
    const Batch some{.embedding = numbers({7, 2}, 20 + seed), .best = labels(label)};
    const double margin = 0.5;
    double hinge = 0, contrast = 0;
    for (Index a = 0; a < 7; ++a) {
      if (a == 4) continue;
      double farthest = 0, nearest = std::numeric_limits<double>::infinity();
      for (Index j = 0; j < 7; ++j) {
        const double d = distance(some.embedding, a, j);
        if (label[std::size_t(a)] == label[std::size_t(j)])
          farthest = std::max(farthest, d);
        else
          nearest = std::min(nearest, d);
      }
      hinge += std::max(0.0, farthest - nearest + margin) / 6;
      contrast += (farthest * farthest + std::pow(std::max(0.0, margin - nearest), 2)) / 6;
    }
    CHECK(some.mean(loss::triplet(margin)) == doctest::Approx(hinge).epsilon(1e-9));
    CHECK(some.mean(loss::contrastive(margin)) == doctest::Approx(contrast).epsilon(1e-9));
    CHECK(some.each(loss::triplet(margin))[4] == 0);
  }
}

TEST_CASE("triplets that are apart cost nothing, and a batch without any neither") {
  const Batch apart{.embedding = rows(1, {0, 0.5, 2, 2.2}), .best = labels({0, 0, 1, 1})};
  CHECK(apart.each(loss::triplet()) == std::vector<double>(4, 0.0));
  CHECK(apart.mean(loss::triplet(2)) > 0);
  for (const auto& alone : {labels({3, 3, 3, 3}), labels({0, 1, 2, 3})})
    for (double each : Batch{.embedding = apart.embedding, .best = alone}.each(loss::contrastive())) CHECK(each == 0);
  CHECK_THROWS_WITH_AS((Batch{.embedding = apart.embedding, .best = labels({1, 2})}.each(loss::triplet())),
                       "metric learning: 2 labels for 4 embeddings", Error);
}

TEST_CASE("a sample without a triplet costs nothing, whatever its embedding") {
  const Batch far{.embedding = rows(1, {0, 0.5, 2, 1e200}), .best = labels({0, 0, 1, 2})};
  const auto each = far.each(loss::triplet(2));
  CHECK(each[0] > 0);
  CHECK(each[3] == 0);
}

TEST_CASE("prototypes are to keep a distance") {
  const auto at = rows(1, {0, 0, 0});
  CHECK(Batch{.embedding = at, .prototypes = rows(2, {0, 0, 0.6, 0.8, 0, 0.5})}.each(loss::prototype_separation())[2] ==
        doctest::Approx((0 + 0.5 + 1 - std::sqrt(0.45)) / 3).epsilon(1e-9));
  CHECK(Batch{.embedding = at, .prototypes = rows(2, {1, 1})}.mean(loss::prototype_separation()) == 0);
  CHECK(Batch{.embedding = at, .prototypes = rows(1, {0, 3})}.mean(loss::prototype_separation(2.5)) == 0);
}

TEST_CASE("reconstruction is a mean square per sample") {
  const auto input = rows(2, {1, 2, 3, 4}), back = rows(2, {1, 0, 3, 5});
  Outcome<Tensor<B>> o;
  o.input = input;
  o.reconstruction = back;
  CHECK(to_host(loss::reconstruction(o)) == std::vector<double>{2, 0.5});
}

TEST_CASE("the likelihood has its worked value, and takes a flow that preserves volumes") {
  const Array<B> latent({1, 4}, std::vector{0.5, 0.4, 4.019242006, 0.589905251}), log_det({1}, std::vector{1.345502177});
  Outcome<Tensor<B>> o;
  o.latent = latent;
  o.log_det = log_det;
  CHECK(to_host(loss::nll(o))[0] == doctest::Approx(10.786399208).epsilon(1e-9));
  o.log_det = {};
  CHECK(to_host(loss::nll(o))[0] == doctest::Approx(10.786399208 + 1.345502177).epsilon(1e-9));
}

}  // namespace loss_test
