// expect: Moesaic: the problem given to fit lacks `using Backend = ...` [docs/training.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/backend/cpu.hpp>
#include <moesaic/train/fit.hpp>

using namespace moesaic;

struct Mine {
#ifdef CONTROL
  using Backend = Cpu<float>;
#endif
  Losses evaluate(const Step&, const Tensor<Cpu<float>>&) { return 1.0; }
};

void train(Mine& problem, const Array<Cpu<float>>& parameters) { fit(problem, {{.parameters = parameters}}); }
