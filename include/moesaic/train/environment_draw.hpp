// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <moesaic/core/random.hpp>
#include <moesaic/ops/ops.hpp>
#include <moesaic/train/context_distance.hpp>
#include <moesaic/train/environment_options.hpp>

namespace moesaic {

namespace detail {

/// What the candidates of a list are sorted by: how far the context of the list's owner is from theirs, the owner itself first; without
/// owners, how large their own are. What is not a number comes last.
template <class T>
struct ContextKeyKernel {
  const T *contexts, *owners, *candidates;
  Index count, size;
  bool itself;  ///< whether an owner may be in its own list
  double* key;
  MOESAIC_HD void operator()(Index e) const {
    const Index list = e / count, c = Index(candidates[e - list * count]), owner = owners ? Index(owners[list]) : -1;
    const double found = owner < 0 ? context_size(contexts + c * size, size)
                         : owner != c ? context_distance(contexts + owner * size, contexts + c * size, size)
                         : itself || count == 1 ? -1
                                                : std::numeric_limits<double>::infinity();
    key[e] = found == found ? found : std::numeric_limits<double>::infinity();
  }
};

/// Puts a candidate where it comes in its list's order, the first of equals first, if that is among the first `wanted`.
template <class T, class Key>
struct RankKernel {
  const Key* key;
  const T* candidates;
  Index count, wanted;
  T* out;
  MOESAIC_HD void operator()(Index e) const {
    const Index list = e / count, own = e - list * count;
    const Key* const keys = key + list * count;
    Index before = 0;
    for (Index k = 0; k < count && before < wanted; ++k) before += keys[k] < keys[own] || (keys[k] == keys[own] && k < own);
    if (before < wanted) out[list * wanted + before] = candidates[own];
  }
};

}  // namespace detail

/// Draws the environments of a step and the contexts that each is expanded about. Contexts are compared where they lie, and the numbers of
/// what was drawn stay there.
template <class B>
class EnvironmentDraw {
  using T = typename B::Scalar;

 public:
  EnvironmentDraw(Index environments, const EnvironmentOptions& options, int taylor)
      : all_(environments), options_(options), expands_(taylor > 0 && (options.pool != Pool::nearest || options.pool_size > 1)) {}

  /// Whether every environment is solved once, at its own context: then nothing is drawn.
  bool takes_all() const { return environments() == all_ && !expands_; }
  bool expands() const { return expands_; }
  /// Environments of a step.
  Index environments() const { return options_.contributors == 0 ? all_ : options_.contributors; }
  /// Solves of an environment: the contexts that it is expanded about.
  Index pool() const {
    if (!expands_) return 1;
    return std::max<Index>(1, std::min(options_.pool_size, environments() - (options_.pool == Pool::nearest_others ? 1 : 0)));
  }
  Index solves() const { return environments() * pool(); }

  /// Numbers of the solves' environments, in their order, and of those about whose contexts they are expanded: `[solves]`.
  Tensor<B> at() const { return at_.tensor(); }
  Tensor<B> about() const { return expands_ ? about_.tensor() : at_.tensor(); }

  void operator()(Random random, const Tensor<B>& contexts) {
    if (!numbers_) reserve();
    const Scratch<HostMemory> host;
    const Scratch<typename B::Memory> scratch;
    choose(random, contexts);
    B::copy(at_, broadcast_to(reshape(chosen_.tensor(), {environments(), 1}), {environments(), pool()}));
    if (expands_) fill_pools(random, contexts);
  }

 private:
  void reserve() {
    std::vector<T> numbers(static_cast<std::size_t>(all_));
    std::iota(numbers.begin(), numbers.end(), T(0));
    chosen_ = Array<B>(Shape{environments()});
    at_ = Array<B>(Shape{solves()});
    if (expands_) about_ = Array<B>(Shape{solves()});
    numbers_ = Array<B>({all_}, numbers);
  }

  void choose(Random& random, const Tensor<B>& contexts) {
    const Index n = environments();
    if (n == all_) return B::copy(chosen_, numbers_);
    if (options_.draw == Draw::uniform) {
      auto* const row = draw(all_, n, random);
      std::sort(row, row + n);
      return B::gather(chosen_, numbers_, row);
    }
    const Index centre = Index(random.next_below(std::uint64_t(all_)));
    const auto nearest = make_tensor<B>({n});
    put_first(nearest, contexts, numbers_.tensor().rows(centre, 1), numbers_, n, true);
    B::for_each(n, detail::RankKernel<T, T>{nearest.data(), nearest.data(), n, n, chosen_.data()}, n);  // by their numbers
  }
  void fill_pools(Random& random, const Tensor<B>& contexts) {
    const Index n = environments(), wanted = pool();
    switch (options_.pool) {
      case Pool::nearest:
      case Pool::nearest_others: return put_first(about_, contexts, chosen_, chosen_, wanted, options_.pool == Pool::nearest);
      case Pool::smallest: {
        const auto same = make_tensor<B>({1, wanted});
        put_first(same, contexts, {}, chosen_, wanted, true);
        return B::copy(about_, broadcast_to(same, {n, wanted}));
      }
      case Pool::random: {
        auto* const row = Workspace<HostMemory>::current().template take<std::int32_t>(std::size_t(n * wanted));
        for (Index i = 0; i < n; ++i) {
          const Scratch<HostMemory> one;
          std::copy_n(draw(n, wanted, random), wanted, row + i * wanted);
        }
        return B::gather(about_, chosen_, row);
      }
    }
  }

  /// A random choice of `wanted` of so many candidates, in front of the others.
  static std::int32_t* draw(Index candidates, Index wanted, Random& random) {
    auto* const row = Workspace<HostMemory>::current().template take<std::int32_t>(std::size_t(candidates));
    std::iota(row, row + candidates, 0);
    for (Index i = 0; i < wanted; ++i) std::swap(row[i], row[i + Index(random.next_below(std::uint64_t(candidates - i)))]);
    return row;
  }
  /// Fills lists of `wanted` candidates, those that come first for each of the owners, or without any for all; some lists at a time,
  /// since each compares all candidates.
  void put_first(const Tensor<B>& out, const Tensor<B>& contexts, const Tensor<B>& owners, const Tensor<B>& candidates, Index wanted,
                 bool itself) const {
    const Index lists = out.size() / wanted, count = candidates.size(), size = contexts.shape()[1];
    const Index at_once = std::clamp<Index>(most_keys / count, 1, lists);
    auto* const key = Workspace<typename B::Memory>::current().template take<double>(std::size_t(at_once * count));
    for (Index first = 0; first < lists; first += at_once) {
      const Index all = std::min(at_once, lists - first) * count;
      const T* const own = owners ? owners.data() + first : nullptr;
      B::for_each(all, detail::ContextKeyKernel<T>{contexts.data(), own, candidates.data(), count, size, itself, key}, size);
      B::for_each(all, detail::RankKernel<T, double>{key, candidates.data(), count, wanted, out.data() + first * wanted}, wanted);
    }
  }

  static constexpr Index most_keys = Index{1} << 20;

  Index all_;
  EnvironmentOptions options_;
  bool expands_;
  Array<B> numbers_;  ///< of all environments
  Array<B> chosen_, at_, about_;
};

}  // namespace moesaic
