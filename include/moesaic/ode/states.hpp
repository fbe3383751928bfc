// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/ops/checkpoint.hpp>

namespace moesaic::ode::detail {

/// `count` states of one shape. Without a tape it is room of its own, so that all else a step made can be dropped; with one, what
/// a step made stays anyway, and it is a list.
template <class X>
class States {
 public:
  States(const Shape&, Index count) : list_(Workspace<HostMemory>::current().template take<X>(std::size_t(count))) {}

  X put(Index i, const X& x) { return list_[i] = x; }
  /// States `begin .. begin + count` along a new first axis.
  X stacked(Index begin, Index count) const { return stack(std::span<const X>(list_ + begin, std::size_t(count))); }

 private:
  X* list_;
};

template <class B>
class States<Tensor<B>> {
 public:
  States(const Shape& shape, Index count) : shape_(shape) {
    Shape all{count};
    for (int a = 0; a < shape.rank(); ++a) all.push_back(shape[a]);
    room_ = make_tensor<B>(all);
  }
  Tensor<B> put(Index i, const Tensor<B>& x) {
    const Tensor<B> place = room_.rows(i, 1).reshape(shape_);
    if (!x) {
      B::fill(place, typename B::Scalar(0));
      return x;
    }
    any_ = true;
    B::copy(place, x);
    return place;
  }
  Tensor<B> stacked(Index begin, Index count) const { return any_ ? room_.rows(begin, count) : Tensor<B>(); }

 private:
  Shape shape_;
  Tensor<B> room_;
  bool any_ = false;  // structural zeros stay structural zeros
};

template <class A>
  requires(!is_recorded<A>)
class States<Dual<A>> {
 public:
  States(const Shape& shape, Index count) : value_(shape, count), tangent_(shape, count) {}
  Dual<A> put(Index i, const Dual<A>& x) { return {value_.put(i, x.value), tangent_.put(i, x.tangent)}; }
  Dual<A> stacked(Index begin, Index count) const { return {value_.stacked(begin, count), tangent_.stacked(begin, count)}; }

 private:
  States<A> value_, tangent_;
};

}  // namespace moesaic::ode::detail
