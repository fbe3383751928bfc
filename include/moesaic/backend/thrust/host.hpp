// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstring>
#include <string>

#include <Eigen/Core>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>

#include <moesaic/backend/thrust/host_graph.hpp>
#include <moesaic/core/host_memory.hpp>
#include <moesaic/core/shape.hpp>
#ifdef MOESAIC_GUARD_DEVICE_MEMORY
#include <moesaic/backend/thrust/guarded_memory.hpp>
#endif

#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_OMP
#include <thrust/system/omp/execution_policy.h>
#elif THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_TBB
#include <thrust/system/tbb/execution_policy.h>
#else
#include <thrust/system/cpp/execution_policy.h>
#endif

/// What the host systems offer to the Thrust backend; `cuda.hpp` offers the same.
namespace moesaic::device {

#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_OMP
inline constexpr const char* system_name = "OpenMP threads through Thrust";
inline auto policy() { return ::thrust::omp::par; }
#elif THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_TBB
inline constexpr const char* system_name = "TBB threads through Thrust";
inline auto policy() { return ::thrust::tbb::par; }
#else
inline constexpr const char* system_name = "one CPU thread through Thrust";
inline auto policy() { return ::thrust::cpp::par; }
#endif

/// Why the device cannot be used; empty where it can.
inline std::string unavailable() { return ""; }

#ifdef MOESAIC_GUARD_DEVICE_MEMORY
using HostSystemMemory = GuardedMemory;
using Access = GuardedMemory::Access;
#else
using HostSystemMemory = HostMemory;
/// Device memory may be touched while one of these lives.
struct Access {
  ~Access() {}
};
#endif

/// A type of its own: what is written for memory of the host does not compile with it.
struct Memory {
  static void* allocate(std::size_t bytes) {
    Traffic::own().require_done("it asks for memory");
    return HostSystemMemory::allocate(bytes);
  }
  static void release(void* p) { HostSystemMemory::release(p); }
};

/// Runs `kernel(i)` for i = 0 .. n - 1.
template <class Kernel>
struct ForEachIndex {
  Index n;
  Kernel kernel;
  void operator()() const {
    const Access access;
    ::thrust::for_each_n(policy(), ::thrust::counting_iterator<Index>(0), n, kernel);
  }
};
template <class Kernel>
void launch(Index n, const Kernel& kernel) {
  Graph::perform(ForEachIndex<Kernel>{n, kernel});
}

inline void copy_to_device(void* to, const void* host, std::size_t bytes) {
  Traffic::own().wait();
  const Access access;
  if (bytes) std::memcpy(to, host, bytes);
}
inline void copy_to_host(void* host, const void* from, std::size_t bytes) {
  Traffic::own().wait();
  const Access access;
  if (bytes) std::memcpy(host, from, bytes);
}
struct CopyOnDevice {
  void* to;
  const void* from;
  std::size_t bytes;
  void operator()() const {
    const Access access;
    if (bytes) std::memcpy(to, from, bytes);
  }
};
inline void copy_on_device(void* to, const void* from, std::size_t bytes) { Graph::perform(CopyOnDevice{to, from, bytes}); }

/// `c[b] = a[b] b[b] + beta c[b]`: `a [batch, m, k]`, or with `transposed` `[batch, k, m]`; `b [batch, k, n]`; `c [batch, m, n]`.
template <class T>
struct Gemm {
  Index batch, m, n, k;
  const T* a;
  bool transposed;
  const T* b;
  T beta;
  T* c;

  void operator()() const { Graph::perform(Now{*this}); }

 private:
  struct Now {
    Gemm product;
    void operator()() const { product.multiply(); }
  };
  void multiply() const {
    using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Access access;
    for (Index i = 0; i < batch; ++i) {
      const Eigen::Map<const Matrix> left(a + i * m * k, transposed ? k : m, transposed ? m : k), right(b + i * k * n, k, n);
      Eigen::Map<Matrix> out(c + i * m * n, m, n);
      if (beta == T(0)) out.setZero();
      if (transposed)
        out.noalias() += left.transpose() * right;
      else
        out.noalias() += left * right;
    }
  }
};

}  // namespace moesaic::device
