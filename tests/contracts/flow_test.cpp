// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/mlp.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

#include "../battery/battery.hpp"

namespace flow_test {

using namespace battery;

// docs: flow
/// z = log x, for positive features.
struct Logarithm {
  void layout(Layout&) const {}
  template <class X>
  flow::Image<X> forward(Slots<X>&, const X& x) const {
    const X z = log(x);
    return {z, reshape(-sum_last(z), {shape(x)[0]})};
  }
  template <class X>
  X inverse(Slots<X>&, const X& z) const { return exp(z); }
};
// docs: end

// docs: likelihood
/// Negative log-likelihood of the samples, where the flow maps them to numbers of the standard logistic distribution.
struct LogisticLatent : loss::Term {
  static constexpr std::string_view name = "logistic_latent";
  using reads = Supplies<quantity::Latent>;
  template <class X>
  X operator()(const Outcome<X>& o) const {
    const X each = o.latent + 2 * softplus(-o.latent);
    return reshape(sum_last(each), shape(o.log_det)) - o.log_det;
  }
};
// docs: end

TEST_CASE("a user's own flow composes, and a loss reads its output") {
  const auto model = mixture(experts<2>(Mlp<>{{2, 1}}), gate::Softmax{}, Logarithm{}, loss::mse + loss::nll + LogisticLatent{});
  const auto p = model.initial<B>(Random(1));
  const Array<B> x({1, 2}, std::vector{0.5, 3.0}), y({1, 1}, std::vector{0.0});
  const auto outcome = model(p.tensor(), x.tensor(), y.tensor());
  double normal = 0, logistic = 0;
  model.loss.evaluate(outcome, [&](std::string_view name, const Tensor<B>& value) {
    if (name == "nll") normal = value.data()[0];
    if (name == "logistic_latent") logistic = value.data()[0];
  });
  const double a = std::log(0.5), b = std::log(3.0);  // the densities of the log-normal and the log-logistic distribution
  CHECK(normal == doctest::Approx(0.5 * (a * a + b * b) + a + b + std::log(2 * std::numbers::pi)));
  CHECK(logistic == doctest::Approx(2 * std::log(1.5) + 2 * std::log(4.0)));
}

TEST_CASE("it passes the gradient checker") {
  check("Logarithm", [&]<class X>(Slots<X>& parts) {
    const auto image = Logarithm{}.forward(parts, parts.take({3, 2}));
    return concat(image.z, reshape(image.log_det, {3, 1}), 1);
  }, {Array<B>(square(numbers({3, 2}, 1).tensor()) + 0.5)});
}

}  // namespace flow_test
