// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <limits>
#include <vector>

#include <moesaic/train/device_step.hpp>

namespace moesaic::detail {

/// One context after its solve: without a finite loss and gradient it has an infinite loss and stays where it is, and where it does
/// better than before it is kept.
template <class T>
struct KeepKernel {
  const T *contexts, *chosen;
  Index size, experts;
  T *loss, *gradient, *least, *kept, *expert;
  MOESAIC_HD static bool finite(T x) { return x - x == T(0); }
  MOESAIC_HD void operator()(Index row) const {
    bool good = finite(loss[row]);
    for (Index c = 0; c < size; ++c) good = good && finite(gradient[row * size + c]);
    if (!good) {
      loss[row] = std::numeric_limits<T>::infinity();
      for (Index c = 0; c < size; ++c) gradient[row * size + c] = 0;
    }
    if (!(loss[row] < least[row])) return;
    least[row] = loss[row];
    for (Index c = 0; c < size; ++c) kept[row * size + c] = contexts[row * size + c];
    for (Index k = 0; k < experts; ++k)
      if (chosen[row * experts + k] > T(0)) expert[row] = T(k);
  }
};
/// The least loss of an environment's contexts, and whether there is one.
template <class T>
struct BestOfCopiesKernel {
  const T* loss;
  Index copies;
  T *best, *solved;
  MOESAIC_HD void operator()(Index environment) const {
    constexpr T infinite = std::numeric_limits<T>::infinity();
    T least = infinite;
    for (Index i = environment * copies; i < (environment + 1) * copies; ++i) least = loss[i] < least ? loss[i] : least;
    solved[environment] = least < infinite ? T(1) : T(0);
    best[environment] = least < infinite ? least : T(0);
  }
};
/// A sum over its count, 0 of nothing.
struct MeanOfCounted {
  template <class S>
  constexpr S operator()(const S& sum, const S& count) const {
    return select(count > constant<S>(0), sum / count, constant<S>(0));
  }
};

/// The steps of `adapt` on a device, of which the host learns the loss alone: what is kept is known when they are over.
template <class B, class Model>
class DeviceAdaptation {
  using T = typename B::Scalar;

 public:
  explicit DeviceAdaptation(const Model& model) : model_(model), step_(model) {}

  /// Each environment with so many contexts, one of its own for every expert, or one that the gate routes.
  void begin(const EnvironmentData<B>& data, Index copies, const Shape& contexts) {
    const Index rows = contexts[0], experts = model_.experts.count;
    copies_ = copies;
    std::vector<T> environment, all;
    for (Index row = 0; row < rows; ++row) {
      environment.push_back(T(row / copies));
      for (Index k = 0; k < experts; ++k) all.push_back(row % copies == k ? T(1) : T(0));
    }
    own_expert_ = Array<B>({rows, experts}, all);
    const std::vector<T> infinite(std::size_t(rows), std::numeric_limits<T>::infinity());
    least_ = Array<B>({rows}, infinite);
    expert_ = Array<B>(Shape{rows});
    kept_ = Array<B>(contexts);
    step_.prepare(Array<B>({rows}, environment).tensor(), data);
  }

  Readings<B> set_off(const Tensor<B>& parameters, const Tensor<B>& contexts, const Tensor<B>& gradient) {
    const Index rows = contexts.shape()[0], size = contexts.shape()[1], environments = rows / copies_;
    const auto chosen = copies_ == 1 ? one_hot_of_largest(model_.weigh(parameters, contexts).logits) : own_expert_.tensor();
    const auto loss = make_tensor<B>({rows}), best = make_tensor<B>({environments}), solved = make_tensor<B>({environments});
    step_.each(chosen, parameters, contexts, loss, gradient);
    B::for_each(rows, KeepKernel<T>{contexts.data(), chosen.data(), size, model_.experts.count, loss.data(), gradient.data(),
                                    least_.tensor().data(), kept_.tensor().data(), expert_.tensor().data()});
    B::for_each(environments, BestOfCopiesKernel<T>{loss.data(), copies_, best.data(), solved.data()});
    Readings<B> losses;
    losses.set_total(rule::map(MeanOfCounted{}, sum(best), sum(solved)), 1);
    return losses;
  }

  /// The losses of the contexts that did best, those contexts, and their experts; others are left as they are.
  void fetch(std::vector<double>& least, const Tensor<B>& kept, std::vector<Index>& expert) const {
    const auto losses = to_host(least_.tensor()), experts = to_host(expert_.tensor());
    for (std::size_t row = 0; row < losses.size(); ++row) {
      if (!(double(losses[row]) < least[row])) continue;
      least[row] = double(losses[row]);
      expert[row] = Index(experts[row]);
      B::copy(kept.rows(Index(row), 1), kept_.tensor().rows(Index(row), 1));
    }
  }

 private:
  const Model& model_;
  DeviceStep<B, Model> step_;
  Index copies_ = 1;
  Array<B> own_expert_, least_, expert_, kept_;
};

}  // namespace moesaic::detail
