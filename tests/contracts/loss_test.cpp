// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

#include "../battery/battery.hpp"

namespace loss_test {

using namespace battery;

// docs: loss
/// Mean of log cosh(prediction - target): a square near 0, linear far from it, smooth everywhere.
struct LogCosh : loss::Term {
  static constexpr std::string_view name = "log_cosh";
  using reads = Supplies<quantity::Prediction>;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const X e = o.prediction - o.target;
    return o.per_sample(e + softplus(-2.0 * e) - std::log(2.0));
  }
};
// docs: end

TEST_CASE("a user's own loss composes with others") {
  const auto model = mixture(experts<2>(Mlp<>{{1, 2}}), gate::Softmax{}, flow::Identity{}, LogCosh{} + 0.5 * loss::mse);
  Outcome<Tensor<B>> o;
  const Array<B> prediction({1, 2}, std::vector{1.0, -2.0}), target({1, 2}, std::vector{0.5, 2.0});
  o.prediction = prediction;
  o.target = target;
  const double log_cosh = (std::log(std::cosh(0.5)) + std::log(std::cosh(4.0))) / 2, mse = (0.25 + 16) / 2;
  CHECK(model.loss.evaluate(o, [](std::string_view, const Tensor<B>&) {}).data()[0] == doctest::Approx(log_cosh + 0.5 * mse));
}

TEST_CASE("it passes the gradient checker") {
  const auto target = numbers({4, 2}, 2);
  check("LogCosh", [&]<class X>(Slots<X>& parts) {
    Outcome<X> o;
    o.prediction = parts.take({4, 2});
    o.target = X(target);
    return LogCosh{}(o);
  }, {numbers({4, 2}, 1)});
}

}  // namespace loss_test
