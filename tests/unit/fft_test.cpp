// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// Of FFTW where it was found; fft_eigen_test.cpp runs the same on Eigen's transforms.
#include <cmath>
#include <numbers>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/ops/check_gradient.hpp>
#include <moesaic/ops/fft.hpp>

#include "support/numbers.hpp"

namespace fft_test {

using namespace moesaic;
using test_support::numbers;
using B = Cpu<double>;

/// The sums as they are written, `x [rows, n] -> [2, rows, n/2+1]`.
std::vector<double> slow_rfft(const std::vector<double>& x, Index rows, Index n) {
  const Index m = n / 2 + 1;
  std::vector<double> y(std::size_t(2 * rows * m));
  for (Index r = 0; r < rows; ++r)
    for (Index k = 0; k < m; ++k)
      for (Index j = 0; j < n; ++j) {
        const double angle = 2 * std::numbers::pi * double(j * k % n) / double(n), value = x[std::size_t(r * n + j)];
        y[std::size_t(r * m + k)] += value * std::cos(angle);
        y[std::size_t((rows + r) * m + k)] -= value * std::sin(angle);
      }
  return y;
}

template <class U, class V>
double largest_difference(const std::vector<U>& a, const std::vector<V>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(double(a[i]) - double(b[i]));
    worst = d > worst || std::isnan(d) ? d : worst;
  }
  return worst;
}

template <class F>
void check(const char* name, const F& f, const Tensor<B>& x) {
  const auto report = check_gradient(f, x);
  INFO(name << ": " << report);
  CHECK(report.passed());
}

const Index lengths[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 31, 32, 60, 64, 97, 100, 210, 256};

TEST_CASE_TEMPLATE("spectra of any length are their defining sums", T, float, double) {
  for (const Index n : lengths) {
    const auto x = numbers<Cpu<T>>({3, n}, std::uint64_t(n));
    const auto host = to_host(x.tensor());
    const auto y = rfft(x.tensor());
    CHECK(y.shape() == Shape{2, 3, n / 2 + 1});
    INFO("n = " << n);
    CHECK(largest_difference(to_host(y), slow_rfft({host.begin(), host.end()}, 3, n)) < (sizeof(T) == 4 ? 2e-5 : 1e-12));
    CHECK(largest_difference(to_host(irfft(y, n)), host) < (sizeof(T) == 4 ? 2e-6 : 1e-14));
  }
}

TEST_CASE("known transforms: a pulse, a constant, a cosine, a sine") {
  const Index n = 12;
  std::vector<double> x(std::size_t(4 * n));
  for (Index j = 0; j < n; ++j) {
    const double angle = 2 * std::numbers::pi * 3 * double(j) / double(n);
    x[std::size_t(j)] = j == 0;
    x[std::size_t(n + j)] = 5;
    x[std::size_t(2 * n + j)] = std::cos(angle);
    x[std::size_t(3 * n + j)] = std::sin(angle);
  }
  const auto y = rfft(Array<B>({4, n}, x).tensor());
  std::vector<double> wanted(std::size_t(2 * 4 * 7));
  for (std::size_t k = 0; k < 7; ++k) wanted[k] = 1;
  wanted[7] = 60;
  wanted[2 * 7 + 3] = 6;
  wanted[4 * 7 + 3 * 7 + 3] = -6;
  CHECK(largest_difference(to_host(y), wanted) < 1e-13);
}

TEST_CASE("known transform of six numbers: magnitudes, phases, energy") {
  const auto y = rfft(Array<B>({6}, std::vector<double>{1, 2, 0, -1, 3, 0.5}).tensor());
  const auto re = to_host(real_part(y)), im = to_host(imaginary_part(y));
  const double magnitude[] = {5.5, 2.179449472, 4.769696007, 2.5}, phase[] = {0, 0.638559696, -2.185304401, 0};
  double energy = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(std::hypot(re[k], im[k]) == doctest::Approx(magnitude[k]).epsilon(1e-9));
    CHECK(std::atan2(im[k], re[k]) == doctest::Approx(phase[k]).epsilon(1e-9));
    energy += (k == 0 || k == 3 ? 1 : 2) * (re[k] * re[k] + im[k] * im[k]) / 6;
  }
  CHECK(energy == doctest::Approx(15.25).epsilon(1e-14));
}

TEST_CASE("a series that is moved round changes its phases alone, by the frequency times the shift") {
  for (const Index n : {6, 7, 16, 96}) {
    const Index m = n / 2 + 1, shift = 2;
    const auto x = numbers({n}, 200 + std::uint64_t(n));
    std::vector<double> moved(static_cast<std::size_t>(n));
    for (Index j = 0; j < n; ++j) moved[std::size_t((j + shift) % n)] = x.data()[j];
    const auto y = to_host(rfft(x.tensor())), z = to_host(rfft(Array<B>({n}, moved).tensor()));
    for (Index k = 0; k < m; ++k) {
      INFO("n = " << n << ", k = " << k);
      const auto re = std::size_t(k), im = std::size_t(m + k);
      CHECK(std::hypot(z[re], z[im]) == doctest::Approx(std::hypot(y[re], y[im])).epsilon(1e-12));
      const double angle = -2 * std::numbers::pi * double(k * shift) / double(n);
      CHECK(std::abs(z[re] - (y[re] * std::cos(angle) - y[im] * std::sin(angle))) < 1e-12);
      CHECK(std::abs(z[im] - (y[re] * std::sin(angle) + y[im] * std::cos(angle))) < 1e-12);
    }
  }
}

TEST_CASE("Parseval: energy in time is energy in frequency") {
  for (const Index n : lengths) {
    const auto x = numbers({2, n}, 100 + std::uint64_t(n));
    const auto y = to_host(rfft(x.tensor()));
    const Index m = n / 2 + 1;
    double energy = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const Index k = Index(i) % m;
      energy += (k == 0 || 2 * k == n ? 1 : 2) * y[i] * y[i];
    }
    INFO("n = " << n);
    CHECK(energy / double(n) == doctest::Approx(detail::dot<B>(x, x)).epsilon(1e-12));
  }
}

TEST_CASE("irfft is the transpose of rfft under the same weights") {
  for (const Index n : lengths) {
    const auto x = numbers({2, 3, n}, 200 + std::uint64_t(n)), y = numbers({2, 2, 3, n / 2 + 1}, 300 + std::uint64_t(n));
    const FourierWeights w{0.7, -1.3};
    INFO("n = " << n);
    const double left = detail::dot<B>(rfft(x.tensor(), w), y), right = detail::dot<B>(x, irfft(y.tensor(), n, w));
    CHECK(std::abs(left - right) < 1e-11 * double(n));
  }
}

TEST_CASE("the imaginary parts of the ends are exactly 0 and not read") {
  for (const Index n : {1, 2, 5, 6, 8}) {
    const Index m = n / 2 + 1;
    auto y = rfft(numbers({n}, 400).tensor());
    const auto series = to_host(irfft(y, n));
    CHECK(y.data()[m] == 0);
    y.data()[m] = NAN;
    if (n % 2 == 0) {
      y.data()[2 * m - 1] = n == 2 ? NAN : y.data()[2 * m - 1];
      CHECK((n == 2 || y.data()[2 * m - 1] == 0));
      y.data()[2 * m - 1] = NAN;
    }
    INFO("n = " << n);
    CHECK(to_host(irfft(y, n)) == series);
  }
}

TEST_CASE("transforms pass the gradient checker") {
  for (const Index n : {1, 2, 5, 8}) {
    check("rfft", [](const auto& p) { return square(rfft(p)); }, numbers({2, n}, 500 + std::uint64_t(n)));
    check("irfft", [n](const auto& p) { return square(irfft(p, n)); }, numbers({2, 2, n / 2 + 1}, 600 + std::uint64_t(n)));
    check("log-magnitude", [](const auto& p) {
      const auto y = rfft(p);
      return log(square(real_part(y)) + square(imaginary_part(y)) + 0.5);
    }, numbers({2, 3, n}, 700 + std::uint64_t(n)));
    check("there and back", [n](const auto& p) { return tanh(irfft(tanh(rfft(p)), n)); }, numbers({n}, 800 + std::uint64_t(n)));
  }
}

TEST_CASE("many series, cut into chunks, are what each is alone, at any number of threads") {
  for (const Index n : {1, 30, 33, 4095}) {
    const Index rows = 150000 / n + 3;
    const auto x = numbers<Cpu<float>>({rows, n}, 900 + std::uint64_t(n));
    const auto y = rfft(x.tensor());
    const auto many = to_host(y), back = to_host(irfft(y, n));
    const int threads = thread_count();
    set_thread_count(1);
    CHECK(to_host(rfft(x.tensor())) == many);
    CHECK(to_host(irfft(y, n)) == back);
    set_thread_count(threads);
    CHECK(largest_difference(back, to_host(x.tensor())) < 1e-5);
    const Index m = n / 2 + 1;
    for (const Index r : {Index{0}, rows / 2, rows - 1}) {
      // A series from the middle of an array may start anywhere in memory.
      const auto one = to_host(rfft(x.tensor().rows(r, 1)));
      for (Index k = 0; k < m; ++k) {
        const double re = many[std::size_t(r * m + k)], im = many[std::size_t((rows + r) * m + k)];
        CHECK(std::abs(double(one[std::size_t(k)]) - re) + std::abs(double(one[std::size_t(m + k)]) - im) < 1e-3);
      }
    }
  }
}

TEST_CASE("plans are shared by threads that meet lengths for the first time together") {
  std::vector<std::vector<double>> wanted;
  for (Index n = 301; n < 331; ++n) wanted.push_back(slow_rfft(to_host(numbers({2, n}, std::uint64_t(n)).tensor()), 2, n));
  std::vector<double> worst(6);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < worst.size(); ++t)
    threads.emplace_back([&, t] {
      for (Index round = 0; round < 4; ++round)
        for (Index i = 0; i < 30; ++i) {
          const Scratch<HostMemory> scratch;
          const Index n = 301 + (i + Index(t) * 7) % 30;
          const auto x = numbers({2, n}, std::uint64_t(n));
          const auto y = rfft(x.tensor());
          const auto found = to_host(y), back = to_host(irfft(y, n)), host = to_host(x.tensor());
          const auto& sums = wanted[std::size_t(n - 301)];
          for (std::size_t k = 0; k < sums.size(); ++k) worst[t] = std::max(worst[t], std::abs(found[k] - sums[k]));
          for (std::size_t k = 0; k < host.size(); ++k) worst[t] = std::max(worst[t], std::abs(back[k] - host[k]));
        }
    });
  for (auto& t : threads) t.join();
  for (const double w : worst) CHECK(w < 1e-11);
}

TEST_CASE("no memory is asked for from the second transform on") {
  Workspace<HostMemory> workspace;
  const Workspace<HostMemory>::Scope scope(workspace);
  const auto x = numbers({40, 90}, 1000);
  std::size_t after_one = 0;
  for (int step = 0; step < 4; ++step) {
    workspace.reset();
    irfft(rfft(x.tensor()), 90);
    if (step == 0) after_one = workspace.system_allocations();
  }
  CHECK(workspace.system_allocations() == after_one);
}

TEST_CASE("no series, and shapes that do not fit") {
  CHECK(rfft(Array<B>({0, 8}).tensor()).shape() == Shape{2, 0, 5});
  CHECK(irfft(Array<B>({2, 0, 5}).tensor(), 8).shape() == Shape{0, 8});
  CHECK_THROWS_WITH_AS(rfft(Array<B>({3, 0}).tensor()),
                       "rfft: input of shape [3, 0]; expected one to three axes, the last not empty", Error);
  CHECK_THROWS_AS(rfft(Array<B>(Shape{}).tensor()), Error);
  CHECK_THROWS_AS(rfft(Array<B>({1, 1, 1, 4}).tensor()), Error);
  CHECK_THROWS_WITH_AS(irfft(Array<B>({2, 3, 5}).tensor(), 10),
                       "irfft to length 10: spectrum of shape [2, 3, 5]; expected [2, ..., 6]", Error);
  CHECK_THROWS_AS(irfft(Array<B>({3, 5}).tensor(), 8), Error);
  CHECK_THROWS_AS(irfft(Array<B>({2, 5}).tensor(), -8), Error);
  CHECK_THROWS_AS(real_part(Array<B>({3, 5}).tensor()), Error);
}

}  // namespace fft_test
