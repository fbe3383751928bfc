// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/backend/cpu/loop.hpp>
#include <moesaic/backend/cpu/map.hpp>
#include <moesaic/backend/cpu/moves.hpp>
#include <moesaic/backend/cpu/product.hpp>
#include <moesaic/backend/cpu/reduce.hpp>
#include <moesaic/backend/cpu/rearrange.hpp>
#include <moesaic/backend/cpu/scan.hpp>
#include <moesaic/backend/primitives.hpp>

namespace moesaic {

/// The CPU backend for numbers of type `T` (`float` or `double`): xsimd for elementwise work, own and Eigen products.
template <class T>
struct Cpu : cpu::Moves<Cpu<T>, T>,
             cpu::Map<Cpu<T>, T>,
             cpu::Products<Cpu<T>, T>,
             cpu::Reductions<Cpu<T>, T>,
             cpu::Rearrangements<Cpu<T>, T>,
             cpu::Scans<Cpu<T>, T>,
             cpu::Loops {
  using Scalar = T;
  using Memory = HostMemory;
};

static_assert(require_primitives<Cpu<float>>() && require_primitives<Cpu<double>>());

}  // namespace moesaic
