// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <string>

#include <moesaic/expert/context_flow.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/ode/tsit5.hpp>

#include "support/numbers.hpp"

namespace context_flow_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

/// `dx/dt = context^power`, whatever x is; quadratic in the context, the expansion to order 2 is exact.
template <int power = 2>
struct PowerOfContext {
  Index state = 1, context = 1;
  void layout(Layout&) const {}
  template <class X>
  static X of(const X& context_rows) {
    return power == 2 ? square(context_rows) : square(context_rows) * context_rows;
  }
  template <class X>
  auto bind(Slots<X>&, const X& context_rows, Index n) const {
    const X c = broadcast_to(reshape(of(context_rows), {shape(context_rows)[0], 1, 1}), {shape(context_rows)[0], n, 1});
    return [c](double, const X& x) { return c + 0.0 * x; };
  }
};

/// Value after one time unit from 0.
template <class Flow>
std::vector<double> end_of(const Flow& flow, const Array<B>& p, const Array<B>& about, const Array<B>* displacement, Index state) {
  const Index environments = about.shape()[0], n = 3;
  const double times[] = {0, 1};
  Situation<Tensor<B>> s;
  s.context = about;
  if (displacement) s.displacement = *displacement;
  const Array<B> initial = numbers({environments, n, state}, 5, 0.5);
  const Array<B> one({environments, 1, 1}, std::vector<double>(std::size_t(environments), 1.0));
  s.initial = initial;
  s.rate = one;
  s.times = times;
  return to_host(slice(flow(p.tensor(), s), 0, 1, 1));
}

template <class Flow>
double expansion_error(const Flow& flow, double size) {
  const auto p = initial_parameters<B>(layout_of(flow), Random(2));
  const auto about = numbers({2, flow.context()}, 1), displacement = numbers({2, flow.context()}, 2, size);
  const Array<B> at(about.tensor() + displacement.tensor());
  const auto expanded = end_of(flow, p, about, &displacement, flow.state());
  const auto exact = end_of(flow, p, at, nullptr, flow.state());
  double worst = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) worst = std::max(worst, std::abs(exact[i] - expanded[i]));
  return worst;
}

template <class Field>
void check_order(const std::string& name, Field field) {
  INFO(name);
  field.context = 4;
  for (int order : {1, 2}) {
    ContextFlow<Field> flow{.field = field, .taylor = order};
    const double coarse = expansion_error(flow, 0.02), fine = expansion_error(flow, 0.01);
    INFO("order " << order << ": " << coarse << " -> " << fine);
    CHECK(std::log2(coarse / fine) > order + 0.6);
    CHECK(std::log2(coarse / fine) < order + 1.6);
  }
}

/// What one sweep through a flow gives, and the bytes that it takes.
struct Swept {
  std::vector<double> value;
  std::array<std::vector<double>, 4> gradient;  ///< with respect to parameters, contexts, displacements and rates
  std::size_t bytes;
};
template <class Flow>
Swept swept(const Flow& flow) {
  const Index environments = 2, n = 40;
  const double times[] = {0, 0.4, 1, 1.1};
  const auto p = initial_parameters<B>(layout_of(flow), Random(2));
  const auto about = numbers({environments, flow.context()}, 1), displacement = numbers({environments, flow.context()}, 2, 0.3);
  const auto rate = numbers({environments, 1, 1}, 3), initial = numbers({environments, n, flow.state()}, 4, 0.5);
  const auto seed = numbers({4, environments, n, flow.state()}, 5);
  Workspace<HostMemory> workspace;
  const Workspace<HostMemory>::Scope scope(workspace);
  Tape<Tensor<B>> tape;
  const std::array in{tape.leaf(p), tape.leaf(about), tape.leaf(displacement), tape.leaf(rate)};
  Situation<Var<Tensor<B>>> s;
  s.context = in[1];
  s.displacement = in[2];
  s.initial = initial;
  s.rate = in[3];
  s.times = times;
  const auto y = flow(in[0], s);
  sweep(y, seed.tensor());
  Swept out{.value = to_host(y.value), .gradient = {}, .bytes = workspace.capacity() + tape.capacity()};
  for (std::size_t i = 0; i < in.size(); ++i)
    if (const auto& g = in[i].node->adjoint) out.gradient[i] = to_host(g);
  return out;
}

template <class Solver>
void check_adjoint(const Solver& solver) {
  const Coda<> field{{.context = 3, .width = 8}};
  for (int order : {0, 1, 2}) {
    INFO(std::string(Solver::name) << ", Taylor order " << order);
    const auto direct = swept(ContextFlow<Coda<>, Solver>{.field = field, .solver = solver, .taylor = order});
    const auto kept = swept(ContextFlow<Coda<>, Solver, ode::Checkpointed>{
        .field = field, .solver = solver, .taylor = order, .adjoint = {10}});
    CHECK(kept.value == direct.value);
    for (std::size_t i = 0; i < direct.gradient.size(); ++i) {
      REQUIRE(kept.gradient[i].size() == direct.gradient[i].size());
      CHECK(direct.gradient[i].empty() == (i == 2 && order == 0));
      for (std::size_t j = 0; j < direct.gradient[i].size(); ++j)
        CHECK(kept.gradient[i][j] == doctest::Approx(direct.gradient[i][j]).epsilon(1e-11));
    }
    CHECK(kept.bytes * 2 < direct.bytes);
  }
}

TEST_CASE("parameter counts are those of the MixER paper") {
  CHECK(layout_of(ContextFlow<ThreeNetworks<>>{.field = {.context = 4}}).size() == 13404);
  CHECK(layout_of(ContextFlow<ThreeNetworks<>>{.field = {.context = 40}}).size() == 15588);
  CHECK(layout_of(ContextFlow<ThreeNetworks<>>{.field = {.context = 2}}).size() == 13240);
  CHECK(layout_of(ContextFlow<Coda<>>{.field = {{.context = 4}}}).size() == 22421);
  CHECK(layout_of(ContextFlow<Geps<>>{.field = {{.context = 4}}}).size() == 6053);
  Layout gate;
  gate::KMeansLeastSquares{}.layout(gate, 40, 10);
  CHECK(gate.size() == 410);
}

TEST_CASE("the networks of neural context flows have their published sizes") {
  // Context net D -> D/4 -> I -> I, data net d -> I -> I -> I, main net 2I -> I -> I -> I -> d.
  const auto field = [](Index state, Index context, Index interface) {
    return ThreeNetworks<>{.state = state,
                           .context = context,
                           .width = interface,
                           .interface = interface,
                           .data_hidden = {interface, interface},
                           .context_hidden = {context / 4, interface}};
  };
  // The seven factors of swish, one for each hidden layer: two of the context net, two of the data net, three of the main net. The
  // published counts have them twice, because the released code holds every activation twice.
  constexpr Index counted_again = 7;
  for (const auto& [state, context, interface, published] :
       {std::array<Index, 4>{2, 1024, 64, 308240},  // Lotka and Volterra
        std::array<Index, 4>{7, 256, 122, 131149},  // glycolysis
        std::array<Index, 4>{2, 256, 64, 50000}}) { // Sel'kov, the pendulum
    const auto f = field(state, context, interface);
    CHECK(layout_of(f).size() + counted_again == published);
    CHECK(layout_of(ContextFlow<ThreeNetworks<>>{.field = f}).size() == layout_of(f).size() + 1);  // the shift, which MixER adds
    Index factors = 0;
    for (const auto& e : layout_of(f).entries()) factors += e.name.find(".beta") != std::string::npos;
    CHECK(factors == counted_again);
  }
}

TEST_CASE("hidden layers are given, or interpolated between input and output") {
  const auto widths = [](const HiddenLayers& hidden, Index in, Index out) {
    const Widths w = hidden.between(in, out);
    std::vector<Index> all;
    for (int i = 0; i <= w.layers(); ++i) all.push_back(w[i]);
    return all;
  };
  CHECK(widths({256, 64}, 1024, 64) == std::vector<Index>{1024, 256, 64, 64});
  CHECK(widths({}, 3, 5) == std::vector<Index>{3, 5});
  CHECK(widths(HiddenLayers::geometric(0), 3, 5) == std::vector<Index>{3, 5});
  CHECK(widths(HiddenLayers::geometric(2), 2, 54) == std::vector<Index>{2, 6, 18, 54});
  CHECK(widths(HiddenLayers::geometric(1), 40, 32) == std::vector<Index>{40, 36, 32});  // 35.8, down and up to an even number
  CHECK_THROWS_WITH_AS((HiddenLayers{64, 0}), "HiddenLayers: layer 2 has width 0; expected at least 1", Error);
  CHECK_THROWS_WITH_AS(HiddenLayers::geometric(-1), "HiddenLayers: a depth of -1; expected at least 0", Error);
}

TEST_CASE("a gated hidden layer has twice the weights, also those that move with the context") {
  CHECK(layout_of(ContextFlow<ThreeNetworks<activation::Glu>>{.field = {.context = 4}}).size() == 25963);
  CHECK(layout_of(ContextFlow<Coda<activation::Glu>>{.field = {{.context = 4}}}).size() == 44171);
  CHECK(layout_of(ContextFlow<Geps<activation::Glu>>{.field = {{.context = 4}}}).size() == 11419);
}

/// The expansion about 1 at 3 of the field `context^power`: what it adds to a state in one time unit.
template <int power>
double expanded(int order) {
  const double one[] = {1.0}, two[] = {2.0}, zero[] = {0.0};
  const Array<B> about({1, 1}, one), displacement({1, 1}, two), shift({1}, zero), none({1, 1}, zero);
  const ContextFlow<PowerOfContext<power>> flow{.field = {}, .taylor = order};
  const double risen = end_of(flow, shift, about, &displacement, 1)[0], plain = end_of(flow, shift, about, &none, 1)[0];
  return risen - plain + 1;  // without displacement it adds 1
}

/// The same to order 2 as neural context flows have it, without a Hessian: `f + 3/2 g + 1/2 dg`, where `g(xi) = f'(xi) (3 - xi)`
/// is a derivative along the way to 3 and `dg` that of g.
template <int power>
double expanded_by_derivatives() {
  using X = Tensor<B>;
  const double one[] = {1.0}, two[] = {2.0}, three[] = {3.0};
  const Array<B> about({1}, one), displacement({1}, two), at({1}, three);
  const auto g = [&]<class A>(const A& xi) {
    return PowerOfContext<power>::template of<Dual<A>>({xi, A(at.tensor()) - xi}).tangent;
  };
  const double f = PowerOfContext<power>::template of<X>(about).data()[0];
  const Dual<X> slope = g(Dual<X>(about, displacement));
  CHECK(slope.value.data()[0] == doctest::Approx(g(X(about)).data()[0]));
  return f + 1.5 * slope.value.data()[0] + 0.5 * slope.tangent.data()[0];
}

TEST_CASE("the expansion in the context has its worked values and is exact for a quadratic field") {
  CHECK(expanded<2>(0) == doctest::Approx(1));
  CHECK(expanded<2>(1) == doctest::Approx(5));
  CHECK(expanded<2>(2) == doctest::Approx(9));
}

TEST_CASE("order 2 is what two nested directional derivatives give") {
  CHECK(expanded_by_derivatives<2>() == doctest::Approx(9));   // 1 + 6 + 2
  CHECK(expanded_by_derivatives<3>() == doctest::Approx(19));  // 1 + 9 + 9; the field itself is 27 there
  CHECK(expanded<3>(2) == doctest::Approx(19));
}

TEST_CASE("the error of an expansion of order k falls with the displacement to the power k + 1") {
  check_order("three networks", ThreeNetworks<>{.data_hidden = {8, 6}, .context_hidden = {}});
  check_order("CoDA", Coda<>{});
  check_order("GEPS", Geps<>{});
}

TEST_CASE("equal contexts make all orders equal") {
  ContextFlow<ThreeNetworks<>> flow{.field = {.context = 4}};
  const auto p = initial_parameters<B>(layout_of(flow), Random(2));
  const auto about = numbers({2, 4}, 1);
  const Array<B> zero(Shape{2, 4});
  const auto direct = end_of(flow, p, about, nullptr, 2);
  for (int order : {0, 1, 2}) {
    flow.taylor = order;
    const auto y = end_of(flow, p, about, &zero, 2);
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(direct[i]).epsilon(1e-13));
  }
}

TEST_CASE("a checkpointed flow has the values and gradients of a direct one, in less memory") {
  check_adjoint(ode::Rk4{.substeps = 30});
  check_adjoint(ode::Tsit5{.control = ode::Adaptive{.relative = 1e-10, .absolute = 1e-10}});
}

}  // namespace context_flow_test
