// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <exception>

#include <moesaic/core/shape.hpp>
#ifdef _OPENMP
#include <omp.h>
#endif

namespace moesaic {

/// Number of threads that `parallel_for` uses: OpenMP's setting, 1 without OpenMP.
inline int thread_count() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

/// Index of the calling thread in its parallel region; 0 outside of one.
inline int thread_index() {
#ifdef _OPENMP
  return omp_in_parallel() ? omp_get_thread_num() : 0;
#else
  return 0;
#endif
}

/// Sets the number of threads of every later parallel region; without OpenMP there is one whatever it is.
inline void set_thread_count(int threads) {
  require(threads >= 1, "set_thread_count: at least 1 thread is needed, got ", threads);
#ifdef _OPENMP
  omp_set_num_threads(threads);
#endif
}

namespace detail {

/// A function of an index, its type erased: the loops below are compiled once and not for every body, for the compiler's sake.
struct IndexFunction {
  const void* f;
  void (*call)(const void* f, Index i);
  void operator()(Index i) const { call(f, i); }
};

inline void parallel_loop(Index count, [[maybe_unused]] bool worthwhile, const IndexFunction& f) {
#ifdef _OPENMP
  if (worthwhile && count > 1 && thread_count() > 1 && !omp_in_parallel()) {
    std::exception_ptr error;
    Index error_at = count;
#pragma omp parallel for schedule(dynamic, 1)
    for (Index i = 0; i < count; ++i) {
      try {
        f(i);
      } catch (...) {
#pragma omp critical(moesaic_parallel_error)
        if (i < error_at) {
          error_at = i;
          error = std::current_exception();
        }
      }
    }
    if (error) std::rethrow_exception(error);
    return;
  }
#endif
  for (Index i = 0; i < count; ++i) f(i);
}

}  // namespace detail

/// Calls `f(i)` for i = 0 .. count - 1, on several threads where `worthwhile`.
///
/// The chunks are the caller's and never depend on the number of threads: results are the same bits on one thread and on many.
/// Inside another parallel region it runs serially. The exception of the lowest failing index is rethrown.
template <class F>
void parallel_for(Index count, bool worthwhile, const F& f) {
  detail::parallel_loop(count, worthwhile, {&f, [](const void* at, Index i) { (*static_cast<const F*>(at))(i); }});
}

}  // namespace moesaic
