// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include <moesaic/backend/thrust/recording.hpp>

namespace moesaic::device {

/// Calls in their order with copies of what they were given: what a CUDA graph is on a GPU, and tested in its place.
class Graph {
 public:
  /// Calls `work`, of which nothing is done: what it asks of the device is kept, with the arguments and addresses that it has now.
  /// Errors: `CannotRecord`, where the work waits for the device or asks for memory.
  template <class Work>
  explicit Graph(const Work& work) {
    const Recording recording(*this);
    work();
  }
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;
  /// Does all of it once more.
  void replay() const {
    ++Traffic::own().replays;
    for (const Call& call : calls_) call.run(call.job.get());
  }
  static bool recording() { return current() != nullptr; }

  /// Does `job()`, or keeps it where a graph is being recorded.
  template <class Job>
  static void perform(const Job& job) {
    static_assert(std::is_trivially_copyable_v<Job> && alignof(Job) <= alignof(std::max_align_t));
    ++Traffic::own().calls;
    if (Graph* const graph = current()) {
      Call& call = graph->calls_.emplace_back(Call{std::make_unique<std::byte[]>(sizeof(Job)), [](const void* kept) {
                                                     (*static_cast<const Job*>(kept))();
                                                   }});
      std::memcpy(call.job.get(), &job, sizeof(Job));
    } else {
      job();
    }
  }

 private:
  struct Call {
    std::unique_ptr<std::byte[]> job;
    void (*run)(const void* job);
  };
  struct Recording {
    explicit Recording(Graph& graph) {
      Traffic::own().require_done("it is recorded within another one");
      current() = &graph, Traffic::own().recording = true;
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;
    ~Recording() { current() = nullptr, Traffic::own().recording = false; }
  };
  static Graph*& current() {
    thread_local Graph* graph = nullptr;
    return graph;
  }
  std::vector<Call> calls_;
};

}  // namespace moesaic::device
