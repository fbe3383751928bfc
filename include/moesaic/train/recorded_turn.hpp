// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include <moesaic/train/clip.hpp>
#include <moesaic/train/player.hpp>
#include <moesaic/train/readings.hpp>

namespace moesaic {

namespace functor {
/// What shortens a vector of squared length `x` to at most `bound`.
struct Shortening {
  double bound;
  template <class S>
  constexpr S operator()(const S& x) const {
    using std::sqrt;
    const S length = sqrt(x), most = constant<S>(bound);
    return select(length > most, most / length, constant<S>(1));
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
    double norm_squared;         ///< sum of the gradients' squared lengths
    std::optional<double> first_total;  ///< of the turn's first step, where that was one of them
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
      const auto norm_squared = make_tensor<B>(Shape{1});
      B::sum_to(norm_squared, rule::map(functor::Square{}, gradient).reshape({gradient.size()}));
      add_in_place(number(norm_at), norm_squared);
      clip_on_device(gradient, bounds, norm_squared);
    };
    if (graph_) {
      graph_->replay();
    } else if (!rehearsed_ || !recordable_) {
      work();
      rehearsed_ = true;
    } else {
      record(work);
    }
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
    out.norm_squared = double(host[std::size_t(norm_at)]);
    B::fill(numbers_, T(0));
    steps_ = 0;
    has_first_ = false;
    return out;
  }

  Index steps() const { return steps_; }  ///< since the last reading
  int count() const { return count_; }
  std::string_view name(int i) const { return names_[std::size_t(i)]; }

 private:
  static constexpr Index first_at = Losses::capacity, norm_at = first_at + 1, numbers = norm_at + 1;

  Tensor<B> number(Index i) { return numbers_.tensor().rows(i, 1); }

  template <class Work>
  void record(const Work& work) {
    try {
      graph_.emplace(work);
      graph_->replay();
    } catch (const Error&) {  // an expert that waits for the device: its steps are set off one by one
      recordable_ = false;
      work();
    }
  }
  static void add_proximal(const Player<B>& player, const Tensor<B>& start, const Tensor<B>& gradient, Readings<B>& losses) {
    const Tensor<B> p = player.parameters;
    const double n = double(std::max<Index>(p.size(), 1));
    losses.add_to_total("proximal", rule::map(functor::SquaredDifference{}, p, start), 0.5 * player.proximal / n);
    B::map(gradient, functor::AddProximal{player.proximal / n}, gradient, p, start);
  }
  static void clip_on_device(const Tensor<B>& gradient, const Clip& bounds, const Tensor<B>& norm_squared) {
    if (std::isfinite(bounds.value)) {
      B::map(gradient, functor::Clamp{bounds.value}, gradient);
      B::sum_to(norm_squared, rule::map(functor::Square{}, gradient).reshape({gradient.size()}));
    }
    if (!std::isfinite(bounds.norm)) return;
    const auto factor = rule::map(functor::Shortening{bounds.norm}, norm_squared);
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
