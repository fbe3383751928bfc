// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include <moesaic/train/clip.hpp>
#include <moesaic/train/player.hpp>
#include <moesaic/train/readings.hpp>

namespace moesaic {

namespace functor {
/// What shortens a vector to the length `bound`, given the square of its length, and that of `unit` times it for vectors whose square
/// leaves the range of the numbers.
struct Shortening {
  double bound, unit;
  template <class S>
  constexpr S operator()(const S& squared, const S& squared_of_unit) const {
    using std::sqrt;
    const S most = constant<S>(bound), length = sqrt(squared), long_length = sqrt(squared_of_unit) / constant<S>(unit);
    const S factor = select(length < constant<S>(std::numeric_limits<double>::infinity()), most / length, most / long_length);
    return select(factor < constant<S>(1), factor, constant<S>(1));
  }
};
}  // namespace functor

namespace detail {

/// The steps of one player on a device that records: the first is done as it is asked for, the second is recorded, and from then on that
/// record is done again: gradient, proximal term and clipping at once. Sums over the steps stay on the device until they are read.
template <class B>
class RecordedTurn {
  using T = typename B::Scalar;

 public:
  /// What is known once the device has been asked.
  struct Read {
    std::array<double, std::size_t(Losses::capacity)> sums{};  ///< of the losses over the steps since the last reading
    bool finite = true;                                        ///< whether all gradients were
    std::optional<double> first_total = {};                    ///< of the turn's first step, where that was one of them
  };

  RecordedTurn() : numbers_(Shape{numbers}) {}

  /// Fills `gradient`: that of what `set_off` computes and of the proximal term about `start`, clipped. `first`: of the turn.
  template <class SetOff>
  void step(const Player<B>& player, const Tensor<B>& start, bool first, const Tensor<B>& gradient, const Clip& bounds,
            const SetOff& set_off) {
    const auto work = [&] {
      const Scratch<typename B::Memory> scratch;
      Readings<B> losses = set_off();
      if (player.proximal > 0) add_proximal(player, start, gradient, losses);
      count_ = losses.count();
      for (int i = 0; i < count_; ++i) names_[std::size_t(i)] = losses.name(i);
      add_in_place(numbers_.tensor().rows(0, count_), losses.values());
      add_in_place(number(norm_at), squared_length(scale(gradient, unit)));
      clip_on_device(gradient, bounds);
    };
    if (rehearsed_ && recordable_ && !graph_) record(work);
    if (graph_)
      graph_->replay();
    else
      work();
    rehearsed_ = true;
    if (first) B::copy(number(first_at), number(0));
    has_first_ = has_first_ || first;
    ++steps_;
  }
  /// Waits for the device, and begins new sums.
  Read read() {
    std::array<T, std::size_t(numbers)> host;
    B::to_host(host.data(), numbers_);
    Read out;
    for (std::size_t i = 0; i < std::size_t(Losses::capacity); ++i) out.sums[i] = double(host[i]);
    if (has_first_) out.first_total = double(host[std::size_t(first_at)]);
    out.finite = std::isfinite(host[std::size_t(norm_at)]);
    B::fill(numbers_, T(0));
    steps_ = 0;
    has_first_ = false;
    return out;
  }

  Index steps() const { return steps_; }  ///< since the last reading
  int count() const { return count_; }
  std::string_view name(int i) const { return names_[std::size_t(i)]; }

 private:
  static constexpr double unit = std::is_same_v<T, float> ? 1e-20 : 1e-160;  ///< with which squares of lengths stay in range
  static constexpr Index first_at = Losses::capacity, norm_at = first_at + 1, numbers = norm_at + 1;

  Tensor<B> number(Index i) { return numbers_.tensor().rows(i, 1); }

  template <class Work>
  void record(const Work& work) {
    try {
      graph_.emplace(work);
    } catch (const CannotRecord&) {  // an expert that waits for the device: its steps are set off one by one
      recordable_ = false;
    }
  }
  static void add_proximal(const Player<B>& player, const Tensor<B>& start, const Tensor<B>& gradient, Readings<B>& losses) {
    const Tensor<B> p = player.parameters;
    const double n = double(std::max<Index>(p.size(), 1));
    losses.add_to_total("proximal", rule::map(functor::SquaredDifference{}, p, start), 0.5 * player.proximal / n);
    B::map(gradient, functor::AddProximal{player.proximal / n}, gradient, p, start);
  }
  static Tensor<B> squared_length(const Tensor<B>& x) {
    const auto out = make_tensor<B>(Shape{1});
    B::sum_to(out, rule::map(functor::Square{}, x).reshape({x.size()}));
    return out;
  }
  static void clip_on_device(const Tensor<B>& gradient, const Clip& bounds) {
    if (std::isfinite(bounds.value)) B::map(gradient, functor::Clamp{bounds.value}, gradient);
    if (!std::isfinite(bounds.norm)) return;
    const auto factor = rule::map(functor::Shortening{bounds.norm, unit}, squared_length(gradient), squared_length(scale(gradient, unit)));
    B::map(gradient, functor::Times{}, gradient, factor);
  }

  Array<B> numbers_;
  std::optional<typename B::Graph> graph_;
  std::array<std::string_view, std::size_t(Losses::capacity)> names_{};
  int count_ = 0;
  Index steps_ = 0;
  bool rehearsed_ = false, recordable_ = true, has_first_ = false;
};

}  // namespace detail
}  // namespace moesaic
