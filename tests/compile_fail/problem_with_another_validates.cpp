// expect: Moesaic: validates of the problem given to fit is not `bool validates() const` beside a validate [docs/training.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/backend/cpu.hpp>
#include <moesaic/train/fit.hpp>

using namespace moesaic;

struct Mine {
  using Backend = Cpu<float>;
  Losses evaluate(const Step&, const Tensor<Cpu<float>>&) { return 1.0; }
  double validate() { return 0; }
#ifdef CONTROL
  bool validates() const { return true; }
#else
  bool validates(const Step&) const { return true; }
#endif
};

void train(Mine& problem, const Array<Cpu<float>>& parameters) { fit(problem, {{.parameters = parameters}}); }
