// expect: Moesaic: the problem given to fit lacks evaluate(step, gradient) -> Losses [docs/training.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/backend/cpu.hpp>
#include <moesaic/train/fit.hpp>

using namespace moesaic;

struct Mine {
  using Backend = Cpu<float>;
#ifdef CONTROL
  Losses evaluate(const Step&, const Tensor<Cpu<float>>&) { return 1.0; }
#endif
};

void train(Mine& problem, const Array<Cpu<float>>& parameters) { fit(problem, {{.parameters = parameters}}); }
