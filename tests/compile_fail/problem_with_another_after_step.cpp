// expect: Moesaic: after_step of the problem given to fit does not take (step) [docs/training.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/backend/cpu.hpp>
#include <moesaic/train/fit.hpp>

using namespace moesaic;

struct Mine {
  using Backend = Cpu<float>;
  Losses evaluate(const Step&, const Tensor<Cpu<float>>&) { return 1.0; }
#ifdef CONTROL
  void after_step(const Step&) {}
#else
  void after_step() {}
#endif
};

void train(Mine& problem, const Array<Cpu<float>>& parameters) { fit(problem, {{.parameters = parameters}}); }
