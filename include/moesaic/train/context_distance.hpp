// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include <moesaic/core/host_device.hpp>
#include <moesaic/core/shape.hpp>

namespace moesaic {

/// Distance of two contexts of `d` numbers by which pools are chosen: their mean absolute difference (neural context flows).
template <class T>
MOESAIC_HD double context_distance(const T* a, const T* b, Index d) {
  double sum = 0;
  for (Index i = 0; i < d; ++i) sum += std::abs(double(a[i]) - double(b[i]));
  return sum / double(d);
}
/// Size of a context by which pools are chosen: the sum of its magnitudes.
template <class T>
MOESAIC_HD double context_size(const T* a, Index d) {
  double sum = 0;
  for (Index i = 0; i < d; ++i) sum += std::abs(double(a[i]));
  return sum;
}

}  // namespace moesaic
