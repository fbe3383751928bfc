// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
/// Rows whose numbers lie where the tensors do, so that the host need not know them.
#include <limits>

#include <moesaic/core/host_device.hpp>
#include <moesaic/ops/arithmetic.hpp>

namespace moesaic {

namespace detail {

template <class T>
struct GatherRowsKernel {
  T* out;
  const T *in, *row;
  Index rows, each;
  MOESAIC_HD void operator()(Index i) const {
    const Index at = i / each;
    const T r = row[at];
    out[i] = r >= T(0) && r < T(rows) ? in[Index(r) * each + (i - at * each)] : T(0);
  }
};

/// Adds up, for one number, its sources in their order.
template <class T>
struct ScatterRowsKernel {
  T* out;
  const T *in, *row;
  Index sources, each;
  MOESAIC_HD void operator()(Index i) const {
    const Index to = i / each, c = i - to * each;
    T sum = 0;
    for (Index k = 0; k < sources; ++k)
      if (row[k] == T(to)) sum += in[k * each + c];
    out[i] = sum;
  }
};

template <class B>
void require_row_numbers(const char* what, const Tensor<B>& row, Index rows) {
  require(row && row.shape().rank() == 1, what, ": row numbers of shape ", row.shape(), "; expected [rows]");
  constexpr Index most = Index{1} << std::numeric_limits<typename B::Scalar>::digits;
  require(rows <= most, what, ": ", rows, " rows; their numbers are exact up to ", most);
}
/// Numbers of a row.
inline Index row_size(const Shape& s) {
  Index n = 1;
  for (int a = 1; a < s.rank(); ++a) n *= s[a];
  return n;
}

}  // namespace detail

/// `y[i] = x[row[i]]` along the first axis, with numbers `row [n]`; 0 where that is no row of x.
template <class B>
Tensor<B> gather(const Tensor<B>& x, const Tensor<B>& row) {
  if (!x) return x;
  Shape s = x.shape();
  require(s.rank() > 0, "gather: a tensor of shape ", s, "; expected an axis of rows");
  const Index rows = s[0], each = detail::row_size(s);
  detail::require_row_numbers("gather", row, rows);
  s[0] = row.size();
  const auto out = make_tensor<B>(s);
  B::for_each(out.size(), detail::GatherRowsKernel<typename B::Scalar>{out.data(), x.data(), row.data(), rows, each});
  return out;
}
/// The adjoint of that `gather`: `y[row[i]] += x[i]`, `rows` rows. Work for every pair of a source and a destination.
template <class B>
Tensor<B> scatter_add(const Tensor<B>& x, const Tensor<B>& row, Index rows) {
  if (!x) return x;
  detail::require_row_numbers("scatter_add", row, rows);
  Shape s = x.shape();
  require(s.rank() > 0 && s[0] == row.size(), "scatter_add: ", row.size(), " rows for a tensor of shape ", s);
  const Index sources = s[0], each = detail::row_size(s);
  s[0] = rows;
  const auto out = make_tensor<B>(s);
  B::for_each(out.size(), detail::ScatterRowsKernel<typename B::Scalar>{out.data(), x.data(), row.data(), sources, each}, sources);
  return out;
}
template <class A>
Dual<A> gather(const Dual<A>& x, const TensorOf<A>& row) { return {gather(x.value, row), gather(x.tangent, row)}; }
template <class A>
Dual<A> scatter_add(const Dual<A>& x, const TensorOf<A>& row, Index rows) {
  return {scatter_add(x.value, row, rows), scatter_add(x.tangent, row, rows)};
}
template <class A>
Var<A> scatter_add(const Var<A>& x, const TensorOf<A>& row, Index rows);
template <class A>
Var<A> gather(const Var<A>& x, const TensorOf<A>& row) {
  const A y = gather(x.value, row);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x, row](const A& g) { accumulate(x.node, scatter_add(g, row, shape(x)[0])); });
}
template <class A>
Var<A> scatter_add(const Var<A>& x, const TensorOf<A>& row, Index rows) {
  const A y = scatter_add(x.value, row, rows);
  if (!x.active()) return y;
  return x.node->tape->record(y, [x, row](const A& g) { accumulate(x.node, gather(g, row)); });
}

}  // namespace moesaic
