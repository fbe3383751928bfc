// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/ops/check_gradient.hpp>
#include <moesaic/ops/selective_scan.hpp>

#include "support/numbers.hpp"

namespace selective_scan_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

/// Random inputs of a stable scan: delta > 0, a < 0.
template <class T = double>
struct Problem {
  Array<Cpu<T>> u, delta, a, b, c, d;
  Problem(Index batch, Index steps, Index channels, Index states)
      : u(numbers<Cpu<T>>({batch, steps, channels}, 1)), delta(softplus(numbers<Cpu<T>>({batch, steps, channels}, 2).tensor())),
        a(-exp(numbers<Cpu<T>>({channels, states}, 3).tensor())), b(numbers<Cpu<T>>({batch, steps, states}, 4)),
        c(numbers<Cpu<T>>({batch, steps, states}, 5)), d(numbers<Cpu<T>>({channels}, 6)) {}
  SelectiveInputs<Tensor<Cpu<T>>> inputs() const { return {u, delta, a, b, c, d}; }
  Tensor<Cpu<T>> scan() const { return selective_scan(u, delta, a, b, c, d); }
};

/// The recurrence as it is written, in double.
template <class T>
std::vector<double> recurrence(const Problem<T>& p) {
  const Shape s = p.u.shape();
  const Index states = p.a.shape()[1];
  std::vector<double> y(std::size_t(s.size()));
  for (Index k = 0; k < s[0]; ++k)
    for (Index channel = 0; channel < s[2]; ++channel) {
      std::vector<double> h(std::size_t(states), 0.0);
      for (Index t = 0; t < s[1]; ++t) {
        const Index row = k * s[1] + t, at = row * s[2] + channel;
        const double delta = p.delta.data()[at], u = p.u.data()[at];
        double& out = y[std::size_t(at)] = p.d.data()[channel] * u;
        for (Index i = 0; i < states; ++i) {
          double& state = h[std::size_t(i)];
          state = std::exp(delta * p.a.data()[channel * states + i]) * state + delta * u * p.b.data()[row * states + i];
          out += p.c.data()[row * states + i] * state;
        }
      }
    }
  return y;
}

template <class U, class V>
double difference(const std::vector<U>& a, const std::vector<V>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0, size = 1e-30;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(double(a[i]) - double(b[i]));
    worst = d > worst || std::isnan(d) ? d : worst;
    size = std::max(size, std::abs(double(b[i])));
  }
  return worst / size;
}

/// Adjoints of all inputs under the seed `g`, by the scan itself or by its composition.
template <class T>
std::vector<std::vector<T>> adjoints(const Problem<T>& p, const Array<Cpu<T>>& g, bool composed) {
  using X = Tensor<Cpu<T>>;
  Tape<X> tape;
  const SelectiveInputs<Var<X>> in{tape.leaf(p.u), tape.leaf(p.delta), tape.leaf(p.a), tape.leaf(p.b), tape.leaf(p.c), tape.leaf(p.d)};
  sweep(composed ? detail::composed_selective_scan(in) : rule::selective_scan(in), g.tensor());
  std::vector<std::vector<T>> all;
  for (const auto& x : {in.u, in.delta, in.a, in.b, in.c, in.d}) all.push_back(to_host(detail::or_zeros(x.node->adjoint, x.value)));
  return all;
}

/// Inputs with tangents: bit i of `moving` says whether input i has one.
template <class T>
SelectiveInputs<Dual<Tensor<Cpu<T>>>> along(const Problem<T>& p, const std::vector<Array<Cpu<T>>>& direction, unsigned moving) {
  using X = Tensor<Cpu<T>>;
  const auto dual = [&](const Array<Cpu<T>>& value, std::size_t i) {
    return Dual<X>(value, moving >> i & 1 ? direction[i].tensor() : X{});
  };
  return {dual(p.u, 0), dual(p.delta, 1), dual(p.a, 2), dual(p.b, 3), dual(p.c, 4), dual(p.d, 5)};
}
template <class T>
std::vector<Array<Cpu<T>>> random_direction(const Problem<T>& p) {
  std::vector<Array<Cpu<T>>> all;
  for (const auto* x : {&p.u, &p.delta, &p.a, &p.b, &p.c, &p.d}) all.push_back(numbers<Cpu<T>>(x->shape(), 20 + all.size()));
  return all;
}

template <class F>
void check(const char* name, const F& f, const Tensor<B>& x) {
  const auto report = check_gradient(f, x);
  INFO(name << ": " << report);
  CHECK(report.passed());
}

struct Sizes {
  Index batch, steps, channels, states;
};
const Sizes sizes[] = {{1, 1, 1, 1}, {2, 1, 5, 3}, {3, 7, 17, 4}, {1, 16, 16, 16}, {2, 33, 70, 5}, {35, 3, 9, 2}, {1, 40, 600, 16},
                       {2, 17, 33, 130}};

TEST_CASE("known values: two states, and the gate that follows") {
  const auto of = [](const Shape& s, std::vector<double> v) { return Array<B>(s, v); };
  const auto u = of({1, 4, 1}, {1, -2, 0.5, 3}), raw = of({1, 4, 1}, {0, 1, -1, 0.5}), a = of({1, 2}, {-1, -2});
  const auto b = of({1, 4, 2}, {1, 0.5, 0.25, -1, 2, 1, -0.5, 0.75}), c = of({1, 4, 2}, {1, 1, 0.5, -0.5, 1, 2, -1, 0.25});
  const auto d = of({1}, {0.3}), z = of({1, 4, 1}, {0, 1, -1, 2});
  const auto y = selective_scan(u, softplus(raw.tensor() + 0.1), a, b, c, d);
  const std::vector<double> wanted{1.416594990, -2.252823392, 3.299691629, 3.096594419};
  const std::vector<double> gated{0, -1.646945867, -0.887423757, 5.454942632};
  CHECK(difference(to_host(y), wanted) < 1e-9);
  CHECK(difference(to_host(y * swish(z)), gated) < 1e-9);
}

TEST_CASE("known values: constant input, an impulse, no decay, no time") {
  const auto run = [](std::vector<double> u, double delta, double a, double d) {
    const Index steps = Index(u.size());
    const std::vector<double> one(u.size(), 1.0);
    return to_host(selective_scan(Array<B>({1, steps, 1}, u), Array<B>({1, steps, 1}, std::vector<double>(u.size(), delta)),
                                  Array<B>({1, 1}, std::vector{a}), Array<B>({1, steps, 1}, one), Array<B>({1, steps, 1}, one),
                                  Array<B>({1}, std::vector{d})));
  };
  const std::vector<double> constant{0.1, 0.190483742, 0.272356817, 0.346438639, 0.413470644};
  CHECK(difference(run({1, 1, 1, 1, 1}, 0.1, -1, 0), constant) < 1e-8);
  const std::vector<double> impulse{0.5, 0.5 * std::exp(-1.0), 0.5 * std::exp(-2.0)};
  CHECK(difference(run({1, 0, 0}, 0.5, -2, 0), impulse) < 1e-14);
  CHECK(difference(run({1, 2, 3, 4}, 0.5, 0, 0), std::vector<double>{0.5, 1.5, 3, 5}) < 1e-14);
  CHECK(run({1, 2, 3}, 0, -1, 2) == std::vector<double>{2, 4, 6});
}

TEST_CASE_TEMPLATE("a selective scan is its recurrence, and its adjoints are those of the composition", T, float, double) {
  for (const auto& s : sizes) {
    INFO(s.batch << " x " << s.steps << " x " << s.channels << " x " << s.states);
    const Problem<T> p(s.batch, s.steps, s.channels, s.states);
    const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-13;
    CHECK(difference(to_host(p.scan()), recurrence(p)) < tolerance);
    CHECK(difference(to_host(detail::composed_selective_scan(p.inputs())), recurrence(p)) < tolerance);
    const auto g = numbers<Cpu<T>>(p.u.shape(), 7);
    const auto found = adjoints(p, g, false), wanted = adjoints(p, g, true);
    for (std::size_t i = 0; i < found.size(); ++i) {
      INFO("input " << i);
      CHECK(difference(found[i], wanted[i]) < tolerance);
    }
  }
}

TEST_CASE_TEMPLATE("a tangent is that of the composition, whichever inputs move, and its value the scan's to the bit", T, float,
                   double) {
  for (const auto& s : sizes) {
    const Problem<T> p(s.batch, s.steps, s.channels, s.states);
    const auto direction = random_direction(p);
    const auto value = to_host(p.scan());
    for (unsigned moving : {1u, 2u, 4u, 8u, 16u, 32u, 63u}) {
      INFO(s.batch << " x " << s.steps << " x " << s.channels << " x " << s.states << ", moving " << moving);
      const auto in = along(p, direction, moving);
      const auto found = rule::selective_scan(in), wanted = detail::composed_selective_scan(in);
      CHECK(to_host(found.value) == value);
      CHECK(difference(to_host(found.tangent), to_host(wanted.tangent)) < (sizeof(T) == 4 ? 2e-5 : 1e-12));
    }
    const auto still = rule::selective_scan(along(p, direction, 0));
    CHECK(to_host(still.value) == value);
    CHECK_FALSE(present(still.tangent));
  }
}

TEST_CASE("a tangent is the limit of differences") {
  for (const auto& s : {Sizes{2, 5, 3, 2}, {1, 18, 9, 20}}) {
    const Problem<> p(s.batch, s.steps, s.channels, s.states);
    const auto direction = random_direction(p);
    const double step = 1e-6;
    const auto at = [&](double size) {
      Problem<> q = p;
      std::size_t i = 0;
      for (auto* x : {&q.u, &q.delta, &q.a, &q.b, &q.c, &q.d}) {
        const auto& v = direction[i++];
        *x = Array<B>(x->tensor() + scale(v.tensor(), size));
      }
      return q.scan();
    };
    const auto wanted = to_host(scale(at(step) - at(-step), 0.5 / step));
    CHECK(difference(to_host(rule::selective_scan(along(p, direction, 63)).tangent), wanted) < 1e-8);
  }
}

TEST_CASE("no pass keeps the states of all steps, which the composition does") {
  const Problem<float> p(4, 64, 256, 16);
  const auto direction = random_direction(p);
  const std::size_t of_states = sizeof(float) * 4 * 64 * 256 * 16;
  const int threads = thread_count();
  set_thread_count(1);
  const auto memory = [](const auto& run) {
    Workspace<HostMemory> workspace;
    const Workspace<HostMemory>::Scope scope(workspace);
    run();
    return workspace.capacity();
  };
  CHECK(memory([&] { rule::selective_scan(along(p, direction, 63)); }) < of_states / 2);
  CHECK(memory([&] { detail::composed_selective_scan(along(p, direction, 63)); }) > 4 * of_states);
  set_thread_count(threads);
}

TEST_CASE("strong and no decay: exponents far from 0") {
  Problem<float> p(1, 20, 18, 3);
  for (Index i = 0; i < p.a.size(); ++i) p.a.data()[i] *= i % 2 ? 1e4f : 1e-30f;
  CHECK(difference(to_host(p.scan()), recurrence(p)) < 1e-5);
  const auto all = adjoints(p, numbers<Cpu<float>>(p.u.shape(), 8), false);
  for (const auto& one : all)
    for (const float x : one) CHECK(std::isfinite(x));
  for (const float x : to_host(rule::selective_scan(along(p, random_direction(p), 63)).tangent)) CHECK(std::isfinite(x));
  p.a.data()[4] = NAN;
  CHECK(std::isnan(to_host(p.scan())[18 + 1]));
}

TEST_CASE("a selective scan passes the gradient checker in every input") {
  for (const auto& s : {Sizes{2, 5, 3, 2}, {1, 1, 2, 3}, {1, 18, 9, 2}}) {
    const Problem<> p(s.batch, s.steps, s.channels, s.states);
    check("u", [&](const auto& x) { return square(selective_scan(x, p.delta, p.a, p.b, p.c, p.d)); }, p.u);
    check("delta", [&](const auto& x) { return selective_scan(p.u, softplus(x), p.a, p.b, p.c, p.d); }, p.delta);
    check("a", [&](const auto& x) { return selective_scan(p.u, p.delta, -exp(x), p.b, p.c, p.d); }, numbers(p.a.shape(), 9));
    check("b", [&](const auto& x) { return square(selective_scan(p.u, p.delta, p.a, x, p.c, p.d)); }, p.b);
    check("c", [&](const auto& x) { return square(selective_scan(p.u, p.delta, p.a, p.b, x, p.d)); }, p.c);
    check("d", [&](const auto& x) { return square(selective_scan(p.u, p.delta, p.a, p.b, p.c, x)); }, p.d);
    check("all from one", [&](const auto& x) {
      return selective_scan(x, softplus(x), p.a, p.b, p.c, p.d) * selective_scan(tanh(x), p.delta, p.a, p.b, p.c, p.d);
    }, p.u);
  }
}

TEST_CASE("series of the common look-backs, and of 1134 steps, are their recurrence") {
  for (const Index steps : {24, 48, 96, 128, 336, 1134}) {
    INFO(steps << " steps");
    const Problem<> p(2, steps, 5, 16);
    CHECK(difference(to_host(p.scan()), recurrence(p)) < 1e-13);
    const Problem<float> q(2, steps, 17, 16);
    CHECK(difference(to_host(q.scan()), recurrence(q)) < 1e-5);
  }
}

TEST_CASE("a scan is linear in u for fixed steps, inputs and outputs of its states") {
  const Problem<> p(2, 40, 19, 5);
  const auto other = numbers(p.u.shape(), 12);
  const auto of = [&](const Tensor<B>& u) { return selective_scan(u, p.delta, p.a, p.b, p.c, p.d); };
  const Tensor<B> together = of(scale(p.u.tensor(), 2.5) - scale(other.tensor(), 0.75));
  CHECK(difference(to_host(together), to_host(scale(of(p.u), 2.5) - scale(of(other), 0.75))) < 1e-13);
}

TEST_CASE("causality: what comes later changes nothing before") {
  const Problem<> p(2, 30, 5, 3);
  const auto before = to_host(p.scan());
  for (Index k = 0; k < 2; ++k)
    for (Index i = 0; i < 5; ++i) p.u.data()[(k * 30 + 20) * 5 + i] += 1;
  const auto after = to_host(p.scan());
  for (std::size_t i = 0; i < before.size(); ++i) {
    const bool earlier = i / 5 % 30 < 20;
    CHECK((!earlier || before[i] == after[i]));
  }
  CHECK(before != after);
}

TEST_CASE("the same bits at any number of threads, and no memory from the second step on") {
  const Problem<float> p(5, 40, 150, 16);
  const auto g = numbers<Cpu<float>>(p.u.shape(), 10);
  const int threads = thread_count();
  const auto many = to_host(p.scan());
  const auto many_adjoints = adjoints(p, g, false);
  const auto direction = random_direction(p);
  const auto many_tangent = to_host(rule::selective_scan(along(p, direction, 63)).tangent);
  set_thread_count(1);
  CHECK(to_host(p.scan()) == many);
  CHECK(to_host(rule::selective_scan(along(p, direction, 63)).tangent) == many_tangent);
  CHECK(adjoints(p, g, false) == many_adjoints);
  Workspace<HostMemory> workspace;
  const Workspace<HostMemory>::Scope scope(workspace);
  std::size_t after_one = 0;
  for (int step = 0; step < 3; ++step) {
    workspace.reset();
    adjoints(p, g, false);
    rule::selective_scan(along(p, direction, 63));
    if (step == 0) after_one = workspace.system_allocations();
  }
  CHECK(workspace.system_allocations() == after_one);
  set_thread_count(threads);
}

TEST_CASE("an empty batch, no steps, no channels, no states") {
  for (const auto& s : {Sizes{0, 4, 3, 2}, {2, 0, 3, 2}, {2, 4, 0, 2}, {0, 0, 0, 0}}) {
    const Problem<> p(s.batch, s.steps, s.channels, s.states);
    CHECK(p.scan().shape() == p.u.shape());
    for (const auto& one : adjoints(p, p.u, false)) CHECK(one == std::vector<double>(one.size()));
    CHECK(shape(rule::selective_scan(along(p, random_direction(p), 63)).tangent) == p.u.shape());
  }
  const Problem<> p(2, 4, 3, 0);
  CHECK(difference(to_host(p.scan()), recurrence(p)) < 1e-14);
  CHECK(adjoints(p, p.u, false)[5].size() == 3);
}

TEST_CASE("shapes that do not fit are refused by name") {
  const Problem<> p(2, 4, 3, 5);
  const Array<B> flat({4, 3}), small({2, 4, 2}), wide({3});
  CHECK_THROWS_WITH_AS(selective_scan(flat, p.delta, p.a, p.b, p.c, p.d),
                       "selective_scan: u has shape [4, 3]; expected [batch, L, channels]", Error);
  CHECK_THROWS_WITH_AS(selective_scan(p.u, small, p.a, p.b, p.c, p.d),
                       "selective_scan: delta has shape [2, 4, 2]; expected that of u, [2, 4, 3]", Error);
  CHECK_THROWS_WITH_AS(selective_scan(p.u, p.delta, flat, p.b, p.c, p.d),
                       "selective_scan: a has shape [4, 3]; expected [3, N]", Error);
  CHECK_THROWS_WITH_AS(selective_scan(p.u, p.delta, p.a, small, p.c, p.d),
                       "selective_scan: b has shape [2, 4, 2]; expected [2, 4, 5]", Error);
  CHECK_THROWS_WITH_AS(selective_scan(p.u, p.delta, p.a, p.b, small, p.d),
                       "selective_scan: c has shape [2, 4, 2]; expected [2, 4, 5]", Error);
  CHECK_THROWS_WITH_AS(selective_scan(p.u, p.delta, p.a, p.b, p.c, p.b),
                       "selective_scan: d has shape [2, 4, 5]; expected [3]", Error);
}

}  // namespace selective_scan_test
