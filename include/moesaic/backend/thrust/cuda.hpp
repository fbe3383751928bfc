// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <moesaic/backend/thrust/recording.hpp>
#include <moesaic/core/shape.hpp>

/// What CUDA offers to the Thrust backend; `host.hpp` offers the same.
namespace moesaic::device {

inline constexpr const char* system_name = "CUDA";

inline void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // told here, and not by the next kernel as well
  fail("CUDA: ", what, ": ", cudaGetErrorString(status));
}
inline void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) fail("cuBLAS: ", what, ": ", cublasGetStatusString(status));
}

/// A stream of the current GPU and what puts products into it. Never destroyed: arrays of static duration may outlive anything.
struct Queue {
  cudaStream_t stream = nullptr;
  cublasHandle_t blas = nullptr;

  Queue() {
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
    check(cublasCreate(&blas), "cublasCreate");
    check(cublasSetStream(blas, stream), "cublasSetStream");
    constexpr std::size_t bytes = std::size_t{32} << 20;  // of its own: it must not ask for memory while a graph is recorded
    void* workspace = nullptr;
    check(cudaMalloc(&workspace, bytes), "cudaMalloc");
    check(cublasSetWorkspace(blas, workspace, bytes), "cublasSetWorkspace");
  }
};

/// The GPU that is current when it is first asked for.
class Gpu {
 public:
  /// Why none can be used; empty where one can.
  static std::string unavailable() {
    int count = 0;  // which a driver that is too old leaves as it is
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) return std::string("no GPU can be used: ") + cudaGetErrorString(status);
    return count > 0 ? "" : "this machine has no GPU";
  }
  /// The queue in which everything is done, in order.
  static const Queue& main() {
    static const Queue* const queue = [] {
      const std::string reason = unavailable();
      require(reason.empty(), "Thrust backend: ", reason);
      return new Queue;
    }();
    return *queue;
  }
  /// The queue in which this thread records: what other threads do in the meantime is not recorded with it.
  static const Queue& recorder() {
    thread_local const Queue* const queue = new Queue;
    return *queue;
  }
  /// Where what this thread asks for goes now.
  static const Queue& queue() { return Traffic::own().recording ? recorder() : main(); }
};

/// Why the device cannot be used; empty where it can.
inline std::string unavailable() { return Gpu::unavailable(); }

struct Memory {
  static void* allocate(std::size_t bytes) {
    Gpu::main();
    Traffic::own().require_done("it asks for memory");
    void* p = nullptr;
    const cudaError_t status = cudaMalloc(&p, bytes);
    if (status != cudaSuccess) fail("Thrust backend: no device memory for ", bytes, " bytes: ", cudaGetErrorString(status));
    return p;
  }
  static void release(void* p) { (void)cudaFree(p); }
};

/// Kernels may touch device memory at any time.
struct Access {
  ~Access() {}
};

/// Arguments are read where the launch put them. Thrust's own loop hands a copy on, and what is read there by a number that only the
/// thread knows (rows, operands) is then copied to every thread's local memory: 2 to 4 kB.
template <class Kernel>
__global__ void run(const __grid_constant__ Kernel kernel, Index n) {
  const Index i = Index(blockIdx.x) * Index(blockDim.x) + Index(threadIdx.x);
  if (i < n) kernel(i);
}
/// Starts `kernel(i)` for i = 0 .. n - 1.
template <class Kernel>
void launch(Index n, const Kernel& kernel) {
  static_assert(std::is_trivially_copyable_v<Kernel>);
  constexpr Index threads = 128;  // few, so that small loops reach all multiprocessors
  const Index blocks = (n + threads - 1) / threads;
  require(blocks <= std::numeric_limits<int>::max(), "Thrust backend: a kernel of ", n, " numbers, too many for a GPU");
  ++Traffic::own().calls;
  run<<<unsigned(blocks), unsigned(threads), 0, Gpu::queue().stream>>>(kernel, n);
  check(cudaGetLastError(), "start of a kernel");
}

inline void copy_to_device(void* to, const void* host, std::size_t bytes) {
  Traffic::own().wait();
  const auto stream = Gpu::main().stream;
  check(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, stream), "copy to the device");
  check(cudaStreamSynchronize(stream), "copy to the device");
}
inline void copy_to_host(void* host, const void* from, std::size_t bytes) {
  Traffic::own().wait();
  const auto stream = Gpu::main().stream;
  check(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, stream), "copy to the host");
  check(cudaStreamSynchronize(stream), "copy to the host");
}
inline void copy_on_device(void* to, const void* from, std::size_t bytes) {
  ++Traffic::own().calls;
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, Gpu::queue().stream), "copy on the device");
}

/// `c[b] = a[b] b[b] + beta c[b]`: `a [batch, m, k]`, or with `transposed` `[batch, k, m]`; `b [batch, k, n]`; `c [batch, m, n]`.
///
/// cuBLAS takes matrices by columns: a row-major C = A B is its C^T = B^T A^T.
template <class T>
struct Gemm {
  Index batch, m, n, k;
  const T* a;
  bool transposed;
  const T* b;
  T beta;
  T* c;

  void operator()() const {
    constexpr Index most = std::numeric_limits<int>::max();
    require(batch <= most && m <= most && n <= most && k <= most, "Thrust backend: a product of ", batch, " times ", m, " x ", k,
            " and ", k, " x ", n, ", too large for cuBLAS");
    ++Traffic::own().calls;
    const T one = 1;
    const auto multiply = [&](auto gemm) {
      return gemm(Gpu::queue().blas, CUBLAS_OP_N, transposed ? CUBLAS_OP_T : CUBLAS_OP_N, int(n), int(m), int(k), &one, b, int(n),
                  k * n, a, int(transposed ? m : k), m * k, &beta, c, int(n), m * n, int(batch));
    };
    if constexpr (std::is_same_v<T, float>)
      check(multiply(cublasSgemmStridedBatched), "product");
    else
      check(multiply(cublasDgemmStridedBatched), "product");
  }
};

}  // namespace moesaic::device
