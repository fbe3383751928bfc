// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/expert/multi_scale_mamba.hpp>

#include "support/numbers.hpp"

namespace mamba_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = !(std::abs(a[i] - b[i]) <= worst) ? std::abs(a[i] - b[i]) : worst;
  return worst;
}

/// One of a module's parameters by its name.
std::vector<double> named(const Layout& layout, const Array<B>& parameters, const std::string& name) {
  for (const auto& e : layout.entries())
    if (e.name == name) return {parameters.data() + e.offset, parameters.data() + e.offset + e.shape.size()};
  FAIL("no parameter ", name);
  return {};
}

double swish_of(double x) { return x / (1 + std::exp(-x)); }

/// The block as it is published, in plain loops; `scale` has a number for every sample.
std::vector<double> reference(const Mamba& m, const Array<B>& parameters, const Array<B>& x, const std::vector<double>& scale) {
  const Layout layout = layout_of(m);
  const auto of = [&](const char* name) { return named(layout, parameters, name); };
  const auto in = of("in"), gate = of("gate"), kernel = of("kernel.weight"), kernel_bias = of("kernel.bias");
  const auto select = of("select"), step = of("step.weight"), step_bias = of("step.bias");
  const auto log_decay = of("log_decay"), skip = of("skip"), out = of("out");
  const auto width = std::size_t(m.width), inner = std::size_t(m.inner()), states = std::size_t(m.states);
  const auto rank = std::size_t(m.rank()), taps = std::size_t(m.kernel), steps = std::size_t(x.shape()[1]);
  const auto product = [](const std::vector<double>& v, const std::vector<double>& w, std::size_t n) {
    std::vector<double> y(n);
    for (std::size_t i = 0; i < v.size(); ++i)
      for (std::size_t j = 0; j < n; ++j) y[j] += v[i] * w[i * n + j];
    return y;
  };
  std::vector<double> result;
  for (std::size_t n = 0; n < std::size_t(x.shape()[0]); ++n) {
    std::vector<std::vector<double>> before;
    std::vector<double> h(inner * states);
    for (std::size_t t = 0; t < steps; ++t) {
      const double* const token = x.data() + (n * steps + t) * width;
      const std::vector<double> now(token, token + width);
      before.push_back(product(now, in, inner));
      const auto z = product(now, gate, inner);
      auto u = kernel_bias;
      for (std::size_t k = 0; k < taps && k <= t; ++k)
        for (std::size_t c = 0; c < inner; ++c) u[c] += kernel[(taps - 1 - k) * inner + c] * before[t - k][c];
      for (auto& v : u) v = swish_of(v);
      const auto selected = product(u, select, rank + 2 * states);
      auto raw = product({selected.begin(), selected.begin() + std::ptrdiff_t(rank)}, step, inner);
      std::vector<double> gated(inner);
      for (std::size_t c = 0; c < inner; ++c) {
        const double delta = scale[n] * std::log1p(std::exp(raw[c] + step_bias[c]));
        double y = skip[c] * u[c];
        for (std::size_t i = 0; i < states; ++i) {
          double& state = h[c * states + i];
          state = std::exp(-delta * std::exp(log_decay[c * states + i])) * state + delta * u[c] * selected[rank + i];
          y += selected[rank + states + i] * state;
        }
        gated[c] = y * swish_of(z[c]);
      }
      const auto y = product(gated, out, width);
      result.insert(result.end(), y.begin(), y.end());
    }
  }
  return result;
}

TEST_CASE("a block of width 256 has 437760 parameters") {
  CHECK(layout_of(Mamba{.width = 256, .states = 16, .kernel = 4, .expand = 2}).size() == 437760);
}

TEST_CASE("a block starts as published: steps log-uniform in 1e-3 .. 1e-1, decays 1 .. N, the skip 1") {
  const Mamba m{.width = 512};
  const Layout layout = layout_of(m);
  const auto p = initial_parameters<B>(layout, Random(7));
  auto steps = named(layout, p, "step.bias");
  for (auto& s : steps) s = std::log1p(std::exp(s));
  std::sort(steps.begin(), steps.end());
  CHECK(steps.front() >= 1e-3 * (1 - 1e-12));
  CHECK(steps.back() <= 1e-1);
  for (double quantile : {0.1, 0.25, 0.5, 0.75, 0.9})
    CHECK(std::log10(steps[std::size_t(quantile * double(steps.size()))]) == doctest::Approx(-3 + 2 * quantile).epsilon(0.05));
  const auto decay = to_host(map(functor::MinusExp{}, Array<B>({m.inner(), m.states}, named(layout, p, "log_decay"))));
  for (Index c = 0; c < m.inner(); ++c)
    for (Index n = 0; n < m.states; ++n)
      CHECK(decay[std::size_t(c * m.states + n)] == doctest::Approx(-double(n + 1)).epsilon(1e-14));
  for (double d : named(layout, p, "skip")) CHECK(d == 1);
  const double bound = 1 / std::sqrt(32.0);  // of rank 512 / 16
  const auto weight = named(layout, p, "step.weight");
  CHECK(*std::max_element(weight.begin(), weight.end()) < bound);
  CHECK(*std::max_element(weight.begin(), weight.end()) > 0.99 * bound);
  CHECK(*std::min_element(weight.begin(), weight.end()) < -0.99 * bound);
}

TEST_CASE("the inverse softplus of steps has its worked values") {
  const auto of = init::log_uniform_step().transform;
  CHECK(of(std::log(1e-3), 0) == doctest::Approx(-6.907255237).epsilon(1e-9));
  CHECK(of(std::log(1e-2), 0) == doctest::Approx(-4.600166019).epsilon(1e-9));
  CHECK(of(std::log(1e-1), 0) == doctest::Approx(-2.252168461).epsilon(1e-9));
  CHECK(of(std::log(1e-9), 0) == doctest::Approx(-9.210290372).epsilon(1e-9));  // floored at 1e-4
}

TEST_CASE("number i of fresh parameters depends on the seed and i alone; a transform sees it and its column") {
  Layout l;
  l.add("uniform", {2, 3}, init::uniform(-2, 3));
  const auto own = [](double drawn, Index column) { return drawn + 10 * double(column); };
  l.add("own", {2, 3}, {.low = 1, .high = 2, .transform = own});
  l.add("constant", {2}, init::constant(0.1));
  const Random random(3);
  const auto p = initial_parameters<B>(l, random);
  for (Index i = 0; i < 6; ++i) {
    CHECK(p.data()[i] == -2 + 5 * random.uniform(std::uint64_t(i)));
    CHECK(p.data()[6 + i] == 1 + random.uniform(std::uint64_t(6 + i)) + 10 * double(i % 3));
  }
  CHECK(p.data()[12] == 0.1);
  CHECK(p.data()[13] == 0.1);
}

TEST_CASE("a block is its published recurrence, with a scale of its steps for all samples or one for each") {
  for (const Mamba& m : {Mamba{.width = 5, .states = 3}, {.width = 18, .states = 4, .kernel = 6, .expand = 1},
                         {.width = 1, .states = 1, .kernel = 1}}) {
    const auto p = initial_parameters<B>(layout_of(m), Random(2));
    const auto x = numbers({2, 7, m.width}, 1);
    const Array<B> once(Shape{}, std::vector{4.0}), each({2, 1, 1}, std::vector{0.5, 3.0});
    const auto y = [&](const Tensor<B>& scale) { return to_host(m(p.tensor(), x.tensor(), scale)); };
    CHECK(difference(y({}), reference(m, p, x, {1, 1})) < 1e-12);
    CHECK(difference(y(once), reference(m, p, x, {4, 4})) < 1e-12);
    CHECK(difference(y(each), reference(m, p, x, {0.5, 3})) < 1e-12);
  }
}

TEST_CASE("a block is causal, and samples know nothing of each other") {
  const Mamba m{.width = 6, .states = 3};
  const auto p = initial_parameters<B>(layout_of(m), Random(2));
  auto x = numbers({3, 10, 6}, 1);
  const auto before = to_host(m(p.tensor(), x.tensor()));
  x.data()[(10 + 6) * 6 + 2] += 1;  // sample 1, time 6
  const auto after = to_host(m(p.tensor(), x.tensor()));
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::size_t sample = i / 60, time = i / 6 % 10;
    const bool reached = sample == 1 && time >= 6;
    CHECK((before[i] == after[i]) == !reached);
  }
}

TEST_CASE("several scales are the mean of their blocks; learned and dynamic steps start at the scales") {
  const MultiScaleMamba fixed{{.width = 4, .states = 2}, {1, 2, 0.5}};
  const auto x = numbers({2, 6, 4}, 1);
  const Index each = layout_of(fixed.block).size();
  const auto p = initial_parameters<B>(layout_of(fixed), Random(2));
  REQUIRE(p.size() == 3 * each);
  std::vector<double> wanted(48, 0.0);
  for (Index i = 0; i < 3; ++i) {
    const Array<B> own(view(p.tensor(), i * each, {each}));
    const auto one = reference(fixed.block, own, x, std::vector(2, fixed.scales[int(i)]));
    for (std::size_t j = 0; j < wanted.size(); ++j) wanted[j] += one[j] / 3;
  }
  const auto run = [&](const MultiScaleMamba& m, const Array<B>& parameters) {
    Slots<Tensor<B>> slots(parameters.tensor());
    return to_host(m(slots, x.tensor()));
  };
  CHECK(difference(run(fixed, p), wanted) < 1e-12);
  for (StepSize size : {StepSize::learned, StepSize::dynamic}) {
    auto other = fixed;
    other.step_size = size;
    const Layout layout = layout_of(other);
    const Index more = size == StepSize::learned ? 1 : 5;
    REQUIRE(layout.size() == 3 * (each + more));
    auto q = initial_parameters<B>(layout, Random(2));
    for (Index i = 0; i < 3; ++i) std::copy_n(p.data() + i * each, each, q.data() + i * (each + more) + more);
    CHECK(difference(run(other, q), wanted) < 1e-12);
  }
}

TEST_CASE("pooled blocks read means of their scale's tokens, and what they give is interpolated back") {
  const MultiScaleMamba m{{.width = 4, .states = 2}, {1, 3}, StepSize::pooled};
  const auto x = numbers({2, 7, 4}, 1);
  const Index each = layout_of(m.block).size();
  const auto p = initial_parameters<B>(layout_of(m), Random(2));
  REQUIRE(p.size() == 2 * each);
  std::vector<double> means(2 * 2 * 4, 0.0);  // of steps 0 .. 2 and 3 .. 5
  for (std::size_t i = 0; i < means.size(); ++i)
    for (std::size_t k = 0; k < 3; ++k) means[i] += x.data()[(i / 8 * 7 + i / 4 % 2 * 3 + k) * 4 + i % 4] / 3;
  const auto own = [&](Index i) { return Array<B>(view(p.tensor(), i * each, {each})); };
  auto wanted = reference(m.block, own(0), x, {1, 1});
  const auto slow = reference(m.block, own(1), Array<B>({2, 2, 4}, means), {1, 1});
  const double share[] = {0, 0, 3 / 14.0, 0.5, 11 / 14.0, 1, 1};  // (t + 1/2) 2/7 - 1/2, within 0 and 1
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::size_t sample = i / 28, t = i / 4 % 7, channel = i % 4;
    const double first = slow[sample * 8 + channel], second = slow[sample * 8 + 4 + channel];
    wanted[i] = (wanted[i] + first + share[t] * (second - first)) / 2;
  }
  Slots<Tensor<B>> slots(p.tensor());
  CHECK(difference(to_host(m(slots, x.tensor())), wanted) < 1e-12);

  const MultiScaleMamba half{{.width = 4}, {1, 2.5}, StepSize::pooled};
  CHECK_THROWS_WITH_AS(layout_of(half), "MultiScaleMamba: scale 1 is 2.5; expected a whole number of tokens to pool", Error);
  Slots<Tensor<B>> again(p.tensor());
  const auto few = numbers({2, 2, 4}, 1);
  CHECK_THROWS_WITH_AS(m(again, few.tensor()), "average_pool: width 3 of series of shape [2, 2, 4]; expected 1 to 2", Error);
}

TEST_CASE("no memory from the second step on") {
  using X = Tensor<Cpu<float>>;
  const Mamba m{.width = 16};
  const auto p = initial_parameters<Cpu<float>>(layout_of(m), Random(2));
  const Array<Cpu<float>> x({4, 20, 16}), g({4, 20, 16});
  Workspace<HostMemory> workspace;
  const Workspace<HostMemory>::Scope scope(workspace);
  Tape<X> tape;
  std::size_t arena = 0, tape_bytes = 0;
  for (int step = 0; step < 3; ++step) {
    workspace.reset();
    tape.reset();
    sweep(m(tape.leaf(p), Var<X>(x.tensor())), g.tensor());
    if (step == 0) arena = workspace.system_allocations(), tape_bytes = tape.capacity();
  }
  CHECK(workspace.system_allocations() == arena);
  CHECK(tape.capacity() == tape_bytes);
}

TEST_CASE("sizes and shapes that do not fit are refused by name") {
  CHECK_THROWS_WITH_AS(layout_of(Mamba{.states = 0}), "Mamba: width 64, states 0, kernel 4, expand 2; expected at least 1 each",
                       Error);
  const Mamba m{.width = 4};
  const auto p = initial_parameters<B>(layout_of(m), Random(2));
  CHECK_THROWS_WITH_AS(m(p.tensor(), numbers({2, 4}, 1).tensor()), "Mamba: input of shape [2, 4]; expected [N, L, 4]", Error);
  CHECK_THROWS_WITH_AS(m(p.tensor(), numbers({2, 3, 5}, 1).tensor()), "Mamba: input of shape [2, 3, 5]; expected [N, L, 4]",
                       Error);
  CHECK_THROWS_WITH_AS((Scales{1, -2}), "Scales: scale 1 is -2; expected a positive number", Error);
  CHECK_THROWS_WITH_AS((Scales{1, 2, 3, 4, 5, 6, 7, 8, 9}), "Scales: 9 scales; expected at most 8", Error);
}

}  // namespace mamba_test
