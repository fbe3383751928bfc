// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/backend/primitives.hpp>
#include <moesaic/backend/thrust/map.hpp>
#include <moesaic/backend/thrust/moves.hpp>
#include <moesaic/backend/thrust/product.hpp>
#include <moesaic/backend/thrust/rearrange.hpp>
#include <moesaic/backend/thrust/reduce.hpp>
#include <moesaic/backend/thrust/scan.hpp>

namespace moesaic {

/// The Thrust backend for numbers of type `T` (`float` or `double`), on the device system that the program is compiled for: a GPU,
/// or with the host systems the CPU.
///
/// Its memory is the device's: from the host it is reached by `from_host` and `to_host` alone.
template <class T>
struct Thrust : device::Moves<Thrust<T>, T>,
                device::Map<Thrust<T>, T>,
                device::Products<Thrust<T>, T>,
                device::Reductions<Thrust<T>, T>,
                device::Rearrangements<Thrust<T>, T>,
                device::Scans<Thrust<T>, T> {
  using Scalar = T;
  using Memory = device::Memory;
  using Graph = device::Graph;

  template <class Kernel>
  static void for_each(Index count, const Kernel& kernel, Index /*work*/ = 1) {
    device::for_each_index(count, kernel);
  }
};

static_assert(require_primitives<Thrust<float>>() && require_primitives<Thrust<double>>() && Recordable<Thrust<float>>);

}  // namespace moesaic
