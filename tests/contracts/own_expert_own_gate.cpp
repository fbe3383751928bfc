// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <iostream>

#include <moesaic/moesaic.hpp>
using namespace moesaic;

// docs: expert
/// y = (a x + b) x + c, feature by feature.
struct Parabola {
  Index features = 1;

  Index inputs() const { return features; }
  void layout(Layout& l) const {
    for (const char* name : {"a", "b", "c"}) l.add(name, {features}, init::uniform(-1, 1));
  }
  template <class X>
  X operator()(const X& parameters, const X& x) const {
    Slots<X> slots(parameters);
    const X a = slots.take({features}), b = slots.take({features}), c = slots.take({features});
    return (a * x + b) * x + c;
  }
};
// docs: end

// docs: gate
/// The nearer an expert's prototype, the larger its weight: softmax of -sharpness |z - prototype|^2.
struct Nearest {
  double sharpness = 50;

  using codomain = gate::codomain::Simplex;
  void layout(Layout& l, Index features, Index experts) const { l.add("prototype", {experts, features}, init::uniform(0, 1)); }
  template <class X>
  gate::GateOutput<X> operator()(Slots<X>& slots, const X& z, Index experts, const Random*) const {
    const X p = slots.take({experts, shape(z)[1]});
    const X size = reshape(sum_last(square(p)), {experts});
    const X logits = sharpness * (2.0 * matmul(z, transpose(p)) - size);  // but for |z|^2, the same for all experts
    return {softmax(logits), logits};
  }
};
// docs: end

int main() {
  std::vector<float> x(512), y(512);  // two arches
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = float(Random(1).uniform(i));
    y[i] = x[i] < 0.5f ? 16 * x[i] * (0.5f - x[i]) : 16 * (x[i] - 0.5f) * (x[i] - 1);
  }
  const auto model = mixture(experts<2>(Parabola{}), Nearest{}, flow::Identity{}, loss::mse);
  Supervised problem(model, Array<Cpu<float>>({512, 1}, x), Array<Cpu<float>>({512, 1}, y), {.batch = 64});
  const auto run = fit(problem, problem.players(3e-2), {.iterations = 400});
  std::cout << run;
  return run.best_validation < 1e-3 ? 0 : 1;
}
