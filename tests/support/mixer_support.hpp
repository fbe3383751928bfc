// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include <moesaic/expert/context_flow.hpp>
#include <moesaic/flow/identity.hpp>
#include <moesaic/gate/kmeans_least_squares.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/mixture.hpp>

#include "support/numbers.hpp"

/// What the tests of contextual mixtures share.
namespace mixer_test {

using namespace moesaic;
using test_support::numbers;

/// Trajectories that no model here can have made, evenly spaced, every environment in steps of its own.
inline data::Trajectories waves(Index environments, Index trajectories, Index points, Index state = 2) {
  Array<Cpu<double>> states({environments, trajectories, points, state}), times({environments, points});
  for (Index i = 0; i < states.size(); ++i) states.data()[i] = std::sin(0.7 * double(i)) + 0.1 * std::cos(3.1 * double(i));
  for (Index e = 0; e < environments; ++e)
    for (Index t = 0; t < points; ++t) times.data()[e * points + t] = 0.5 + 0.1 * double(1 + e % 4) * double(t);
  return data::measured(std::move(states), times, "waves");
}

/// `dx/dt = x A + context`: cheap, and the solution for given weights and contexts is known.
struct LinearField {
  Index state = 2, context = 2;

  void layout(Layout& l) const {
    require(context == state, "LinearField: ", context, " contexts for ", state, " states");
    l.add("matrix", {state, state}, init::uniform(-0.7, 0.7));
  }
  template <class X>
  auto bind(Slots<X>& slots, const X& context_rows, Index) const {
    const X a = slots.take({state, state}), c = reshape(context_rows, {shape(context_rows)[0], 1, context});
    return [a, c](double, const X& x) { return matmul(x, a) + c; };
  }
};

/// Trajectories of `dx/dt = x A + c`, solved in many small steps; `matrix` and `c` by environment.
inline data::Trajectories linear_systems(const std::vector<std::vector<double>>& matrix, const std::vector<std::vector<double>>& c,
                                         Index trajectories, Index points, double horizon = 1) {
  const auto environments = Index(matrix.size()), d = Index(c[0].size());
  Array<Cpu<double>> states({environments, trajectories, points, d}), times({points});
  for (Index t = 0; t < points; ++t) times.data()[t] = horizon * double(t) / double(points - 1);
  Random random(5);
  const auto field = [&](std::size_t e, const std::vector<double>& x) {
    std::vector<double> dx = c[e];
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t j = 0; j < x.size(); ++j) dx[j] += x[i] * matrix[e][i * x.size() + j];
    return dx;
  };
  constexpr int substeps = 20;
  const double h = horizon / double(points - 1) / substeps;
  for (Index e = 0; e < environments; ++e)
    for (Index j = 0; j < trajectories; ++j) {
      std::vector<double> x(std::size_t(d), 0.0);
      for (auto& v : x) v = random.next_uniform(-1, 1);
      for (Index t = 0; t < points; ++t) {
        std::copy(x.begin(), x.end(), states.data() + ((e * trajectories + j) * points + t) * d);
        for (int s = 0; s < substeps; ++s) {
          const auto moved = [&](const std::vector<double>& k, double by) {
            auto y = x;
            for (std::size_t i = 0; i < y.size(); ++i) y[i] += by * k[i];
            return y;
          };
          const auto n = std::size_t(e);
          const auto k1 = field(n, x), k2 = field(n, moved(k1, h / 2)), k3 = field(n, moved(k2, h / 2)), k4 = field(n, moved(k3, h));
          for (std::size_t i = 0; i < x.size(); ++i) x[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
        }
      }
    }
  return data::measured(std::move(states), times, "linear systems");
}

/// Six environments of two kinds, with forces of their own: three trajectories at five times.
inline data::Trajectories two_kinds() {
  std::vector<std::vector<double>> matrix, force;
  for (Index e = 0; e < 6; ++e) {
    matrix.push_back(e % 2 ? std::vector<double>{-0.5, 1.5, -1.5, -0.5} : std::vector<double>{0.4, 0, 0, -1});
    force.push_back({0.1 * double(e), e % 2 ? 0.5 : -0.5});
  }
  return linear_systems(matrix, force, 3, 5);
}

template <class Field, class Gate, class Loss>
auto contextual(Index count, const Field& field, const Gate& gate, const Loss& loss, int taylor = 0, bool same_start = false) {
  auto bank = experts(count, ContextFlow<Field>{.field = field, .solver = {}, .taylor = taylor});
  bank.same_start = same_start;
  return mixture(bank, gate, flow::Identity{}, loss);
}

/// The message of the error that `f` raises.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace mixer_test
