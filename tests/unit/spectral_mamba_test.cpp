// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/expert/spectral_mamba.hpp>

#include "support/allocations.hpp"
#include "support/numbers.hpp"

namespace spectral_mamba_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

SpectralMamba small(Tokens tokens = Tokens::time) {
  return {.look_back = 12, .horizon = 5, .variates = 3, .width = 8, .states = 4, .tokens = tokens, .frequencies = 4};
}

/// Parameters with which every part has a say.
Array<B> moved(const SpectralMamba& expert) {
  const auto p = initial_parameters<B>(layout_of(expert), Random(2));
  return Array<B>(p.tensor() + numbers(p.shape(), 9, 0.1).tensor());
}

const Layout::Entry& entry(const Layout& layout, const std::string& name) {
  for (const auto& e : layout.entries())
    if (e.name == name) return e;
  FAIL("no parameter ", name);
  return layout.entries()[0];
}

std::vector<double> forecast(const SpectralMamba& expert, const Array<B>& parameters, const Array<B>& x) {
  const auto y = expert(parameters.tensor(), x.tensor());
  CHECK(y.shape() == Shape{x.shape()[0], expert.horizon, expert.variates});
  return to_host(y);
}

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = !(std::abs(a[i] - b[i]) <= worst) ? std::abs(a[i] - b[i]) : worst;
  return worst;
}

/// The linear forecast of the layout's `skip`, in plain loops.
std::vector<double> linear_forecast(const SpectralMamba& e, const Array<B>& parameters, const Array<B>& x) {
  const Layout layout = layout_of(e);
  const double *const weight = parameters.data() + entry(layout, "skip.weight").offset,
                      *const bias = parameters.data() + entry(layout, "skip.bias").offset;
  const Index steps = e.look_back, d = e.variates;
  std::vector<double> y(std::size_t(x.shape()[0] * e.horizon * d));
  for (Index n = 0; n < x.shape()[0]; ++n)
    for (Index v = 0; v < d; ++v) {
      const auto at = [&](Index t) { return x.data()[(n * steps + t) * d + v]; };
      const Index map = e.own_skips ? v : 0;
      for (Index h = 0; h < e.horizon; ++h) {
        double sum = at(steps - 1) + bias[map * e.horizon + h];
        for (Index t = 0; t < steps; ++t) sum += at(t) * weight[(map * steps + t) * e.horizon + h];
        y[std::size_t((n * e.horizon + h) * d + v)] = sum;
      }
    }
  return y;
}

TEST_CASE("the decays and skips of all Mamba blocks are found by name, one range a block, and the linear forecast is not") {
  auto expert = small();
  expert.bidirectional = true;
  const auto found = parameters_where(layout_of(expert), [](const std::string& name) {
    return name.ends_with(".log_decay") || name.ends_with(".skip");
  });
  REQUIRE(found.size() == 6);
  const Index inner = 2 * expert.width;
  for (const auto& range : found) CHECK(range.second == inner * (expert.states + 1));
}

TEST_CASE("the expert starts by repeating the last value, or as the linear forecast it is given, and without one at the window's mean or at 0") {
  for (Tokens tokens : {Tokens::time, Tokens::variate})
    for (bool norm : {true, false}) {
      auto e = small(tokens);
      e.instance_norm = norm;
      e.bidirectional = norm;
      e.own_skips = tokens == Tokens::time;
      const auto x = numbers({4, e.inputs()}, 1, 2, 3);
      auto p = initial_parameters<B>(layout_of(e), Random(2));
      const auto repeated = forecast(e, p, x);
      for (std::size_t i = 0; i < repeated.size(); ++i)
        CHECK(repeated[i] == x.data()[(Index(i / 15) * e.look_back + e.look_back - 1) * 3 + Index(i % 3)]);
      const Layout layout = layout_of(e);
      for (const auto& one : layout.entries())
        if (one.name.starts_with("skip."))
          for (Index i = 0; i < one.shape.size(); ++i) p.data()[one.offset + i] = 0.1 * double(i % 7) - 0.3;
      CHECK(difference(forecast(e, p, x), linear_forecast(e, p, x)) < 1e-13);
      CHECK(difference(forecast(e, moved(e), x), linear_forecast(e, moved(e), x)) > 1e-3);
      e.skip = false;
      const auto bare = forecast(e, initial_parameters<B>(layout_of(e), Random(2)), x);
      const auto mean = to_host(instance_statistics(x.tensor().reshape({4, e.look_back, e.variates})).mean);
      for (std::size_t i = 0; i < bare.size(); ++i) {
        const std::size_t sample = i / 15, variate = i % 3;
        CHECK(bare[i] == doctest::Approx(norm ? mean[sample * 3 + variate] : 0).epsilon(1e-14));
      }
    }
}

TEST_CASE("every part can be left out, and takes its parameters along") {
  // T = 12, H = 5, D = 3, d = 8, N = 4, K = 4, 16 channels, rank 1, 4 frequencies
  const Index block = 2 * 8 * 16 + 4 * 16 + 16 + 16 * (1 + 2 * 4) + 16 + 16 + 16 * 4 + 16 + 16 * 8;
  const Index skip = 12 * 5 + 5, norm = 2 * 8, feed = 8 * 16 + 16 + 16 * 8 + 8;
  for (Tokens tokens : {Tokens::time, Tokens::variate}) {
    const bool time = tokens == Tokens::time;
    const Index embed = time ? 3 * 8 + 8 : 12 * 8 + 8, heard = time ? 4 * 3 : 4;
    const Index spectrum = 3 * heard * 8 + 8 + 2 * 8 * 8 + 8, head = time ? 8 * 3 + 3 + 12 * 5 : 8 * 5;
    const Index whole = skip + embed + spectrum + 3 * block + norm + feed + head;
    const auto count = [&](auto change) {
      auto e = small(tokens);
      change(e);
      const auto p = moved(e);
      const auto y = forecast(e, p, numbers({2, e.inputs()}, 1));  // takes all of them, and no more
      for (double v : y) CHECK(std::isfinite(v));
      return p.size();
    };
    CHECK(count([](auto&) {}) == whole);
    CHECK(count([](auto& e) { e.skip = false; }) == whole - skip + 5);
    CHECK(count([](auto& e) { e.own_skips = true; }) == whole + 2 * skip);
    CHECK(count([](auto& e) { e.frequencies = 0; }) == whole - spectrum);
    CHECK(count([](auto& e) { e.scales = {}; }) == whole - 3 * block);
    CHECK(count([](auto& e) { e.scales = {1}; }) == whole - 2 * block);
    CHECK(count([](auto& e) { e.bidirectional = true; }) == whole + 3 * block);
    CHECK(count([](auto& e) { e.feed_forward = 0; }) == whole - feed);
    CHECK(count([](auto& e) { e.instance_norm = false; }) == whole);
    CHECK(count([](auto& e) { e.step_size = StepSize::learned; }) == whole + 3);
    CHECK(count([](auto& e) { e.step_size = StepSize::dynamic; }) == whole + 3 * (8 + 1));
  }
}

TEST_CASE("every parameter has a say in the forecast") {
  for (Tokens tokens : {Tokens::time, Tokens::variate})
    for (StepSize size : {StepSize::fixed, StepSize::learned, StepSize::dynamic}) {
      auto e = small(tokens);
      e.step_size = size;
      e.bidirectional = true;
      e.kernel = 3;  // a fourth tap has nothing to multiply where there are three tokens
      const auto p = moved(e), x = numbers({6, e.inputs()}, 1), weight = numbers({6, e.horizon, e.variates}, 4);
      const Layout layout = layout_of(e);
      const auto g = to_host(grad([&](const auto& q) {
        using X = std::remove_cvref_t<decltype(q)>;
        return sum(e(q, X(x.tensor())) * weight);
      }, p.tensor()));
      for (const auto& one : layout.entries()) {
        INFO(one.name);
        Index reached = 0;
        for (Index i = 0; i < one.shape.size(); ++i) reached += g[std::size_t(one.offset + i)] != 0;
        CHECK(reached == one.shape.size());
      }
    }
}

TEST_CASE("with variates as tokens and without Mamba, exchanging variates exchanges their forecasts") {
  auto e = small(Tokens::variate);
  e.scales = {};
  const auto p = moved(e), x = numbers({2, e.inputs()}, 1);
  auto exchanged = x;
  const Index to[] = {2, 0, 1};
  for (Index row = 0; row < 2 * e.look_back; ++row)
    for (Index v = 0; v < 3; ++v) exchanged.data()[row * 3 + to[v]] = x.data()[row * 3 + v];
  const auto y = forecast(e, p, x), z = forecast(e, p, exchanged);
  for (std::size_t row = 0; row < 2 * 5; ++row)
    for (std::size_t v = 0; v < 3; ++v) CHECK(z[row * 3 + std::size_t(to[v])] == doctest::Approx(y[row * 3 + v]).epsilon(1e-12));
}

TEST_CASE("read in both directions, mirrored blocks and tokens give the mirrored sum") {
  auto e = small(Tokens::variate);  // tokens are variates: mirroring them mirrors the forecast
  e.bidirectional = true;
  auto p = moved(e);
  const Layout layout = layout_of(e);
  const Index begin = entry(layout, "forward.scale1.in").offset, again = entry(layout, "backward.scale1.in").offset;
  std::copy_n(p.data() + begin, again - begin, p.data() + again);
  const auto x = numbers({2, e.inputs()}, 1);
  auto mirrored = x;
  for (Index row = 0; row < 2 * e.look_back; ++row)
    for (Index v = 0; v < 3; ++v) mirrored.data()[row * 3 + 2 - v] = x.data()[row * 3 + v];
  const auto y = forecast(e, p, x), z = forecast(e, p, mirrored);
  for (std::size_t row = 0; row < 2 * 5; ++row)
    for (std::size_t v = 0; v < 3; ++v) CHECK(z[row * 3 + 2 - v] == doctest::Approx(y[row * 3 + v]).epsilon(1e-12));
}

TEST_CASE("normalised windows: what is added to a variate, or multiplies it, does so with its forecast, if the linear map keeps levels") {
  for (Tokens tokens : {Tokens::time, Tokens::variate}) {
    const auto e = small(tokens);
    auto p = moved(e);
    const auto x = numbers({2, e.inputs()}, 1, 5);
    const Layout layout = layout_of(e);
    double *const weight = p.data() + entry(layout, "skip.weight").offset, *const bias = p.data() + entry(layout, "skip.bias").offset;
    for (Index h = 0; h < e.horizon; ++h) {
      double& last = weight[(e.look_back - 1) * e.horizon + h];
      last = 0;
      for (Index t = 0; t + 1 < e.look_back; ++t) last -= weight[t * e.horizon + h];
      bias[h] = 0;
    }
    auto changed = x;
    for (Index t = 0; t < e.look_back; ++t) {
      changed.data()[t * 3 + 1] += 7;                    // sample 0, variate 1
      changed.data()[(e.look_back + t) * 3 + 2] *= 3;    // sample 1, variate 2
    }
    const auto y = forecast(e, p, x), z = forecast(e, p, changed);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const bool first = i < 15;
      const double wanted = first ? y[i] + (i % 3 == 1 ? 7 : 0) : y[i] * (i % 3 == 2 ? 3 : 1);
      CHECK(z[i] == doctest::Approx(wanted).epsilon(first ? 1e-11 : 1e-5));  // 1e-5 under the deviation's root
    }
  }
}

TEST_CASE("constant windows have finite forecasts and gradients") {
  for (bool norm : {true, false}) {
    auto e = small();
    e.instance_norm = norm;
    const auto p = moved(e);
    const Array<B> x({2, e.inputs()});
    for (double v : forecast(e, p, x)) CHECK(std::isfinite(v));
    const auto g = grad([&](const auto& q) {
      using X = std::remove_cvref_t<decltype(q)>;
      return sum(e(X(p.tensor()), q));
    }, x.tensor());
    for (double v : to_host(g)) CHECK(std::isfinite(v));
  }
}

TEST_CASE("no memory from the second step on") {
  using X = Tensor<Cpu<float>>;
  for (Tokens tokens : {Tokens::time, Tokens::variate}) {
    auto e = small(tokens);
    e.bidirectional = true;
    const auto p = initial_parameters<Cpu<float>>(layout_of(e), Random(2));
    const Array<Cpu<float>> x({4, e.inputs()}), g({4, e.horizon, e.variates});
    Workspace<HostMemory> workspace;
    const Workspace<HostMemory>::Scope scope(workspace);
    Tape<X> tape;
    std::size_t arena = 0, recorded = 0, asked = 0;
    for (int step = 0; step < 4; ++step) {
      workspace.reset();
      tape.reset();
      sweep(e(tape.leaf(p), Var<X>(x.tensor())), g.tensor());
      if (step == 0) arena = workspace.system_allocations(), recorded = tape.capacity();
      if (step == 1) asked = allocations();
    }
    CHECK(allocations() == asked);
    CHECK(workspace.system_allocations() == arena);
    CHECK(tape.capacity() == recorded);
  }
}

TEST_CASE("sizes and shapes that do not fit are refused by name") {
  auto e = small();
  const auto p = moved(e);
  CHECK_THROWS_WITH_AS(e(p.tensor(), numbers({2, 12, 3}, 1).tensor()),
                       "SpectralMamba: windows of shape [2, 12, 3]; expected [N, 36], 12 times of 3 variates", Error);
  CHECK_THROWS_WITH_AS(e(p.tensor(), numbers({2, 35}, 1).tensor()),
                       "SpectralMamba: windows of shape [2, 35]; expected [N, 36], 12 times of 3 variates", Error);
  e.frequencies = 7;
  CHECK_THROWS_WITH_AS(layout_of(e), "SpectralMamba: 7 frequencies from 1 on; a look-back of 12 has 0 .. 6", Error);
  e.instance_norm = false;
  CHECK_NOTHROW(layout_of(e));
  e = small();
  e.horizon = 0;
  CHECK_THROWS_WITH_AS(layout_of(e), "SpectralMamba: look_back 12, horizon 0, variates 3, width 8; expected at least 1 each",
                       Error);
  e = small();
  e.feed_forward = -1;
  CHECK_THROWS_WITH_AS(layout_of(e), "SpectralMamba: feed_forward is -1; expected at least 0", Error);
  e = small();
  e.states = 0;
  CHECK_THROWS_WITH_AS(layout_of(e), "Mamba: width 8, states 0, kernel 4, expand 2; expected at least 1 each", Error);
}

}  // namespace spectral_mamba_test
