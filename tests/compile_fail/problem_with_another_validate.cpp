// expect: Moesaic: validate of the problem given to fit does not take () and return a number [docs/training.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/backend/cpu.hpp>
#include <moesaic/train/fit.hpp>

using namespace moesaic;

struct Mine {
  using Backend = Cpu<float>;
  Losses evaluate(const Step&, const Tensor<Cpu<float>>&) { return 1.0; }
#ifdef CONTROL
  double validate() { return 0; }
#else
  double validate(const Step&) { return 0; }
#endif
};

void train(Mine& problem, const Array<Cpu<float>>& parameters) { fit(problem, {{.parameters = parameters}}); }
