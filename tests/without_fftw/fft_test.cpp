// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// The transforms of a program without FFTW, by the same tests.
#undef MOESAIC_WITH_FFTW
#include "../unit/fft_test.cpp"
