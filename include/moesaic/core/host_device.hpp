// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once

/// Marks what runs in a kernel. Functors given to `map` need no mark: they are `constexpr`, and nvcc takes a constexpr function to the
/// device where it is called there, and only then, so that the CPU backend may call it with SIMD vectors. That takes
/// --expt-relaxed-constexpr, without which nothing here is for a device.
#ifdef __CUDACC_RELAXED_CONSTEXPR__
#define MOESAIC_HD __host__ __device__
#else
#define MOESAIC_HD
#endif
