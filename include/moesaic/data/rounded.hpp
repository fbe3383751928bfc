// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

namespace moesaic::data {

/// a b, rounded once: no compiler, flag or processor fuses it with an addition that follows.
inline double product(double a, double b) { return std::fma(a, b, -0.0); }

/// A double whose every operation is rounded on its own.
///
/// Compilers may contract a b + c to one fused operation, and at a loose tolerance the step control of a solver magnifies that
/// last bit to 1e-8 in the trajectory. Vector fields written in `Rounded` give the same data set everywhere.
struct Rounded {
  constexpr Rounded() = default;
  constexpr Rounded(double v) : value(v) {}

  friend Rounded operator*(Rounded a, Rounded b) { return product(a.value, b.value); }
  friend constexpr Rounded operator/(Rounded a, Rounded b) { return a.value / b.value; }
  friend constexpr Rounded operator+(Rounded a, Rounded b) { return a.value + b.value; }
  friend constexpr Rounded operator-(Rounded a, Rounded b) { return a.value - b.value; }
  friend constexpr Rounded operator-(Rounded a) { return -a.value; }

  friend Rounded sin(Rounded a) { return std::sin(a.value); }
  friend Rounded cos(Rounded a) { return std::cos(a.value); }
  friend Rounded tan(Rounded a) { return std::tan(a.value); }
  friend Rounded sinh(Rounded a) { return std::sinh(a.value); }
  friend Rounded exp(Rounded a) { return std::exp(a.value); }
  friend Rounded pow(Rounded a, int n) { return std::pow(a.value, double(n)); }

  double value = 0;
};

}  // namespace moesaic::data
