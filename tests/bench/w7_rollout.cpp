// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// W7b: one trajectory of one of W1's experts, without gradients: RK4, 20 steps of 0.05 from x0 [2] with a context [40].
#include "support/context_field.hpp"
#include "support/harness.hpp"

namespace {

using namespace bench;

template <class T>
class RollOut {
  using B = Cpu<T>;
  static constexpr Index state = 2, context = 40, hidden = 64;
  static constexpr int steps = 20;

 public:
  const char* name = "W7_infer_latency";
  std::string sizes() const { return "\"size\": \"w1\", \"steps\": 20, \"hidden\": 64, \"evaluations\": 80"; }
  double flops() const { return 4 * steps * 2.0 * (2 * state * hidden + 2 * hidden * hidden) + 2.0 * context * hidden; }

  explicit RollOut(Problem<T>& problem)
      : x0_(problem.array("in_x0", {1, state})), context_(problem.array("in_context", {1, context}, 0.1)) {
    const Layout layout = layout_of(field_);
    parameters_ = Array<B>({layout.size()});
    for (std::size_t i = 0; i < layout.entries().size(); ++i) {
      const auto& e = layout.entries()[i];
      const std::string number = std::to_string(i / 2 + 1);
      const auto to = view(parameters_.tensor(), e.offset, e.shape);
      if (e.shape.rank() == 2)  // the peer keeps [out, in]
        B::transpose(to, problem.weights("param_W" + number, {e.shape[1], e.shape[0]}, e.shape[0]));
      else
        B::copy(to, problem.weights("param_b" + number, e.shape, hidden));
    }
  }

  void check(Problem<T>& problem) {
    const Scratch<HostMemory> scratch;
    problem.compare("out_y", trajectory());
  }

  double step() {
    const Scratch<HostMemory> scratch;
    const auto states = trajectory();
    double sum = 0;
    for (Index i = 0; i < states.size(); ++i) sum += double(states.data()[i]);
    return sum;
  }
  std::size_t bytes() const { return Workspace<HostMemory>::current().capacity(); }

 private:
  /// The states after each step, `[steps, 1, state]`.
  Tensor<B> trajectory() const {
    Slots<Tensor<B>> slots(parameters_.tensor());
    const std::int32_t environment[] = {0};
    const ContextField<Tensor<B>> f(field_.bind(slots), context_.tensor(), state, environment);
    return slice(ode::solve(ode::Rk4{}, f, x0_.tensor(), save_times<steps>(0.05)), 0, 1, steps);
  }

  const Mlp<> field_{{state + context, hidden, hidden, hidden, state}};
  Array<B> x0_, context_, parameters_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<RollOut>(argc, argv); }
