// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include <moesaic/flow/affine_coupling.hpp>
#include <moesaic/flow/standardise.hpp>

namespace moesaic::flow {

/// What the first coupling keeps: the first half of the features, or every other one. The next keeps the rest, and so on.
enum class Mask { half, checkerboard };

/// Alternating affine couplings (Dinh, Sohl-Dickstein, Bengio: Density estimation using Real NVP, ICLR 2017), `x [N, features]`.
/// Starts as the identity.
///
/// With `act_norm` every coupling comes after an ActNorm (Kingma, Dhariwal: Glow, NeurIPS 2018), a `Standardise` of all features;
/// `normalised` starts it from data.
template <class Activation = activation::Relu>
struct RealNvp {
  static constexpr bool trivial = false;
  Index features = 2;
  int couplings = 6;
  Widths hidden = {128, 128};  ///< of the networks in the couplings
  Mask mask = Mask::half;
  bool act_norm = false;

  void layout(Layout& l) const {
    require(features >= 2, "RealNvp: features is ", features, "; expected at least 2, for a part that is kept and one that moves");
    require(couplings >= 1, "RealNvp: couplings is ", couplings, "; expected at least 1");
    for (int i = 0; i < couplings; ++i) l.add_module(std::to_string(i), Step{*this, i});
  }
  template <class X>
  Image<X> forward(Slots<X>& slots, const X& x) const {
    Parts<X> parts = split(x);
    for (int i = 0; i < couplings; ++i) apply(bind(slots, i), i, parts);
    return {join(parts), log_det(parts)};
  }
  template <class X>
  X inverse(Slots<X>& slots, const X& z) const {
    Parts<X> parts = split(z);
    undo(slots, 0, parts);
    return join(parts);
  }

  /// These parameters of the flow, but with every ActNorm such that what it makes of `batch [N, features]` has mean 0 and variance
  /// 1; a constant feature keeps its scale.
  template <class B>
  Array<B> normalised(const Tensor<B>& parameters, const Tensor<B>& batch) const {
    Array<B> out(parameters);
    const Scratch<typename B::Memory> scratch;
    Slots<Tensor<B>> slots(out.tensor());
    Parts<Tensor<B>> parts = split(batch);
    for (int i = 0; i < couplings; ++i) {
      const auto step = bind(slots, i);
      for (int j = 0; act_norm && j < 2; ++j) B::copy(step.norm[j], standardisation_of(parts.part[j]));
      apply(step, i, parts);
    }
    return out;
  }

 private:
  /// The two parts of the features, each of which is kept by every other coupling.
  template <class X>
  struct Parts {
    X part[2], log_scale[2], log_det;
  };
  template <class X>
  struct BoundStep {
    X norm[2];  ///< one `Standardise` for each part; absent without ActNorm
    BoundCoupling<X, Activation> coupling;
  };
  struct Step {
    const RealNvp& flow;
    int i;
    void layout(Layout& l) const {
      if (flow.act_norm)
        for (int j = 0; j < 2; ++j) l.add_module("norm" + std::to_string(j), Standardise{flow.width(j)});
      flow.coupling(i).layout(l);
    }
  };

  Index width(int part) const { return (features + 1 - part) / 2; }
  AffineCoupling<Activation> coupling(int i) const { return {width(i % 2), width(1 - i % 2), hidden}; }

  template <class X>
  BoundStep<X> bind(Slots<X>& slots, int i) const {
    BoundStep<X> step;
    for (int j = 0; act_norm && j < 2; ++j) step.norm[j] = slots.take({2 * width(j)});
    step.coupling = coupling(i).bind(slots);
    return step;
  }
  template <class X>
  void apply(const BoundStep<X>& step, int i, Parts<X>& parts) const {
    for (int j = 0; act_norm && j < 2; ++j) {
      Slots<X> norm(step.norm[j]);
      const auto image = Standardise{width(j)}.forward(norm, parts.part[j]);
      parts.part[j] = image.z;
      parts.log_det = sum_present(parts.log_det, image.log_det);
    }
    const int kept = i % 2, moved = 1 - kept;
    const auto image = step.coupling.forward(parts.part[kept], parts.part[moved]);
    parts.part[moved] = image.z;
    parts.log_scale[moved] = sum_present(parts.log_scale[moved], image.log_scale);
  }
  template <class X>
  static X log_det(const Parts<X>& parts) {
    X sum = parts.log_det;
    for (const X& s : parts.log_scale)
      if (present(s)) sum = sum_present(sum, reshape(sum_last(s), {shape(s)[0]}));
    return sum;
  }
  /// Undoes coupling `i` and those after it: parameters are taken on the way in, features change on the way out.
  template <class X>
  void undo(Slots<X>& slots, int i, Parts<X>& parts) const {
    if (i == couplings) return;
    const auto step = bind(slots, i);
    undo(slots, i + 1, parts);
    X& moved = parts.part[1 - i % 2];
    moved = step.coupling.inverse(parts.part[i % 2], moved);
    for (int j = 0; act_norm && j < 2; ++j) {
      Slots<X> norm(step.norm[j]);
      parts.part[j] = Standardise{width(j)}.inverse(norm, parts.part[j]);
    }
  }

  template <class X>
  Parts<X> split(const X& x) const {
    const Shape s = shape(x);
    require(s.rank() == 2 && s[1] == features, "RealNvp: samples of shape ", s, "; expected [samples, ", features, "]");
    if (mask == Mask::half) return {{slice(x, 1, 0, width(0)), slice(x, 1, width(0), width(1))}, {}, {}};
    const bool odd = features % 2;  // a column of zeros makes pairs of all
    const X pairs = reshape(odd ? pad(x, 1, 0, features + 1) : x, {s[0], width(0), 2});
    const auto column = [&](int j) { return reshape(slice(pairs, 2, j, 1), {s[0], width(0)}); };
    return {{column(0), odd ? slice(column(1), 1, 0, width(1)) : column(1)}, {}, {}};
  }
  template <class X>
  X join(const Parts<X>& parts) const {
    const X &first = parts.part[0], &second = parts.part[1];
    if (mask == Mask::half) return concat(first, second, 1);
    const bool odd = features % 2;
    const Shape column{shape(first)[0], width(0), 1};
    const X pairs = concat(reshape(first, column), reshape(odd ? pad(second, 1, 0, width(0)) : second, column), 2);
    const X even = reshape(pairs, {column[0], 2 * width(0)});
    return odd ? slice(even, 1, 0, features) : even;
  }
};

}  // namespace moesaic::flow
