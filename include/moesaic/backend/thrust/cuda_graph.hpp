// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <type_traits>

#include <cuda_runtime.h>

#include <moesaic/backend/thrust/cuda.hpp>

namespace moesaic::device {

/// What a step asks of the GPU, as a CUDA graph: launched at once instead of kernel by kernel.
class Graph {
 public:
  /// Calls `work`, of which nothing is done: what it asks of the GPU is kept, with the arguments and addresses that it has now. Errors:
  /// `CannotRecord`, where the work waits for the GPU or asks for memory.
  template <class Work>
  explicit Graph(const Work& work) {
    cudaGraph_t captured = nullptr;
    {
      Capture capture;
      work();
      captured = capture.end();
    }
    cudaGraphExec_t graph = nullptr;
    const cudaError_t status = cudaGraphInstantiate(&graph, captured, 0);
    (void)cudaGraphDestroy(captured);
    if (status != cudaSuccess) refuse();
    graph_.reset(graph);
  }
  void replay() const {
    ++Traffic::own().replays;
    check(cudaGraphLaunch(graph_.get(), Gpu::main().stream), "launch of a graph");
  }
  static bool recording() { return Traffic::own().recording; }

 private:
  [[noreturn]] static void refuse() {
    (void)cudaGetLastError();  // told by the exception, not by the next kernel
    throw CannotRecord("CUDA: a step cannot be recorded as a graph");
  }

  class Capture {
   public:
    Capture() {
      Traffic::own().require_done("it is recorded within another one");
      check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "begin of a graph");
      Traffic::own().recording = true;
    }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture() {
      if (!Traffic::own().recording) return;  // it has ended
      cudaGraph_t unfinished = nullptr;
      (void)stop(unfinished);
      (void)cudaGetLastError();
      if (unfinished) (void)cudaGraphDestroy(unfinished);
    }
    cudaGraph_t end() {
      cudaGraph_t graph = nullptr;
      if (stop(graph) != cudaSuccess || !graph) refuse();
      return graph;
    }

   private:
    cudaError_t stop(cudaGraph_t& graph) {
      Traffic::own().recording = false;
      return cudaStreamEndCapture(stream_, &graph);
    }
    cudaStream_t stream_ = Gpu::recorder().stream;
  };
  struct Destroy {
    void operator()(cudaGraphExec_t graph) const { (void)cudaGraphExecDestroy(graph); }
  };
  std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, Destroy> graph_;
};

}  // namespace moesaic::device
