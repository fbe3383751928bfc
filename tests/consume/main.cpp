// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/moesaic.hpp>

#if defined ASKED_FOR_fftw && !defined MOESAIC_WITH_FFTW
#error "moesaic::fftw does not switch FFTW on"
#endif
#if defined ASKED_FOR_openmp && !defined _OPENMP
#error "moesaic::openmp does not switch OpenMP on"
#endif

/// A user's program: it is enough that it compiles, links and runs.
int main() {
  static_assert(moesaic::version == moesaic::Version{EXPECTED_VERSION});
  const float numbers[] = {1, 2};
  const moesaic::Array<moesaic::Cpu<float>> array({2}, numbers);
  return moesaic::to_host(array.tensor())[1] == 2 ? 0 : 1;
}
