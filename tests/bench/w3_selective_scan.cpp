// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// W3: the selective scan of a Mamba block, delta = softplus(delta_pre), a = -exp(A_log), loss = 100 mean(y g): its value and the
// gradients of all six inputs. --size a: 32 x 96 x 256 channels x 16 states; b: 8 x 720 x 512 x 16; af, bf: y alone.
#include <moesaic/ops/selective_scan.hpp>

#include "support/harness.hpp"

namespace {

using namespace bench;

template <class T>
class Scan {
  using B = Cpu<T>;
  using X = Tensor<B>;

 public:
  const char* name = "W3_selective_scan";
  std::string sizes() const {
    std::ostringstream out;
    out << "\"B\": " << batch_ << ", \"L\": " << steps_ << ", \"D\": " << channels_ << ", \"N\": " << states_;
    return out.str();
  }
  /// exp, which is counted apart, is none of them.
  double flops() const { return (forward_ ? 6.0 : 28.0) * double(batch_ * steps_ * channels_ * states_); }

  explicit Scan(Problem<T>& problem)
      : large_(problem.size().starts_with("b")), forward_(problem.size().ends_with("f")), batch_(large_ ? 8 : 32),
        steps_(large_ ? 720 : 96), channels_(large_ ? 512 : 256),
        in_{problem.array("param_u", {batch_, steps_, channels_}), problem.array("param_delta_pre", {batch_, steps_, channels_}),
            problem.array("param_A_log", {channels_, states_}), problem.array("param_B", {batch_, steps_, states_}),
            problem.array("param_C", {batch_, steps_, states_}), problem.array("param_D", {channels_})},
        g_(problem.array("in_g", {batch_, steps_, channels_})) {
    for (const auto* x : {&in_.u, &in_.delta, &in_.a, &in_.b, &in_.c, &in_.d}) gradient_.emplace_back(x->shape());
  }

  void check(Problem<T>& problem) {
    if (forward_) {
      lanes_.run(1, [&](Tape<X>&, Index) { problem.compare("out_y", scan(tensors())); });
      return;
    }
    Array<B> loss(Shape{});
    loss.data()[0] = gradients([&](std::size_t i, const X& g) { B::copy(gradient_[i], g); });
    problem.compare("loss", loss);
    const char* const names[] = {"u", "delta_pre", "A_log", "B", "C", "D"};
    for (std::size_t i = 0; i < gradient_.size(); ++i) problem.compare(std::string("grad_") + names[i], gradient_[i]);
  }

  T step() {
    if (!forward_) return gradients([](std::size_t, const X&) {});
    T first = 0;
    lanes_.run(1, [&](Tape<X>&, Index) { first = scan(tensors()).data()[0]; });
    return first;
  }
  std::size_t bytes() const { return lanes_.capacity(); }

 private:
  template <class Y>
  static Y scan(const SelectiveInputs<Y>& in) {
    return selective_scan(in.u, softplus(in.delta), -exp(in.a), in.b, in.c, in.d);
  }
  SelectiveInputs<X> tensors() const { return {in_.u, in_.delta, in_.a, in_.b, in_.c, in_.d}; }
  template <class F>
  T gradients(const F& use) {
    T loss = 0;
    lanes_.run(1, [&](Tape<X>& tape, Index) {
      const SelectiveInputs<Var<X>> in{tape.leaf(in_.u), tape.leaf(in_.delta), tape.leaf(in_.a),
                                       tape.leaf(in_.b), tape.leaf(in_.c),     tape.leaf(in_.d)};
      const auto y = (100.0 / double(g_.size())) * sum(scan(in) * g_);
      sweep(y, one<B>());
      std::size_t i = 0;
      for (const auto* x : {&in.u, &in.delta, &in.a, &in.b, &in.c, &in.d}) use(i++, x->node->adjoint);
      loss = y.value.data()[0];
    });
    return loss;
  }

  bool large_, forward_;
  Index batch_, steps_, channels_, states_ = 16;
  SelectiveInputs<Array<B>> in_;
  Array<B> g_;
  std::vector<Array<B>> gradient_;
  Lanes<X> lanes_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<Scan>(argc, argv); }
