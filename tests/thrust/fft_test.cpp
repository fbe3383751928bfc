// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/backend/cpu/fft.hpp>
#include <moesaic/backend/thrust/fft.hpp>

#include "both.hpp"

namespace fft_test {

using namespace thrust_test;

TEST_CASE_TEMPLATE("transforms agree at even, odd, prime and trivial lengths, with weights", T, float, double) {
  for (const Index n : {1, 2, 3, 8, 15, 96, 97})
    for (const FourierWeights w : {FourierWeights{}, FourierWeights{1 / double(n), 2 / double(n)}}) {
      CAPTURE(n);
      const auto run = [&]<class B>(B) {
        const auto x = numbers<B>({2, 3, n}, 1), z = numbers<B>({2, 2, 3, n / 2 + 1}, 2);
        Array<B> spectrum(z.shape()), series(x.shape());
        Fourier<B>::rfft(spectrum, x, w);
        Fourier<B>::irfft(series, z, w);
        return std::pair(std::move(spectrum), std::move(series));
      };
      const auto [cpu_spectrum, cpu_series] = run(Cpu<T>{});
      const auto [spectrum, series] = run(Thrust<T>{});
      CHECK(difference(cpu_spectrum.tensor(), spectrum.tensor()) <= rounding<T>);
      CHECK(difference(cpu_series.tensor(), series.tensor()) <= rounding<T>);
    }
}

}  // namespace fft_test
