// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/ops/check_gradient.hpp>
#include <moesaic/ops/depthwise_convolution.hpp>
#include <moesaic/ops/fft.hpp>
#include <moesaic/ops/fourier_basis.hpp>
#include <moesaic/ops/normalise.hpp>

#include "support/numbers.hpp"

namespace series_ops_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = !(std::abs(a[i] - b[i]) <= worst) ? std::abs(a[i] - b[i]) : worst;
  return worst;
}

template <class F>
void check(const char* name, const F& f, const Tensor<B>& x) {
  const auto report = check_gradient(f, x);
  INFO(name << ": " << report);
  CHECK(report.passed());
}

std::vector<double> convolution(const Array<B>& x, const Array<B>& kernel, const Array<B>& bias) {
  const Shape s = x.shape();
  const Index taps = kernel.shape()[0];
  std::vector<double> y;
  for (Index n = 0; n < s[0]; ++n)
    for (Index t = 0; t < s[1]; ++t)
      for (Index c = 0; c < s[2]; ++c) {
        double sum = bias.data()[c];
        for (Index k = 0; k < taps; ++k)
          if (const Index from = t - (taps - 1) + k; from >= 0)
            sum += kernel.data()[k * s[2] + c] * x.data()[(n * s[1] + from) * s[2] + c];
        y.push_back(sum);
      }
  return y;
}

TEST_CASE("a depthwise convolution is its sum, for kernels shorter and longer than the series") {
  for (Index taps : {1, 2, 3, 4, 5, 7, 9})
    for (const auto& s : {Shape{3, 12, 5}, {2, 4, 17}, {1, 1, 3}, {4, 2, 1}, {0, 4, 2}, {2, 0, 2}, {2, 3, 0}}) {
      INFO(taps << " taps, " << s);
      const auto x = numbers(s, 1), kernel = numbers({taps, s[2]}, 2), bias = numbers({s[2]}, 3);
      const Tensor<B> y = depthwise_convolution(x, kernel, bias);
      CHECK(y.shape() == s);
      CHECK(difference(to_host(y), convolution(x, kernel, bias)) < 1e-14);
    }
}

TEST_CASE("a depthwise convolution passes the gradient checker in series, kernel and bias") {
  for (Index taps : {1, 3, 5})
    for (Index steps : {2, 6}) {
      const auto x = numbers({2, steps, 3}, 1), kernel = numbers({taps, 3}, 2), bias = numbers({3}, 3);
      check("series", [&](const auto& p) { return square(depthwise_convolution(p, kernel, bias)); }, x);
      check("kernel", [&](const auto& p) { return square(depthwise_convolution(x, p, bias)); }, kernel);
      check("bias", [&](const auto& p) { return square(depthwise_convolution(x, kernel, p)); }, bias);
      check("series and bias", [&](const auto& p) {
        return depthwise_convolution(p, kernel, reshape(sum_to(p, Shape{1, 1, 3}), Shape{3}));
      }, x);
    }
}

TEST_CASE("layer norm and instance statistics are their definitions") {
  const auto x = numbers({2, 3, 5}, 1, 1, 4), gain = numbers({5}, 2), bias = numbers({5}, 3);
  std::vector<double> wanted;
  for (Index row = 0; row < 6; ++row) {
    const double* const p = x.data() + row * 5;
    double mean = 0, variance = 0;
    for (Index c = 0; c < 5; ++c) mean += p[c] / 5;
    for (Index c = 0; c < 5; ++c) variance += (p[c] - mean) * (p[c] - mean) / 5;
    for (Index c = 0; c < 5; ++c) wanted.push_back((p[c] - mean) / std::sqrt(variance + 1e-5) * gain.data()[c] + bias.data()[c]);
  }
  CHECK(difference(to_host(layer_norm(x, gain, bias)), wanted) < 1e-13);

  const auto statistics = instance_statistics(x.tensor());
  CHECK(statistics.mean.shape() == Shape{2, 1, 5});
  CHECK(statistics.deviation.shape() == Shape{2, 1, 5});
  for (Index n = 0; n < 2; ++n)
    for (Index c = 0; c < 5; ++c) {
      const auto at = [&](Index t) { return x.data()[(n * 3 + t) * 5 + c]; };
      const double mean = (at(0) + at(1) + at(2)) / 3;
      double variance = 0;
      for (Index t = 0; t < 3; ++t) variance += (at(t) - mean) * (at(t) - mean) / 3;
      CHECK(statistics.mean.data()[n * 5 + c] == doctest::Approx(mean).epsilon(1e-14));
      CHECK(statistics.deviation.data()[n * 5 + c] == doctest::Approx(std::sqrt(variance + 1e-5)).epsilon(1e-14));
    }
}

TEST_CASE("layer norm and instance statistics pass the gradient checker, also near constant rows") {
  const auto x = numbers({2, 3, 4}, 1), gain = numbers({4}, 2), bias = numbers({4}, 3);
  check("input", [&](const auto& p) { return layer_norm(p, gain, bias); }, x);
  check("gain", [&](const auto& p) { return square(layer_norm(x, p, bias)); }, gain);
  check("bias", [&](const auto& p) { return square(layer_norm(x, gain, p)); }, bias);
  check("statistics", [](const auto& p) {
    const auto s = instance_statistics(p);
    return s.mean * s.deviation;
  }, x);
  const Array<B> constant({1, 4}, std::vector<double>(4, 3.0));
  const auto g = to_host(grad([&](const auto& p) { return sum(layer_norm(p, gain, bias)); }, constant.tensor()));
  for (double v : g) CHECK(std::isfinite(v));
}

TEST_CASE("the Fourier basis gives the frequencies of rfft, and all of them keep the energy") {
  for (Index n : {1, 2, 7, 12, 96}) {
    const Index bins = n / 2 + 1;
    const auto x = numbers({3, n}, 1);
    const double size = 1 / std::sqrt(double(n));
    const auto wanted = to_host(rfft(x.tensor(), {size, size}));
    const auto basis = fourier_basis<B>(n, 0, bins);
    CHECK(basis.shape() == Shape{2, n, bins});
    std::vector<double> found;
    for (Index part = 0; part < 2; ++part) {
      const auto one = to_host(matmul(x, basis.rows(part, 1).reshape({n, bins})));
      found.insert(found.end(), one.begin(), one.end());
    }
    CHECK(difference(found, wanted) < 1e-13);
    for (Index row = 0; row < 3; ++row) {
      double energy = 0, spectrum = 0;
      for (Index i = 0; i < n; ++i) energy += x.data()[row * n + i] * x.data()[row * n + i];
      for (Index k = 0; k < bins; ++k) {
        const double re = found[std::size_t(row * bins + k)], im = found[std::size_t((3 + row) * bins + k)];
        spectrum += (k == 0 || 2 * k == n ? 1 : 2) * (re * re + im * im);
      }
      CHECK(spectrum == doctest::Approx(energy).epsilon(1e-13));
    }
    if (n < 7) continue;
    const auto some = to_host(fourier_basis<B>(n, 2, 2)), all = to_host(basis);
    for (Index row = 0; row < 2 * n; ++row)
      for (Index k = 0; k < 2; ++k) CHECK(some[std::size_t(row * 2 + k)] == all[std::size_t(row * bins + 2 + k)]);
  }
}

TEST_CASE("shapes that do not fit are refused by name") {
  const auto x = numbers({2, 4, 3}, 1), kernel = numbers({4, 3}, 2), row = numbers({3}, 3), wide = numbers({4}, 3);
  CHECK_THROWS_WITH_AS(depthwise_convolution(kernel, kernel, row),
                       "depthwise_convolution: input of shape [4, 3]; expected [N, L, C]", Error);
  CHECK_THROWS_WITH_AS(depthwise_convolution(x, row, row),
                       "depthwise_convolution: kernel of shape [3]; expected [K, 3] with K of at least 1", Error);
  CHECK_THROWS_WITH_AS(depthwise_convolution(x, kernel, wide), "depthwise_convolution: bias of shape [4]; expected [3]", Error);
  CHECK_THROWS_WITH_AS(layer_norm(x, wide, row), "layer_norm: gain of shape [4]; expected [3]", Error);
  CHECK_THROWS_WITH_AS(layer_norm(x, row, wide), "layer_norm: bias of shape [4]; expected [3]", Error);
  CHECK_THROWS_WITH_AS(layer_norm(numbers({2, 0}, 1), row, row),
                       "layer_norm: input of shape [2, 0]; expected a last axis that is not empty", Error);
  CHECK_THROWS_WITH_AS(instance_statistics(kernel.tensor()),
                       "instance_statistics: series of shape [4, 3]; expected [N, T, D] with T of at least 1", Error);
  CHECK_THROWS_WITH_AS(fourier_basis<B>(8, 1, 5),
                       "fourier_basis: 5 frequencies from 1 on of series of length 8; expected some of 0 .. 4", Error);
}

}  // namespace series_ops_test
