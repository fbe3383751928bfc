// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <initializer_list>
#include <span>
#include <string>

#include <moesaic/expert/mamba.hpp>
#include <moesaic/ops/resample.hpp>

namespace moesaic {

/// Paces of several Mamba blocks, most often factors of their steps of time; at most 8, and none is none of these blocks.
class Scales {
 public:
  Scales() = default;
  Scales(std::initializer_list<double> scales) : Scales(std::span<const double>(scales.begin(), scales.size())) {}
  explicit Scales(std::span<const double> scales) {
    require(scales.size() <= scale_.size(), "Scales: ", scales.size(), " scales; expected at most ", scale_.size());
    for (double s : scales) {
      require(s > 0, "Scales: scale ", count_, " is ", s, "; expected a positive number");
      scale_[std::size_t(count_++)] = s;
    }
  }
  int size() const { return count_; }
  double operator[](int i) const { return scale_[std::size_t(i)]; }

 private:
  std::array<double, 8> scale_{};
  int count_ = 0;
};

/// How a block comes to its pace: by what multiplies its steps of time, or by what it reads.
enum class StepSize {
  fixed,    ///< its scale
  learned,  ///< a parameter that starts there
  dynamic,  ///< a function of the mean token that starts there: every sample has its own
  pooled,   ///< nothing: it reads means of so many tokens, a whole number, and what it gives is interpolated back
};

/// Several Mamba blocks that read the same tokens at different paces, and their mean: `[N, L, width] -> [N, L, width]`
/// (Karadag et al.: ms-Mamba: Multi-scale Mamba for time-series forecasting, arXiv 2504.07654, 2025).
///
/// Every block has all its weights to itself, and its scale multiplies `softplus(...)`, as the paper's formula has it; or tokens
/// are pooled, as in the first M2-MOEP. Errors: a scale that pools and is not whole, or larger than L.
struct MultiScaleMamba {
  Mamba block;
  Scales scales{1, 2, 4};
  StepSize step_size = StepSize::fixed;

  void layout(Layout& l) const {
    for (int i = 0; i < scales.size(); ++i) {
      const std::string name = "scale" + std::to_string(i + 1);
      pool_width(i);  // refuses a scale
      if (step_size == StepSize::learned) l.add(name + ".log", {1}, init::constant(std::log(scales[i])));
      if (step_size == StepSize::dynamic) {
        l.add(name + ".weight", {block.width, 1}, init::constant(0));
        l.add(name + ".bias", {1}, init::constant(detail::before_softplus(scales[i])));
      }
      l.add_module(name, block);
    }
  }
  template <class X>
  X operator()(Slots<X>& slots, const X& x) const {
    std::array<X, 8> y;
    std::array<double, 8> share;
    share.fill(1 / double(scales.size()));
    const X mean = step_size == StepSize::dynamic ? mean_token(x) : X{};
    for (int i = 0; i < scales.size(); ++i) {
      const X scale = scale_of(slots, mean, scales[i]);
      y[std::size_t(i)] = interpolate(block.bind(slots)(average_pool(x, pool_width(i)), scale), shape(x)[1]);
    }
    const auto n = std::size_t(scales.size());
    return combine(std::span<const double>(share.data(), n), std::span<const X>(y.data(), n));
  }

 private:
  Index pool_width(int i) const {
    if (step_size != StepSize::pooled) return 1;
    require(scales[i] == std::floor(scales[i]), "MultiScaleMamba: scale ", i, " is ", scales[i],
            "; expected a whole number of tokens to pool");
    return Index(scales[i]);
  }
  template <class X>
  static X mean_token(const X& x) {
    const Shape s = shape(x);
    return moesaic::scale(sum_to(x, {s[0], 1, s[2]}), 1 / double(s[1]));
  }
  template <class X>
  X scale_of(Slots<X>& slots, const X& mean, double scale) const {
    using B = BackendOf<X>;
    if (step_size == StepSize::learned) return exp(slots.take({1}));
    if (step_size == StepSize::dynamic) {
      const X weight = slots.take({block.width, 1}), bias = slots.take({1});
      return linear_map(functor::Softplus{}, mean, weight, bias);
    }
    if (step_size == StepSize::pooled || scale == 1) return {};
    const auto constant = make_tensor<B>(Shape{});
    B::fill(constant, typename B::Scalar(scale));
    return X(constant);
  }
};

}  // namespace moesaic
