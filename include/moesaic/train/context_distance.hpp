// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include <moesaic/core/shape.hpp>

namespace moesaic {

/// Distance of two contexts of `d` numbers by which pools are chosen: their mean absolute difference (neural context flows).
template <class T>
double context_distance(const T* a, const T* b, Index d) {
  double sum = 0;
  for (Index i = 0; i < d; ++i) sum += std::abs(double(a[i]) - double(b[i]));
  return sum / double(d);
}

}  // namespace moesaic
