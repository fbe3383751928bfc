// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#if __has_include(<moesaic/moesaic.hpp>)
#include <moesaic/moesaic.hpp>
#else
#include <moesaic/core/random.hpp>
#endif
#include <moesaic/version.hpp>

#include <Eigen/Core>
#include <xsimd/xsimd.hpp>

#if defined ASKED_FOR_fftw && !defined MOESAIC_WITH_FFTW
#error "moesaic::fftw does not switch FFTW on"
#endif
#if defined ASKED_FOR_openmp && !defined _OPENMP
#error "moesaic::openmp does not switch OpenMP on"
#endif

/// A user's program: it is enough that it compiles, links and runs.
int main() {
  static_assert(moesaic::version == moesaic::Version{EXPECTED_VERSION});
  return moesaic::Random(1).uniform(0) < 1 ? 0 : 1;
}
