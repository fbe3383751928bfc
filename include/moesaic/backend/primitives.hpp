// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstdint>

#include <moesaic/core/tensor.hpp>

/// The closed list of what a backend implements; docs/backend.md says what a backend is and how to write one.
///
/// A primitive is a static member function of the backend `B`. `out` is made by the caller, of the shape given, and filled;
/// tensors are contiguous, row-major and may be empty. Shapes have been checked by the operation that calls. Unless said
/// otherwise `out` overlaps no input, what it held before is not read, and a repeated call gives the same bits at any number of threads.
/// Scratch memory comes from `Workspace<B::Memory>::current()`.
namespace moesaic {

/// A pair of the list behind a weight gradient: it adds `x^T g` (or, with `x` absent, the column sums of `g`).
template <class B>
struct OuterProduct {
  Tensor<B> x, g;
};

/// What a discrete Fourier transform multiplies its frequencies with: `ends` frequency 0 and, where n is even, n / 2; `middle`
/// those between, each of which stands for two of the full spectrum.
struct FourierWeights {
  double ends = 1, middle = 1;
};

/// The extension for transforms along the last axis, opted into by `#include <moesaic/ops/fft.hpp>`: a backend that has it
/// specialises this class in a header of its own, with
///
/// * `rfft(out, in, w)`: `in [..., n]`, `out [2, ..., n/2+1]`, the plane of real parts and then that of imaginary parts:
///   `out[0, k] = w_k sum_j in_j cos(2 pi j k / n)`, `out[1, k] = -w_k sum_j in_j sin(2 pi j k / n)`, where the imaginary parts
///   of the ends are exactly 0;
/// * `irfft(out, in, w)`: its transpose, `in [2, ..., n/2+1]`, `out [..., n]`:
///   `out_j = sum_k w_k (in[0, k] cos(2 pi j k / n) - in[1, k] sin(2 pi j k / n))`, which does not read the imaginary parts of
///   the ends. With weights `1/n, 2/n` it is the inverse of `rfft` with weights `1, 1`.
///
/// Any n >= 1. Two planes, not pairs: each is a contiguous tensor, so that what follows (a magnitude, a phase, a filter) is a
/// `map` over two operands and not a gather.
template <class B>
struct Fourier;

/// What a selective scan reads: `u, delta [batch, L, channels]`, `a [channels, N]`, `b, c [batch, L, N]`, `d [channels]`; or the
/// tangents or adjoints of these.
template <class X>
struct SelectiveInputs {
  X u, delta, a, b, c, d;
};

/// The extension for selective scans, opted into by `#include <moesaic/ops/selective_scan.hpp>`: a backend that has it specialises
/// this class in a header of its own, with
///
/// * `forward(out, kept, in)`: `h_t = exp(delta_t a) h_{t-1} + delta_t u_t b_t`, `out_t = c_t . h_t + d u_t` for every channel, with N
///   states h that start at 0; `out [batch, L, channels]`;
/// * `tangent(out, moved, in, direction)`: the same `out`, and in `moved` its derivative along `direction`, the tangents of all
///   six inputs, of which those that are absent are 0;
/// * `kept_shape(u's shape, N)`: of what `forward` remembers for `backward`, a matter of the backend alone; where `kept` is absent,
///   nothing is remembered;
/// * `backward(adjoint, g, kept, in)`: the adjoints of all six inputs, where `g` is that of `out`.
template <class B>
struct SelectiveScan;

/// Whether backend `B` can record what a thread asks of it and do it again: the extension for steps that the host only sets off. Its
/// `B::Graph` is made of a function, `B::Graph(work)`, which it calls while nothing is done; `replay()` does what `work` asked for, with the
/// same arguments and at the same addresses; `B::Graph::recording()` says whether this thread is within such a function. Work that asks
/// for memory or for numbers back raises `CannotRecord` there.
template <class B>
concept Recordable = requires(const typename B::Graph& graph) {
  requires std::constructible_from<typename B::Graph, void (*)()>;
  graph.replay();
  { B::Graph::recording() } -> std::same_as<bool>;
};

/// Whether what this thread asks of `B` is kept for later, so that no number comes back from it now.
template <class B>
bool recording() {
  if constexpr (Recordable<B>)
    return B::Graph::recording();
  else
    return false;
}

namespace primitive {

/// A functor as `map` gets it: callable on numbers, on the backend's vectors of them and on jets.
struct AnyFunctor {
  template <class S, class... Rest>
  S operator()(const S& x, const Rest&...) const { return x; }
};

/// Numbers are `B::Scalar`; `B::Memory` has `static void* allocate(std::size_t bytes)`, 64-byte aligned, and
/// `static void release(void*)`.
template <class B>
concept Types = requires(void* p) {
  typename B::Scalar;
  p = B::Memory::allocate(std::size_t{});
  B::Memory::release(p);
};

/// `out[i] = value`.
template <class B>
concept Fill = requires(const Tensor<B>& t, typename B::Scalar value) { B::fill(t, value); };
/// `out[i] = in[i]`, of one size.
template <class B>
concept Copy = requires(const Tensor<B>& t) { B::copy(t, t); };
/// `out[i] = host[i]`; done when it returns.
template <class B>
concept FromHost = requires(const Tensor<B>& t, const typename B::Scalar* host) { B::from_host(t, host); };
/// `host[i] = in[i]`; done when it returns.
template <class B>
concept ToHost = requires(const Tensor<B>& t, typename B::Scalar* host) { B::to_host(host, t); };

/// `out[i] = f(in0[i], in1[i], ...)`, one to many inputs that broadcast to `out`'s shape (NumPy's rules); `f` is trivially
/// copyable and without state that changes. `out` may be an input of its shape.
template <class B>
concept Map = requires(const Tensor<B>& t) {
  B::map(t, AnyFunctor{}, t);
  B::map(t, AnyFunctor{}, t, t, t, t);
};
/// `out = sum_j coefficient[j] * in[j]`, `count >= 1` terms of one shape, summed in the order of j. `out` may be any of them.
template <class B>
concept Combine = requires(const Tensor<B>& t, int count, const double* coefficient, const Tensor<B>* in) {
  B::combine(t, count, coefficient, in);
};

/// `out[b] = x[b] w[b] + bias[b]`: `x [b, N, I]`, `w [b, I, O]`, `out [b, N, O]`; `b` may be missing on `x`, `w` and `out` alike,
/// or on `w` alone. `bias` is absent, `[O]`, `[N, O]`, `[b, 1, O]` or `[b, N, O]`. An empty inner dimension leaves the bias.
template <class B>
concept Product = requires(const Tensor<B>& t) { B::product(t, t, t, t); };
/// `out += sum_i x_i^T g_i`, `i = 0 .. count - 1`: `x_i [N_i, I]`, `g_i [N_i, O]`, `out [I, O]`, all with a leading batch axis if
/// `out` has one; where the `x_i` are absent, `out += column sums of g_i` with `out [O]` or `[b, 1, O]`.
template <class B>
concept AddOuterProducts = requires(const Tensor<B>& t, const OuterProduct<B>* pairs, Index count) {
  B::add_outer_products(t, pairs, count);
};

/// `out = sum of in` over the axes along which `out`'s shape broadcasts to `in`'s, or `out += ...` with `accumulate` (false where
/// it is not given).
template <class B>
concept SumTo = requires(const Tensor<B>& t, bool accumulate) {
  B::sum_to(t, t);
  B::sum_to(t, t, accumulate);
};
/// Largest entry of every row: `in [..., C] -> out [..., 1]`, `C >= 1`.
template <class B>
concept RowMax = requires(const Tensor<B>& t) { B::row_max(t, t); };

/// Swaps the last two axes: `in [..., R, C] -> out [..., C, R]`.
template <class B>
concept Transpose = requires(const Tensor<B>& t) { B::transpose(t, t); };
/// Entries `begin .. begin + out.shape()[axis]` of an axis of `in`.
template <class B>
concept Slice = requires(const Tensor<B>& t, int axis, Index begin) { B::slice(t, t, axis, begin); };
/// Writes `in`, or adds it with `accumulate`, to the entries `begin .. begin + in.shape()[axis]` of an axis of `out`.
template <class B>
concept PutSlice = requires(const Tensor<B>& t, int axis, Index begin, bool accumulate) {
  B::put_slice(t, t, axis, begin, accumulate);
};
/// `out[i] = in[row[i]]` along the first axis; `row` on the host, every row of it there.
template <class B>
concept Gather = requires(const Tensor<B>& t, const std::int32_t* row) { B::gather(t, t, row); };
/// `out[row[i]] += in[i]` along the first axis, in the order of i; `row` on the host.
template <class B>
concept ScatterAdd = requires(const Tensor<B>& t, const std::int32_t* row) { B::scatter_add(t, t, row); };

/// `out_t = a_t out_{t-1} + b_t` along the second last axis of `a, b, out [..., T, C]`, `out_0 = b_0`; with `reverse` the
/// transpose in `b`: `out_t = a_{t+1} out_{t+1} + b_t`, `out_{T-1} = b_{T-1}`. `a_0` does not matter. `out` may be `b`.
template <class B>
concept LinearScan = requires(const Tensor<B>& t, bool reverse) { B::linear_scan(t, t, t, reverse); };

/// `Fourier<B>::rfft` and `Fourier<B>::irfft`: no part of the list.
template <class B>
concept HasFourier = requires(const Tensor<B>& t, const FourierWeights& w) {
  Fourier<B>::rfft(t, t, w);
  Fourier<B>::irfft(t, t, w);
};

/// `SelectiveScan<B>`: no part of the list.
template <class B>
concept HasSelectiveScan = requires(const Tensor<B>& t, const SelectiveInputs<Tensor<B>>& in) {
  { SelectiveScan<B>::kept_shape(t.shape(), Index{}) } -> std::same_as<Shape>;
  SelectiveScan<B>::forward(t, t, in);
  SelectiveScan<B>::tangent(t, t, in, in);
  SelectiveScan<B>::backward(in, t, t, in);
};

/// A kernel as `for_each` gets it.
struct AnyKernel {
  void operator()(Index) const {}
};
/// Calls `kernel(i)` for i = 0 .. count - 1, in any order and at the same time. A kernel is trivially copyable and holds numbers and
/// pointers to the memory of tensors; its `operator()(Index) const` is marked `MOESAIC_HD`. `work` is about how many numbers one call
/// goes through: where it matters, a backend decides by it whether threads are worth it.
template <class B>
concept ForEach = requires(Index count, Index work) {
  B::for_each(count, AnyKernel{});
  B::for_each(count, AnyKernel{}, work);
};

}  // namespace primitive

/// Refuses, with one sentence for each, a backend that lacks a primitive.
template <class B>
constexpr bool require_primitives() {
  static_assert(primitive::Types<B>, "Moesaic: backend lacks Scalar or Memory [docs/backend.md]");
  static_assert(primitive::Fill<B>, "Moesaic: backend lacks the primitive fill(out, value) [docs/backend.md]");
  static_assert(primitive::Copy<B>, "Moesaic: backend lacks the primitive copy(out, in) [docs/backend.md]");
  static_assert(primitive::FromHost<B>, "Moesaic: backend lacks the primitive from_host(out, host) [docs/backend.md]");
  static_assert(primitive::ToHost<B>, "Moesaic: backend lacks the primitive to_host(host, in) [docs/backend.md]");
  static_assert(primitive::Map<B>, "Moesaic: backend lacks the primitive map(out, f, in...) [docs/backend.md]");
  static_assert(primitive::Combine<B>,
                "Moesaic: backend lacks the primitive combine(out, count, coefficient, in) [docs/backend.md]");
  static_assert(primitive::Product<B>, "Moesaic: backend lacks the primitive product(out, x, w, bias) [docs/backend.md]");
  static_assert(primitive::AddOuterProducts<B>,
                "Moesaic: backend lacks the primitive add_outer_products(out, pairs, count) [docs/backend.md]");
  static_assert(primitive::SumTo<B>,
                "Moesaic: backend lacks the primitive sum_to(out, in, accumulate = false) [docs/backend.md]");
  static_assert(primitive::RowMax<B>, "Moesaic: backend lacks the primitive row_max(out, in) [docs/backend.md]");
  static_assert(primitive::Transpose<B>, "Moesaic: backend lacks the primitive transpose(out, in) [docs/backend.md]");
  static_assert(primitive::Slice<B>, "Moesaic: backend lacks the primitive slice(out, in, axis, begin) [docs/backend.md]");
  static_assert(primitive::PutSlice<B>,
                "Moesaic: backend lacks the primitive put_slice(out, in, axis, begin, accumulate) [docs/backend.md]");
  static_assert(primitive::Gather<B>, "Moesaic: backend lacks the primitive gather(out, in, row) [docs/backend.md]");
  static_assert(primitive::ScatterAdd<B>, "Moesaic: backend lacks the primitive scatter_add(out, in, row) [docs/backend.md]");
  static_assert(primitive::LinearScan<B>,
                "Moesaic: backend lacks the primitive linear_scan(out, a, b, reverse) [docs/backend.md]");
  static_assert(primitive::ForEach<B>, "Moesaic: backend lacks the primitive for_each(count, kernel, work = 1) [docs/backend.md]");
  return true;
}

}  // namespace moesaic
