// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// W8: a training step of a classifier 784-512-512-10 (relu): 128 samples, mean cross-entropy, SGD with rate 0.01.
// --size gemm: one product of 1024 x 1024 matrices.
#include <moesaic/expert/mlp.hpp>

#include "support/harness.hpp"

namespace {

using namespace bench;

struct Descend {
  double rate;
  template <class S>
  S operator()(const S& p, const S& g) const { return p - constant<S>(rate) * g; }
};

template <class T>
class Classifier {
  using B = Cpu<T>;
  static constexpr Index samples = 128, classes = 10;
  static constexpr double rate = 0.01;

 public:
  const char* name = "W8_mlp";
  std::string sizes() const { return "\"layers\": [784, 512, 512, 10], \"batch\": 128"; }
  double flops() const { return 2.0 * samples * (3 * (784 * 512 + 512 * 512 + 512 * 10) - 784 * 512); }

  explicit Classifier(Problem<T>& problem) : x_(problem.array("in_x", {samples, 784})), target_({samples, classes}) {
    const auto labels = problem.array("in_labels", {samples}, problem.dumped() ? 1 : 0);
    for (Index i = 0; i < samples; ++i) target_.data()[i * classes + Index(labels.data()[i])] = 1;
    parameters_ = Array<B>({layout_.size()});
    gradient_ = Array<B>({layout_.size()});
    for (const auto& e : layout_.entries())
      B::copy(view(parameters_.tensor(), e.offset, e.shape), problem.weights("param_" + peer_name(e), e.shape, 512));
  }

  void check(Problem<T>& problem) {
    Array<B> loss(Shape{});
    loss.data()[0] = gradients([&](const Tensor<B>& g) { B::copy(gradient_, g); });
    problem.compare("loss", loss);
    for (const auto& e : layout_.entries()) problem.compare("grad_" + peer_name(e), view(gradient_.tensor(), e.offset, e.shape));
  }

  T step() {
    return gradients([&](const Tensor<B>& g) { B::map(parameters_, Descend{rate}, parameters_.tensor(), g); });
  }
  std::size_t bytes() const { return lanes_.capacity(); }

 private:
  /// Mean cross-entropy of the samples, for any array type of the parameters.
  template <class X>
  X loss_of(const X& parameters) const {
    return (-1.0 / samples) * sum(log_softmax(net_(parameters, X(x_.tensor()))) * target_);
  }

  template <class F>
  T gradients(const F& use) {
    T loss = 0;
    lanes_.run(1, [&](Tape<Tensor<B>>& tape, Index) {
      const auto parameters = tape.leaf(parameters_.tensor());
      const auto y = loss_of(parameters);
      sweep(y, one<B>());
      use(parameters.node->adjoint);
      loss = y.value.data()[0];
    });
    return loss;
  }
  static std::string peer_name(const Layout::Entry& e) { return (e.shape.rank() == 2 ? "W" : "b") + e.name.substr(e.name.size() - 1); }

  const Mlp<activation::Relu> net_{{784, 512, 512, classes}};
  const Layout layout_ = layout_of(net_);
  Array<B> x_, target_;  ///< target: one-hot
  Array<B> parameters_, gradient_;
  Lanes<Tensor<B>> lanes_;
};

template <class T>
class Product {
  using B = Cpu<T>;
  static constexpr Index n = 1024;

 public:
  const char* name = "W8_gemm1024";
  std::string sizes() const { return "\"m\": 1024, \"n\": 1024, \"k\": 1024"; }
  double flops() const { return 2.0 * n * n * n; }

  explicit Product(Problem<T>&) {
    Options none;
    Problem<T> drawn(none);
    a_ = drawn.array("a", {n, n});
    b_ = drawn.array("b", {n, n});
  }
  void check(Problem<T>&) {
    const Scratch<HostMemory> scratch;
    const auto c = matmul(a_.tensor(), b_.tensor());
    for (Index i = 0; i < n; i += 31) {
      const Index j = i * 7 % n;
      double sum = 0;
      for (Index k = 0; k < n; ++k) sum += double(a_.data()[i * n + k]) * double(b_.data()[k * n + j]);
      require(std::abs(sum - double(c.data()[i * n + j])) < 1e-3, "the product is wrong at ", i, ", ", j);
    }
  }
  double step() {
    const Scratch<HostMemory> scratch;
    return double(matmul(a_.tensor(), b_.tensor()).data()[0]);
  }
  std::size_t bytes() const { return Workspace<HostMemory>::current().capacity(); }

 private:
  Array<B> a_, b_;
};

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string(argv[i]) == "gemm") return bench::run<Product>(argc, argv);
  return bench::run<Classifier>(argc, argv);
}
