// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once

/// Where kernels run: Thrust's device system, `THRUST_DEVICE_SYSTEM`, the same for all of a program. nvcc compiles for CUDA; any other
/// compiler for one of the host systems, which run the same kernels on the CPU.
#if !defined(THRUST_DEVICE_SYSTEM) && !defined(__CUDACC__)
#error "Moesaic: without nvcc the Thrust backend needs -DTHRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_CPP, OMP or TBB [docs/thrust.md]"
#endif

#if defined(__CUDACC__) && !defined(EIGEN_NO_CUDA)
#error "Moesaic: CUDA sources need -DEIGEN_NO_CUDA, or Eigen gives up vectors and their alignment there [docs/thrust.md]"
#endif
#if defined(__CUDACC__) && !defined(__CUDACC_RELAXED_CONSTEXPR__)
#error "Moesaic: CUDA sources need --expt-relaxed-constexpr: kernels call functors that are constexpr [docs/thrust.md]"
#endif

#include <thrust/detail/config.h>

#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
#include <moesaic/backend/thrust/cuda_graph.hpp>
#else
#include <moesaic/backend/thrust/host.hpp>
#endif

#include <moesaic/core/host_device.hpp>
#include <moesaic/core/shape.hpp>

namespace moesaic::device {

/// Calls `kernel(i)` for i = 0 .. n - 1, in any order and at the same time. A kernel is a trivially copyable functor that holds
/// numbers and raw pointers to device memory.
template <class Kernel>
void for_each_index(Index n, const Kernel& kernel) {
  if (n > 0) launch(n, kernel);
}

}  // namespace moesaic::device
