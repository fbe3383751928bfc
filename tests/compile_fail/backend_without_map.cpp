// expect: Moesaic: backend lacks the primitive map(out, f, in...) [docs/backend.md]
// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/backend/cpu.hpp>

using namespace moesaic;

struct Mine : cpu::Moves<Mine, float>,
              cpu::Map<Mine, float>,
              cpu::Products<Mine, float>,
              cpu::Reductions<Mine, float>,
              cpu::Rearrangements<Mine, float>,
              cpu::Scans<Mine, float>,
              cpu::Loops {
  using Scalar = float;
  using Memory = HostMemory;
#ifndef CONTROL
  template <class F>
  static void map(const Tensor<Mine>& out, const F& f);  // no inputs
#endif
};

static_assert(require_primitives<Mine>());
