// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
/// Series at another pace: means of neighbours, and straight lines between them. No part of ops.hpp.
#include <moesaic/core/host_device.hpp>
#include <moesaic/ops/arrange.hpp>
#include <moesaic/ops/linear.hpp>

namespace moesaic {

/// Means of `width` steps each along time: `x [N, L, C] -> [N, floor(L / width), C]`; what is left over at the end is dropped.
template <ArrayLike X>
X average_pool(const X& x, Index width) {
  const Shape s = shape(x);
  require(s.rank() == 3, "average_pool: series of shape ", s, "; expected [N, L, C]");
  if (width == 1) return x;
  require(width >= 1 && width <= s[1], "average_pool: width ", width, " of series of shape ", s, "; expected 1 to ", s[1]);
  const Index length = s[1] / width;
  const X used = s[1] == length * width ? x : slice(x, 1, 0, length * width);
  const X sum = sum_to(reshape(used, {s[0], length, width, s[2]}), {s[0], length, 1, s[2]});
  return reshape(scale(sum, 1 / double(width)), {s[0], length, s[2]});
}

namespace detail {

/// The weights of the two steps between which step i lies.
template <class T>
struct InterpolationKernel {
  Index from, to;
  T* out;
  MOESAIC_HD void operator()(Index i) const {
    const double middle = (double(i) + 0.5) * double(from) / double(to) - 0.5, at = middle < 0 ? 0 : middle;
    const Index before = Index(at) < from - 1 ? Index(at) : from - 1, after = before + 1 < from ? before + 1 : before;
    const double share = at - double(before);
    for (Index j = 0; j < from; ++j) out[j * to + i] = T((j == before ? 1 - share : 0) + (j == after ? share : 0));
  }
};

/// `[from, to]`, whose column i has the weights of step i.
template <class B>
Tensor<B> interpolation_matrix(Index from, Index to) {
  const auto out = make_tensor<B>({from, to});
  B::for_each(to, InterpolationKernel<typename B::Scalar>{from, to, out.data()}, from);
  return out;
}

}  // namespace detail

/// Linear interpolation along time, `x [N, L, C] -> [N, length, C]`. A step is an interval whose value stands in its middle;
/// before the first middle and after the last the series is constant (PyTorch's `interpolate` with `align_corners=False`).
template <ArrayLike X>
X interpolate(const X& x, Index length) {
  const Shape s = shape(x);
  require(s.rank() == 3, "interpolate: series of shape ", s, "; expected [N, L, C]");
  if (length == s[1]) return x;
  require(s[1] >= 1 && length >= 1, "interpolate: series of shape ", s, " to length ", length, "; expected at least 1 each");
  return transpose(matmul(transpose(x), detail::interpolation_matrix<BackendOf<X>>(s[1], length)));
}

}  // namespace moesaic
