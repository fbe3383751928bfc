// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// W5: negative log-likelihood of a Real NVP flow and its gradient: 8 affine couplings of dimension 64, batch 4096. Coupling i
// transforms one half z = o exp(s) + t, where s = tanh(s') and [s' ; t] = MLP 32-128-128-64 (relu) of the other half. Ours has the
// gradient of a scale of tanh, which is 1, too.
#include <moesaic/flow/real_nvp.hpp>

#include "support/harness.hpp"

namespace {

using namespace bench;

template <class T>
class RealNvp {
  using B = Cpu<T>;
  static constexpr Index couplings = 8, half = 32, hidden = 128, samples = 4096, parts = 4, pieces = 4;

 public:
  const char* name = "W5_realnvp";
  std::string sizes() const { return "\"layers\": 8, \"dim\": 64, \"hidden\": 128, \"batch\": 4096"; }
  double flops() const {
    const double first = 2.0 * samples * half * hidden;
    return 3 * 2.0 * samples * couplings * (half * hidden + hidden * hidden + hidden * 2 * half) - first;
  }

  explicit RealNvp(Problem<T>& problem) : x_(problem.array("in_x", {samples, 2 * half})) {
    parameters_ = initial_parameters<B>(layout_, Random(1));
    gradient_ = Array<B>({layout_.size()});
    gradients_ = Array<B>({parts, layout_.size()});
    each_weight([&](const std::string& peer, const Shape& all, auto&& place) {
      const auto values = problem.weights("param_" + peer, all, all.rank() == 3 ? all[1] : hidden);
      for (Index i = 0; i < couplings; ++i) B::copy(place(parameters_, i), values.tensor().rows(i, 1));
    });
  }

  void check(Problem<T>& problem) {
    Array<B> loss(Shape{});
    loss.data()[0] = step();
    problem.compare("loss", loss);
    each_weight([&](const std::string& peer, const Shape& all, auto&& place) {
      Array<B> ours(all);
      for (Index i = 0; i < couplings; ++i) B::copy(ours.tensor().rows(i, 1), place(gradient_, i));
      problem.compare("grad_" + peer, ours);
    });
  }

  /// Parts of the batch are independent. Each adds up the gradients of its pieces, small enough for the caches, in a place of its
  /// own; these are added in order.
  T step() {
    std::array<T, parts> losses;
    lanes_.run(parts, [&](Tape<Tensor<B>>& tape, Index part) {
      const auto sum = gradients_.tensor().rows(part, 1).reshape(parameters_.shape());
      B::fill(sum, T(0));
      T& loss = losses[std::size_t(part)] = 0;
      for (Index piece = 0; piece < pieces; ++piece) {
        const Scratch<HostMemory> scratch;
        const auto mark = tape.mark();
        const auto parameters = tape.leaf(parameters_.tensor());
        parameters.node->adjoint = sum;
        parameters.node->owned = true;
        const Index rows = samples / (parts * pieces);
        const auto y = negative_log_likelihood(parameters, x_.tensor().rows((part * pieces + piece) * rows, rows));
        sweep(y, one<B>());
        loss += y.value.data()[0];
        tape.rewind(mark);
      }
    });
    B::sum_to(gradient_, gradients_);
    T loss = 0;
    for (T l : losses) loss += l;
    return loss;
  }
  std::size_t bytes() const { return lanes_.capacity(); }

 private:
  template <class X>
  X negative_log_likelihood(const X& parameters, const Tensor<B>& x) const {
    Slots<X> slots(parameters);
    const auto image = flow_.forward(slots, X(x));
    return (1.0 / samples) * (0.5 * sum(square(image.z)) - sum(image.log_det));  // without its constant
  }

  /// Calls `f(peer's name, shape there, (array, coupling) -> our part of it)`.
  template <class F>
  void each_weight(const F& f) {
    for (const auto& e : layout_.entries()) {
      if (!e.name.starts_with("0.") || e.name == "0.scale") continue;
      Shape all{couplings};
      for (int a = 0; a < e.shape.rank(); ++a) all.push_back(e.shape[a]);
      f((e.shape.rank() == 2 ? "W" : "b") + e.name.substr(e.name.size() - 1), all, [&](const Array<B>& flat, Index i) {
        return view(flat.tensor(), i * layout_.size() / couplings + e.offset, e.shape);
      });
    }
  }

  const flow::RealNvp<> flow_{.features = 2 * half, .couplings = couplings, .hidden = {hidden, hidden}};
  const Layout layout_ = layout_of(flow_);
  Array<B> x_, parameters_, gradient_, gradients_;
  Lanes<Tensor<B>> lanes_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<RealNvp>(argc, argv); }
