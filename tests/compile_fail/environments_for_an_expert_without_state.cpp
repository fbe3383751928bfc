// expect: Moesaic: the contextual Expert policy lacks state() const, the size of a state, which training on environments needs [docs/expert.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/train/environments.hpp>

using namespace moesaic;
using B = Cpu<float>;

struct Mine {
  static constexpr bool contextual = true;
  Index context() const { return 1; }
#ifdef CONTROL
  Index state() const { return 1; }
#endif
  void layout(Layout&) const {}
  template <class X>
  X operator()(const X&, const Situation<X>& s) const { return X(s.initial); }
};

void train(const EnvironmentData<B>& data) {
  const auto model = mixture(experts<2>(Mine{}), gate::Softmax{}, flow::Identity{}, loss::mse);
  EnvironmentTraining training(model, data);
}
