// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/core/random.hpp>
#include <moesaic/ode/ode.hpp>
#include <moesaic/ops/check_gradient.hpp>

#include "support/numbers.hpp"

namespace ode_checkpoint_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

double relative_difference(const Tensor<B>& a, const Tensor<B>& b) { return detail::distance<B>(a, b); }

const Array<B> weights = numbers({10}, 1, 0.6), context = numbers({1, 2}, 2, 0.6), start = numbers({3, 2}, 3, 0.6);
const std::vector<double> times{0, 0.1, 0.3, 0.35, 0.9, 1.7, 1.75, 2};

struct MakeField {
  template <class X, class C>
  auto operator()(const X& p, const C& shift) const {
    const auto w = view(p, 0, {2, 2}), b = view(p, 4, {2}), v = view(p, 6, {2, 2});
    return [w, b, v, shift](double t, const auto& x) { return matmul(tanh(linear(x + shift, w, b)), v) * std::cos(t) - 0.3 * x; };
  }
};

/// The solve as a function of parameters, context and initial state in one flat array of 18 numbers.
template <class Solver, class Adjoint>
auto flat_solve(const Solver& solver, const Adjoint& adjoint) {
  return [solver, adjoint](const auto& p) {
    const auto field = ode::parametrised(MakeField{}, view(p, 0, {10}), view(p, 10, {1, 2}));
    return ode::solve(solver, field, view(p, 12, {3, 2}), times, adjoint);
  };
}
Array<B> all() {
  std::vector<double> v;
  for (const auto& part : {weights.tensor(), context.tensor(), start.tensor()})
    for (double x : to_host(part)) v.push_back(x);
  return Array<B>({18}, v);
}

template <class Solver>
void same_as_direct(const Solver& solver) {
  const auto x = all();
  const auto v = numbers({18}, 5, 0.6);
  const auto seed = numbers({Index(times.size()), 3, 2}, 6, 0.6);
  const auto direct = flat_solve(solver, ode::Direct{});
  const auto loss = [&](const auto& f) { return [&seed, f](const auto& p) { return sum(square(f(p)) * seed); }; };
  const auto [value, gradient] = vjp(direct, x.tensor(), seed.tensor());
  const auto second = hvp(loss(direct), x.tensor(), v.tensor());
  for (Index segments : {1, 2, 3, 7, 50}) {
    INFO("segments " << segments);
    const auto checkpointed = flat_solve(solver, ode::Checkpointed{segments});
    CHECK(to_host(checkpointed(x.tensor())) == to_host(value));
    const auto [again, back] = vjp(checkpointed, x.tensor(), seed.tensor());
    CHECK(to_host(again) == to_host(value));
    CHECK(relative_difference(back, gradient) < 1e-13);
    CHECK(relative_difference(hvp(loss(checkpointed), x.tensor(), v.tensor()), second) < 1e-12);
  }
}

TEST_CASE("a checkpointed function has the derivatives of the function, at every level") {
  const auto f = [](const auto& x, const auto& w) { return tanh(matmul(x, w)) * x; };
  const auto x = numbers({3, 3}, 8, 0.6);
  const auto plain = [&](const auto& p) { return f(square(p), f(p, p)); };
  const auto kept = [&](const auto& p) { return checkpoint(f, square(p), checkpoint(f, p, p)); };
  CHECK(to_host(kept(x.tensor())) == to_host(plain(x.tensor())));
  const auto report = check_gradient(kept, x.tensor());
  INFO(report);
  CHECK(report.passed());
  const auto g = numbers({3, 3}, 9, 0.6);
  CHECK(relative_difference(vjp(kept, x.tensor(), g.tensor()).second, vjp(plain, x.tensor(), g.tensor()).second) < 1e-15);
}

TEST_CASE("checkpoints nest, pass constants through and leave other paths to their inputs alone") {
  const auto inner = [](const auto& x) { return tanh(x) * x; };
  const auto outer = [inner](const auto& x, const auto& c) { return checkpoint(inner, x * c) + checkpoint(inner, x); };
  const auto x = numbers({4}, 10, 0.6), c = numbers({4}, 11, 0.6);
  const auto kept = [&](const auto& p) { return checkpoint(outer, p, c) + checkpoint(outer, p, p) * p + p; };
  const auto report = check_gradient(kept, x.tensor());
  INFO(report);
  CHECK(report.passed());
  // a function of constants records nothing, one that hands its input through hands its adjoint through
  Tape<Tensor<B>> tape;
  CHECK_FALSE(checkpoint(inner, Var<Tensor<B>>(x)).active());
  CHECK(tape.last() == nullptr);
  const auto g = grad([](const auto& p) { return sum(3.0 * checkpoint([](const auto& q) { return q; }, p)); }, x.tensor());
  for (Index i = 0; i < 4; ++i) CHECK(g.data()[i] == 3);
}

TEST_CASE("the intermediates of a checkpoint are kept neither on the way there nor back") {
  const auto x = numbers({64, 64}, 12, 0.6);
  const auto deep = [](const auto& p) {
    auto h = tanh(p);
    for (int i = 0; i < 40; ++i) h = tanh(h) * p;
    return h;
  };
  const auto used = [&](const auto& f) {
    Workspace<HostMemory> workspace;
    const Workspace<HostMemory>::Scope scope(workspace);
    Tape<Tensor<B>> tape;
    const auto in = tape.leaf(x);
    auto y = in;
    for (int i = 0; i < 10; ++i) y = f(y);
    const std::size_t forward = workspace.capacity();
    sweep(y, x.tensor());
    return std::pair(forward, workspace.capacity());
  };
  const auto plain = used(deep), kept = used([&](const auto& p) { return checkpoint(deep, p); });
  CHECK(kept.first * 5 < plain.first);
  CHECK(kept.second * 5 < plain.second);
}

TEST_CASE("a checkpointed solve has the values and gradients of a direct one") {
  same_as_direct(ode::Rk4{.substeps = 3});
  same_as_direct(ode::Dopri5{.control = ode::Fixed{2}});
  same_as_direct(ode::Dopri5{.control = ode::Adaptive{.relative = 1e-6}});
  // long steps, over several save times and over whole segments; the first one is refused
  same_as_direct(ode::Tsit5{.control = ode::Adaptive{.relative = 1e-3, .first_step = 1.99}});
}

TEST_CASE("a checkpointed solve passes the gradient checker at every level") {
  const auto x = all();
  const ode::Tsit5 tight{.control = ode::Adaptive{.relative = 1e-11, .absolute = 1e-11}};
  for (const auto& report : {check_gradient(flat_solve(ode::Rk4{.substeps = 2}, ode::Checkpointed{3}), x.tensor()),
                             check_gradient(flat_solve(tight, ode::Checkpointed{3}), x.tensor())}) {
    INFO(report);
    CHECK(report.passed());
  }
}

TEST_CASE("a checkpointed solve takes less memory, in the first step and no more in later ones") {
  const auto p = weights.tensor(), c = context.tensor();
  const auto x0 = numbers({256, 2}, 13, 0.6);
  const double ends[] = {0, 1};
  const auto used = [&](const auto& adjoint) {
    Workspace<HostMemory> workspace;
    const Workspace<HostMemory>::Scope scope(workspace);
    Tape<Tensor<B>> tape;
    std::vector<std::size_t> capacity;
    for (int step = 0; step < 3; ++step) {
      workspace.reset();
      tape.reset();
      const auto in = tape.leaf(p), shift = tape.leaf(c);
      const auto y = ode::solve(ode::Rk4{.substeps = 400}, ode::parametrised(MakeField{}, in, shift), x0, ends, adjoint);
      sweep(y, zeros_like(y.value));
      capacity.push_back(workspace.capacity() + tape.capacity());
    }
    CHECK(capacity[1] == capacity[0]);
    CHECK(capacity[2] == capacity[0]);
    return capacity[0];
  };
  const std::size_t direct = used(ode::Direct{});
  CHECK(used(ode::Checkpointed{20}) * 5 < direct);
}

}  // namespace ode_checkpoint_test
