// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <moesaic/core/random.hpp>
#include <moesaic/ops/ops.hpp>

/// Where `Supervised` takes its samples from. A source has `size()`, and `take(who)` and `range(first, count)`, which make tensors of
/// some of the samples in the workspace, or refer to where they are.
namespace moesaic {

/// Samples `x [n, ...]` and targets `y [n, ...]`, or no targets.
template <class B>
struct Batch {
  Tensor<B> x, y;
  Tensor<B> season = {};  ///< what was taken out of y before the model sees it, where something was
};

/// Samples `x [N, ...]` in memory, with their targets `y [N, ...]`.
template <class B>
struct Pairs {
  Array<B> x, y;

  Index size() const { return x ? x.shape()[0] : 0; }
  Batch<B> take(std::span<const std::int32_t> who) const { return {gather(x.tensor(), who), gather(y.tensor(), who)}; }
  Batch<B> range(Index first, Index count) const {
    return {x.tensor().rows(first, count), y ? y.tensor().rows(first, count) : Tensor<B>{}};
  }
};

/// The windows of a series, cut when they are asked for: sample i is the `look_back` rows from row `first + i` on, `x [n, look_back *
/// variates]` with time slowest, its target the `horizon` rows after them, `y [n, horizon, variates]`.
template <class B>
class Windows {
 public:
  /// Windows that lie in the rows `first .. first + rows` of `series [time, variates]`. Errors: a number that is not finite; rows out
  /// of range; too few for one window.
  Windows(Array<B> series, Index first, Index rows, Index look_back, Index horizon)
      : series_(std::move(series)), first_(first), count_(0), look_back_(look_back), horizon_(horizon) {
    const Shape s = series_.shape();
    require(s.rank() == 2 && s[1] > 0, "Windows: a series of shape ", s, "; expected [time, variates]");
    require(look_back >= 1 && horizon >= 1, "Windows: look-back ", look_back, " and horizon ", horizon, "; expected at least 1");
    require(first >= 0 && first <= s[0] && rows >= 0 && rows <= s[0] - first, "Windows: ", rows, " rows from row ", first, " on, of a series of ", s[0]);
    require(look_back <= rows && horizon <= rows - look_back, "Windows: ", rows, " rows; a window of look-back ", look_back, " and horizon ", horizon, " takes ",
            double(look_back) + double(horizon));
    count_ = rows - look_back - horizon + 1;
    require_finite_rows("series", series_);
  }

  /// From now on every window comes without its season: `cycle [time, variates]`, the mean of the series at each row's phase, times
  /// the amplitude that fits the look-back best,
  /// `a = (sum (x - mean x)(c - mean c) + shrinkage v) / (sum (c - mean c)^2 + shrinkage v)`, `v = look_back * mean c^2` over all rows: it
  /// lies between the cycle as the window shows it (shrinkage 0) and the mean cycle itself (infinite), and knows nothing of the horizon.
  void take_out(Array<B> cycle, double shrinkage) {
    require(cycle.shape() == series_.shape(), "Windows: a cycle of shape ", cycle.shape(), " for a series of shape ", series_.shape());
    require(shrinkage >= 0, "Windows: a shrinkage of ", shrinkage, "; expected at least 0");
    require_finite_rows("cycle", cycle);
    shrinkage = std::min(shrinkage, 1e9);  // the mean cycle, to every digit that counts
    cycle_ = std::move(cycle);
    Workspace<typename B::Memory> workspace;
    const typename Workspace<typename B::Memory>::Scope scope(workspace);
    const Shape one{1, variates()};
    const double weight = shrinkage * double(look_back_) / double(series_.shape()[0]);
    prior_ = Array<B>(reshape(scale(sum_to(square(cycle_.tensor()), one), weight), {1, 1, variates()}) + 1e-6);
  }

  Index size() const { return count_; }
  Index first_row() const { return first_; }
  Index look_back() const { return look_back_; }
  Index horizon() const { return horizon_; }
  Index variates() const { return series_.shape()[1]; }

  Batch<B> take(std::span<const std::int32_t> who) const {
    return cut(Index(who.size()), [&](Index i) { return Index(who[std::size_t(i)]); });
  }
  Batch<B> range(Index first, Index count) const {
    return cut(count, [&](Index i) { return first + i; });
  }

 private:
  static void require_finite_rows(const char* what, const Array<B>& values) {
    const auto host = to_host(values.tensor());
    const Index width = values.shape()[1];
    for (Index i = 0; i < Index(host.size()); ++i)
      require(std::isfinite(host[std::size_t(i)]), "Windows: row ", i / width, ", column ", i % width, " of the ", what, " is ",
              host[std::size_t(i)], "; expected a finite number");
  }
  template <class F>
  Batch<B> cut(Index n, const F& sample) const {
    const auto piece = [&](const Array<B>& of, Index offset, Index length) {
      auto* row = Workspace<HostMemory>::current().template take<std::int32_t>(std::size_t(n * length));
      for (Index i = 0; i < n; ++i) std::iota(row + i * length, row + (i + 1) * length, std::int32_t(first_ + sample(i) + offset));
      return reshape(gather(of.tensor(), std::span<const std::int32_t>(row, std::size_t(n * length))), {n, length, variates()});
    };
    const Shape flat{n, look_back_ * variates()};
    const Tensor<B> x = piece(series_, 0, look_back_), y = piece(series_, look_back_, horizon_);
    if (!cycle_) return {reshape(x, flat), y};
    const Tensor<B> c = piece(cycle_, 0, look_back_), level = mean_row(c), off = c - level;
    const Tensor<B> fits = sum_rows((x - mean_row(x)) * off) + prior_.tensor(), of = sum_rows(square(off)) + prior_.tensor();
    const Tensor<B> amplitude = fits / of, season = amplitude * piece(cycle_, look_back_, horizon_);
    return {reshape(x - amplitude * c, flat), y - season, season};
  }
  static Tensor<B> sum_rows(const Tensor<B>& x) { return sum_to(x, {x.shape()[0], 1, x.shape()[2]}); }
  static Tensor<B> mean_row(const Tensor<B>& x) { return scale(sum_rows(x), 1 / double(x.shape()[1])); }

  Array<B> cycle_, prior_;
  Array<B> series_;
  Index first_, count_, look_back_, horizon_;
};

/// The order of samples in a pass: all of them, once each, in an order that depends on the random stream alone.
class Shuffle {
 public:
  explicit Shuffle(Index samples) : order_(std::size_t(samples)) {}

  /// Samples `first .. first + count` of the pass; after the last comes the first again.
  void draw(const Random& random, Index pass, Index first, std::span<std::int32_t> out) {
    if (pass != pass_) {
      std::iota(order_.begin(), order_.end(), 0);
      Random own = random.fork(std::uint64_t(pass));
      for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[std::size_t(own.next_below(i))]);
      pass_ = pass;
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = order_[(std::size_t(first) + i) % order_.size()];
  }

 private:
  std::vector<std::int32_t> order_;
  Index pass_ = -1;
};

}  // namespace moesaic
