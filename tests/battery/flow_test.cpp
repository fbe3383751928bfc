// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <Eigen/LU>

#include <moesaic/flow/encoder.hpp>
#include <moesaic/flow/instance_norm.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/reconstruction.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

#include "battery.hpp"

namespace flow_test {

using namespace battery;

/// The same backend for numbers of type `T`.
template <class T, template <class> class Backend>
Backend<T> with_scalar(Backend<double>);
using Single = decltype(with_scalar<float>(B{}));

template <class From, class To>
Array<To> converted(const Tensor<From>& x) {
  const auto host = to_host(x);
  return Array<To>(x.shape(), std::vector<typename To::Scalar>(host.begin(), host.end()));
}

/// `noise` moves the parameters away from their start.
template <class Flow>
void check_flow(const std::string& name, const Flow& flow, Index features, double noise = 0) {
  INFO(name);
  auto p = parameters_of(flow);
  if (noise > 0) p = Array<B>(p.tensor() + numbers(p.shape(), 7, noise).tensor());
  const auto x = numbers({4, features}, 1, 2, 1);
  check(name + ", forward", [&]<class X>(Slots<X>& parts) {
    const X own = parts.take(p.shape());
    Slots<X> slots(own);
    const auto image = flow.forward(slots, parts.take(x.shape()));
    return present(image.log_det) ? concat(image.z, reshape(image.log_det, {4, 1}), 1) : image.z;
  }, {p, x});
  check(name + ", inverse", [&]<class X>(Slots<X>& parts) {
    const X own = parts.take(p.shape());
    Slots<X> slots(own);
    return flow.inverse(slots, parts.take(x.shape()));
  }, {p, x});

  Slots<Tensor<B>> there(p.tensor()), back(p.tensor());
  const auto image = flow.forward(there, x.tensor());
  const auto again = to_host(flow.inverse(back, image.z)), original = to_host(x.tensor());
  for (std::size_t i = 0; i < original.size(); ++i) CHECK(again[i] == doctest::Approx(original[i]).epsilon(1e-13));
  const auto single = converted<B, Single>(p.tensor()), rounded = converted<B, Single>(x.tensor());
  Slots<Tensor<Single>> single_there(single.tensor()), single_back(single.tensor());
  const auto nearly = to_host(flow.inverse(single_back, flow.forward(single_there, rounded.tensor()).z));
  for (std::size_t i = 0; i < original.size(); ++i) CHECK(nearly[i] == doctest::Approx(original[i]).epsilon(1e-5));

  // log |det dz/dx| of each sample against central differences
  for (Index sample = 0; sample < 4; ++sample) {
    Eigen::MatrixXd jacobian(features, features);
    const double h = 1e-6;
    const auto moved = [&](Index j, double by) {
      auto at = original;
      at[std::size_t(sample * features + j)] += by;
      Slots<Tensor<B>> slots(p.tensor());
      return to_host(flow.forward(slots, Array<B>(x.shape(), at).tensor()).z);
    };
    for (Index j = 0; j < features; ++j) {
      const auto high = moved(j, h), low = moved(j, -h);
      for (Index i = 0; i < features; ++i) {
        const auto at = std::size_t(sample * features + i);
        jacobian(i, j) = (high[at] - low[at]) / (2 * h);
      }
    }
    const double reported = image.log_det ? to_host(image.log_det)[std::size_t(sample)] : 0;
    CHECK(reported == doctest::Approx(std::log(std::abs(jacobian.determinant()))).epsilon(1e-7));
  }
}

TEST_CASE("every flow passes the gradient checker, is undone by its inverse and knows its determinant") {
  check_flow("identity", flow::Identity{}, 3);
  check_flow("standardise", flow::Standardise{3}, 3);
  for (Index features : {2, 5, 6})
    for (bool act_norm : {false, true})
      for (auto mask : {flow::Mask::half, flow::Mask::checkerboard}) {
        const flow::RealNvp<activation::Tanh> flow{features, 3, {4}, mask, act_norm};
        check_flow((mask == flow::Mask::half ? "half, " : "checkerboard, ") + std::to_string(features), flow, features, 0.5);
      }
}

TEST_CASE("the networks of Real NVP take any activation, and may be linear") {
  check_flow("learnable swish", flow::RealNvp<activation::LearnableSwish>{.features = 3, .couplings = 2, .hidden = {3, 3}}, 3, 0.5);
  check_flow("linear", flow::RealNvp<>{.features = 3, .couplings = 2, .hidden = {}}, 3, 0.5);
}

TEST_CASE("standardisation_of gives every feature mean 0 and variance 1, and keeps the scale of a constant one") {
  auto drawn = to_host(numbers({50, 3}, 1, 3, -2).tensor());
  for (std::size_t i = 0; i < 50; ++i) drawn[i * 3 + 2] = 7;
  const Array<B> x({50, 3}, drawn);
  const auto p = flow::standardisation_of(x.tensor());
  Slots<Tensor<B>> slots(p.tensor());
  const auto z = to_host(flow::Standardise{3}.forward(slots, x.tensor()).z);
  for (std::size_t j = 0; j < 3; ++j) {
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < 50; ++i) mean += z[i * 3 + j] / 50, square += z[i * 3 + j] * z[i * 3 + j] / 50;
    CHECK(mean == doctest::Approx(0).epsilon(1e-12));
    CHECK(square == doctest::Approx(j < 2 ? 1 : 0).epsilon(1e-12));
  }
}

TEST_CASE("Real NVP starts as the identity") {
  for (auto mask : {flow::Mask::half, flow::Mask::checkerboard}) {
    const flow::RealNvp<> flow{.features = 5, .mask = mask, .act_norm = true};
    const auto p = initial_parameters<B>(layout_of(flow), Random(1));
    const auto x = numbers({4, 5}, 1);
    Slots<Tensor<B>> slots(p.tensor());
    const auto image = flow.forward(slots, x.tensor());
    CHECK(to_host(image.z) == to_host(x.tensor()));
    CHECK(to_host(image.log_det) == std::vector<double>(4, 0.0));
  }
}

TEST_CASE("an affine coupling has its worked value, and leaves alone what it keeps") {
  // x = (0.5, 0.4, 2, 0.25) keeps its first half; s = 2 tanh(0.5 x0 + 0.25 x1), t = x0 - x1 for both of the others
  const std::vector<double> scale{2}, weight{0.5, 0.5, 1, 1, 0.25, 0.25, -1, -1}, bias{0, 0, 0, 0};
  std::vector<double> p(scale);
  p.insert(p.end(), weight.begin(), weight.end());
  p.insert(p.end(), bias.begin(), bias.end());
  const auto image_of = [&](flow::Mask mask, const std::vector<double>& x) {
    const flow::RealNvp<> flow{.features = 4, .couplings = 1, .hidden = {}, .mask = mask};
    REQUIRE(layout_of(flow).size() == Index(p.size()));
    const Array<B> parameters({Index(p.size())}, p), sample({1, 4}, x);
    Slots<Tensor<B>> slots(parameters.tensor());
    const auto image = flow.forward(slots, sample.tensor());
    CHECK(to_host(image.log_det)[0] == doctest::Approx(1.345502177).epsilon(1e-9));
    return to_host(image.z);
  };
  const auto halves = image_of(flow::Mask::half, {0.5, 0.4, 2, 0.25});
  const auto board = image_of(flow::Mask::checkerboard, {0.5, 2, 0.4, 0.25});  // keeps features 0 and 2
  CHECK(halves[0] == 0.5);
  CHECK(halves[1] == 0.4);
  CHECK(halves[2] == doctest::Approx(4.019242006).epsilon(1e-9));
  CHECK(halves[3] == doctest::Approx(0.589905251).epsilon(1e-9));
  CHECK(board == std::vector{halves[0], halves[2], halves[1], halves[3]});
}

TEST_CASE("normalised gives the output of every ActNorm mean 0 and variance 1, and changes nothing else") {
  const flow::RealNvp<activation::Tanh> one{.features = 5, .couplings = 1, .hidden = {4}, .act_norm = true};
  flow::RealNvp<activation::Tanh> two = one;
  two.couplings = 2;
  const auto x = numbers({40, 5}, 1, 3, -2);
  const auto p = parameters_of(two);
  const auto q = two.normalised(p.tensor(), x.tensor());
  const auto before = to_host(p.tensor()), after = to_host(q.tensor());
  const Layout layout = layout_of(two);
  for (const auto& e : layout.entries())
    for (Index i = e.offset; i < e.offset + e.shape.size(); ++i)
      CHECK((before[std::size_t(i)] == after[std::size_t(i)]) == (e.name.find("norm") == std::string::npos));

  // what enters the second coupling's network, with that coupling switched off: its last layer and its scale at 0
  auto off = after;
  for (const auto& e : layout.entries())
    if (e.name == "1.scale" || e.name == "1.weight2" || e.name == "1.bias2")
      for (Index i = e.offset; i < e.offset + e.shape.size(); ++i) off[std::size_t(i)] = 0;
  const Array<B> switched_off(p.shape(), off);
  Slots<Tensor<B>> slots(switched_off.tensor());
  const auto z = to_host(two.forward(slots, x.tensor()).z);
  for (std::size_t j = 0; j < 5; ++j) {
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < 40; ++i) mean += z[i * 5 + j] / 40, square += z[i * 5 + j] * z[i * 5 + j] / 40;
    CHECK(mean == doctest::Approx(0).epsilon(1e-12));
    CHECK(square == doctest::Approx(1).epsilon(1e-12));
  }
}

TEST_CASE("Real NVP refuses what it cannot split") {
  const auto message = [](const auto& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  CHECK(message([] { layout_of(flow::RealNvp<>{.features = 1}); }) ==
        "RealNvp: features is 1; expected at least 2, for a part that is kept and one that moves");
  CHECK(message([] { layout_of(flow::RealNvp<>{.couplings = 0}); }) == "RealNvp: couplings is 0; expected at least 1");
  const flow::RealNvp<> flow{.features = 4};
  const auto p = initial_parameters<B>(layout_of(flow), Random(1));
  Slots<Tensor<B>> slots(p.tensor());
  CHECK(message([&] { flow.forward(slots, numbers({3, 5}, 1).tensor()); }) ==
        "RealNvp: samples of shape [3, 5]; expected [samples, 4]");
}

TEST_CASE("an encoder passes the gradient checker, and its code has mean 0 and mean square 1 whatever the size of the samples") {
  const flow::Encoder<flow::RealNvp<activation::Tanh>, activation::Tanh> encoder{
      .features = 6, .flow = {.features = 3, .couplings = 2, .hidden = {4}, .act_norm = true}, .hidden = {5}};
  const auto p = parameters_of(encoder);
  const auto x = numbers({4, 6}, 1);
  check("encoder, forward", [&]<class X>(Slots<X>& parts) {
    const X own = parts.take(p.shape());
    Slots<X> slots(own);
    const auto image = encoder.forward(slots, parts.take(x.shape()));
    return concat(image.z, reshape(image.log_det, {4, 1}), 1);
  }, {p, x});
  check("encoder, inverse", [&]<class X>(Slots<X>& parts) {
    const X own = parts.take(p.shape());
    Slots<X> slots(own);
    return encoder.inverse(slots, parts.take({4, 3}));
  }, {p, numbers({4, 3}, 2)});

  // The flow starts as the identity: what comes out is the code.
  for (double size : {1.0, 100.0}) {
    const auto fresh = initial_parameters<B>(layout_of(encoder), Random(3));
    Slots<Tensor<B>> slots(fresh.tensor());
    const auto z = to_host(encoder.forward(slots, numbers({4, 6}, 1, size).tensor()).z);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(z[3 * i] + z[3 * i + 1] + z[3 * i + 2] == doctest::Approx(0).scale(1).epsilon(1e-12));
      const double square = (z[3 * i] * z[3 * i] + z[3 * i + 1] * z[3 * i + 1] + z[3 * i + 2] * z[3 * i + 2]) / 3;
      CHECK(square == doctest::Approx(1).epsilon(0.05));  // 1e-5 is added to the variance
    }
  }
  const auto normalised = encoder.normalised(p.tensor(), x.tensor());
  CHECK(to_host(normalised.tensor()) != to_host(p.tensor()));
}

TEST_CASE("an encoder of the published M2-MOEP, for windows of 96 steps and 7 variates, has its 1083808 parameters") {
  const flow::Encoder<flow::RealNvp<>, activation::Relu> encoder{
      .features = 96 * 7, .flow = {.features = 256}, .hidden = {512, 256}};
  Index size = 0;
  const Layout layout = layout_of(encoder);
  for (const auto& e : layout.entries())
    if (!e.name.starts_with("flow.")) size += e.shape.size();
  CHECK(size == 2'072'992 - 989'184);  // couplings of the reference read all features, with a network each for scale and shift
}

TEST_CASE("an encoder of windows, and InstanceNorm, see the shape of every series and neither its level nor its scale") {
  const Index steps = 5, variates = 2;
  const flow::Encoder<flow::RealNvp<activation::Tanh>, activation::Tanh> encoder{
      .features = steps * variates, .flow = {.features = 3, .couplings = 2, .hidden = {4}}, .hidden = {6}, .variates = variates};
  const auto p = parameters_of(encoder);
  const auto x = numbers({4, steps * variates}, 1);
  check("encoder of windows", [&]<class X>(Slots<X>& parts) {
    const X own = parts.take(p.shape());
    Slots<X> slots(own);
    return encoder.forward(slots, parts.take(x.shape())).z;
  }, {p, x});
  const flow::InstanceNorm norm{.look_back = steps, .variates = variates};
  check("InstanceNorm", [&]<class X>(Slots<X>& parts) {
    return norm.forward(parts, parts.take(x.shape())).z;
  }, {x});

  auto moved = to_host(x.tensor());
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i] = i % 2 == 0 ? 1000 * moved[i] + 5 : 300 * moved[i] - 70;
  const Array<B> other(x.shape(), moved);
  const auto image_of = [&](const Array<B>& samples) {
    Slots<Tensor<B>> slots(p.tensor());
    return encoder.forward(slots, samples.tensor());
  };
  const auto image = image_of(x), again = image_of(other);
  const auto z = to_host(image.z), w = to_host(again.z), seen = to_host(image.seen);
  Slots<Tensor<B>> none(p.tensor());
  const auto alone = to_host(norm.forward(none, x.tensor()).z);
  for (std::size_t i = 0; i < z.size(); ++i) CHECK(w[i] == doctest::Approx(z[i]).epsilon(1e-3));  // 1e-5 is added to the variance
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t v = 0; v < 2; ++v) {
      double mean = 0, square = 0;
      for (std::size_t t = 0; t < 5; ++t) {
        const double value = seen[i * 10 + t * 2 + v];
        mean += value / 5, square += value * value / 5;
        CHECK(alone[i * 10 + t * 2 + v] == value);
      }
      CHECK(mean == doctest::Approx(0).scale(1).epsilon(1e-12));
      CHECK(square == doctest::Approx(1).epsilon(1e-3));
    }
  CHECK_THROWS_WITH_AS(standardise_windows(x.tensor(), 3), "standardise_windows: windows of shape [4, 10] with 3 variates; expected [N, T * variates]", Error);
}

TEST_CASE("a model reconstructs what its encoder sees: standardised windows") {
  const flow::Encoder<> encoder{.features = 8, .flow = {.features = 2, .couplings = 1, .hidden = {3}}, .hidden = {4}, .variates = 2};
  const auto model = mixture(experts<2>(Mlp<>{{8, 1}}), gate::Softmax{}, encoder, loss::mse + loss::reconstruction);
  const auto p = model.initial<B>(Random(1));
  const auto x = numbers({3, 8}, 1);
  const auto outcome = model(p.tensor(), x.tensor(), numbers({3, 1}, 2).tensor());
  CHECK(to_host(outcome.input) == to_host(standardise_windows(x.tensor(), 2)));
}

}  // namespace flow_test
