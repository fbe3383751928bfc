// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// W9: a training epoch of DLinear, from the first parameters on: 8640 rows of 7 variates, windows of 96 and 96 rows in a fixed
// random order, 264 steps of 32, mean squared error, Adam. The forecast is season Ws + bs + trend Wt + bt, where the trend is the
// moving average x A of 25 rows (the ends repeated) and the season what it leaves of x.
#include <moesaic/core/parameters.hpp>
#include <moesaic/train/optimiser.hpp>
#include <moesaic/train/samples.hpp>

#include "support/harness.hpp"

namespace {

using namespace bench;

template <class T>
class DLinearEpoch {
  using B = Cpu<T>;
  static constexpr Index rows = 8640, variates = 7, look_back = 96, horizon = 96, averaged = 25;
  static constexpr Index batch = 32, steps = (rows - look_back - horizon + 1) / batch;

 public:
  const char* name = "W9_dlinear_epoch";
  std::string sizes() const {
    return "\"rows\": 8640, \"channels\": 7, \"look_back\": 96, \"horizon\": 96, \"kernel\": 25, \"batch\": 32, \"steps\": 264";
  }
  double flops() const { return steps * 2.0 * look_back * horizon * 2 * (batch * variates + look_back); }

  explicit DLinearEpoch(Problem<T>& problem)
      : windows_(problem.array("in_series", {rows, variates}), 0, rows, look_back, horizon) {
    order_.resize(std::size_t(steps * batch));
    if (problem.dumped()) {
      const auto theirs = problem.array("in_windows", {steps * batch});
      std::copy_n(theirs.data(), theirs.size(), order_.begin());
    } else {
      Shuffle(windows_.size()).draw(Random(1), 0, 0, order_);
    }
    for (const char* part : {"s", "t"}) {
      layout_.add(std::string("W") + part, {look_back, horizon}, {});
      layout_.add(std::string("b") + part, {horizon}, {});
    }
    first_ = Array<B>({layout_.size()});
    for (const auto& e : layout_.entries())
      B::copy(view(first_.tensor(), e.offset, e.shape), problem.weights("param_" + e.name, e.shape, look_back));
    parameters_ = Array<B>(first_.shape());
    gradient_ = Array<B>(first_.shape());
    adam_ = initial_state(Adam{}, first_.tensor());
    average_ = Array<B>({look_back, look_back});
    for (Index t = 0; t < look_back; ++t)
      for (Index i = t - averaged / 2; i <= t + averaged / 2; ++i)
        average_.data()[std::clamp<Index>(i, 0, look_back - 1) * look_back + t] += T(1) / T(averaged);
  }

  void check(Problem<T>& problem) {
    B::copy(parameters_, first_);
    Array<B> loss(Shape{});
    loss.data()[0] = gradients(0);
    problem.compare("loss", loss);
    for (const auto& e : layout_.entries()) problem.compare("grad_" + e.name, view(gradient_.tensor(), e.offset, e.shape));
  }

  /// Returns the mean loss of the epoch.
  double step() {
    B::copy(parameters_, first_);
    for (auto& moment : adam_.moment)
      if (moment) B::fill(moment, T(0));
    adam_.count = 0;
    double loss = 0;
    for (Index i = 0; i < steps; ++i) {
      loss += double(gradients(i)) / steps;
      update(Adam{}, adam_, parameters_.tensor(), gradient_.tensor(), 1e-3);
    }
    return loss;
  }
  std::size_t bytes() const { return lanes_.capacity(); }

 private:
  /// Series of one variate are rows: `[n, time, variates] -> [n * variates, time]`.
  static Tensor<B> series(const Tensor<B>& window, Index n, Index times) {
    return reshape(transpose(reshape(window, {n, times, variates})), {n * variates, times});
  }
  /// The average is linear: it is applied to the weights, which are fewer than the series,
  /// `(x - x A) Ws + x A Wt = x (Ws + A (Wt - Ws))`.
  template <class X>
  X forecast(const X& parameters, const Tensor<B>& x) const {
    Slots<X> slots(parameters);
    const X season = slots.take({look_back, horizon}), season_bias = slots.take({horizon});
    const X trend = slots.take({look_back, horizon}), trend_bias = slots.take({horizon});
    return linear(x, linear(average_, trend - season, season), season_bias + trend_bias);
  }

  /// Fills the gradient for one batch; returns its loss.
  T gradients(Index step) {
    T loss = 0;
    lanes_.run(1, [&](Tape<Tensor<B>>& tape, Index) {
      const auto samples = windows_.take({order_.data() + step * batch, std::size_t(batch)});
      const auto x = series(samples.x, batch, look_back), y = series(samples.y, batch, horizon);
      const auto parameters = tape.leaf(parameters_.tensor());
      const auto error = mean(map(functor::SquaredDifference{}, forecast(parameters, x), y));
      sweep(error, one<B>());
      B::copy(gradient_, parameters.node->adjoint);
      loss = error.value.data()[0];
    });
    return loss;
  }

  Windows<B> windows_;
  std::vector<std::int32_t> order_;
  Layout layout_;
  Array<B> first_, parameters_, gradient_, average_;
  OptimiserState<B> adam_;
  Lanes<Tensor<B>> lanes_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<DLinearEpoch>(argc, argv); }
