// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/loss/terms.hpp>

#include "battery.hpp"

using namespace battery;

namespace {

constexpr Index samples = 3;
const auto target_of_all = numbers({2, samples, 2, 2}, 8);

/// An outcome of every quantity that a model may supply: predictions `[2, samples, 2, 2]`, contexts, gate weights and logits.
template <class X>
Outcome<X> outcome_of(Slots<X>& parts) {
  Outcome<X> o;
  o.sample_axis = 1;
  o.prediction = parts.take({2, samples, 2, 2});
  o.context = parts.take({samples, 4});
  o.logits = parts.take({samples, 5});
  o.weights = softmax(o.logits);
  o.target = X(target_of_all);
  return o;
}
std::vector<Array<B>> parts() { return {numbers({2, samples, 2, 2}, 1), numbers({samples, 4}, 2), numbers({samples, 5}, 3)}; }

template <class Loss>
void check_loss(const std::string& name, const Loss& loss) {
  const auto sum = loss::as_sum(loss);
  const auto evaluate = [&]<class X>(Slots<X>& slots) {
    return sum.evaluate(outcome_of(slots), [](std::string_view, const X&) {});
  };
  check(name, evaluate, parts());
}

}  // namespace

TEST_CASE("every loss term passes the gradient checker") {
  check_loss("mse", loss::mse);
  check_loss("mae", loss::mae);
  check_loss("huber", loss::huber(0.7));
  check_loss("relative", loss::relative(0.3));
  check_loss("context_l1", loss::context_l1);
  check_loss("router_z", loss::router_z);
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
