// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <limits>
#include <vector>

#include <moesaic/loss/batch.hpp>
#include <moesaic/train/device_step.hpp>

namespace moesaic::detail {

/// One context after its solve: where loss or gradient leave the numbers, the loss becomes infinite and the gradient 0; a context that
/// does better than before is kept. Numbers count up to a millionth of the largest, so that sums over all solves and steps are some, too.
template <class T>
struct KeepKernel {
  const T *contexts, *expert;
  Index size;
  T *loss, *gradient, *least, *kept, *kept_expert;
  MOESAIC_HD static bool finite(T x) {
    constexpr T most = std::numeric_limits<T>::max() / T(1e6);
    return x < most && x > -most;
  }
  MOESAIC_HD void operator()(Index row) const {
    bool good = finite(loss[row]);
    for (Index c = 0; c < size; ++c) good = good && finite(gradient[row * size + c]);
    if (!good) {
      loss[row] = std::numeric_limits<T>::infinity();
      for (Index c = 0; c < size; ++c) gradient[row * size + c] = 0;
    }
    if (!(loss[row] < least[row])) return;
    least[row] = loss[row];
    kept_expert[row] = expert[row];
    for (Index c = 0; c < size; ++c) kept[row * size + c] = contexts[row * size + c];
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

/// The steps of `adapt` on a device, of which the host learns the loss alone: what is kept is known when they are over.
template <class B, class Model>
class DeviceAdaptation {
  using T = typename B::Scalar;

 public:
  explicit DeviceAdaptation(const Model& model) : model_(model), step_(model) {}

  /// Each environment with so many contexts, one of its own for every expert, or one that the gate routes.
  void begin(const EnvironmentData<B>& data, Index copies, const Shape& contexts) {
    const Index rows = contexts[0];
    copies_ = copies;
    std::vector<T> environment, expert;
    for (Index row = 0; row < rows; ++row) environment.push_back(T(row / copies)), expert.push_back(T(row % copies));
    own_expert_ = Array<B>({rows}, expert);
    least_ = Array<B>({rows}, std::vector<T>(std::size_t(rows), std::numeric_limits<T>::infinity()));
    expert_ = Array<B>(Shape{rows});
    kept_ = Array<B>(contexts);
    step_.prepare(Array<B>({rows}, environment).tensor(), data);
  }

  /// Losses and gradients of all contexts. Errors: `Diverged`, from a solver or an expert that looks at the device, whatever the others
  /// come to.
  Readings<B> set_off(const Tensor<B>& parameters, const Tensor<B>& contexts, const Tensor<B>& gradient) {
    const auto expert = experts(parameters, contexts), loss = make_tensor<B>(expert.shape());
    step_.each(expert, parameters, contexts, loss, gradient);
    return keep(expert, contexts, loss, gradient);
  }
  /// The same with losses and gradients that the host found.
  Readings<B> take_over(const Tensor<B>& parameters, const Tensor<B>& contexts, const std::vector<T>& losses, const Tensor<B>& gradient) {
    const auto expert = experts(parameters, contexts), loss = make_tensor<B>(expert.shape());
    B::from_host(loss, losses.data());
    return keep(expert, contexts, loss, gradient);
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
  Tensor<B> experts(const Tensor<B>& parameters, const Tensor<B>& contexts) const {
    return copies_ == 1 ? number_of_largest(model_.weigh(parameters, contexts).logits) : own_expert_.tensor();
  }
  Readings<B> keep(const Tensor<B>& expert, const Tensor<B>& contexts, const Tensor<B>& loss, const Tensor<B>& gradient) {
    const Index rows = contexts.shape()[0], size = contexts.shape()[1], environments = rows / copies_;
    const auto best = make_tensor<B>({environments}), solved = make_tensor<B>({environments});
    B::for_each(rows, KeepKernel<T>{contexts.data(), expert.data(), size, loss.data(), gradient.data(), least_.tensor().data(),
                                    kept_.tensor().data(), expert_.tensor().data()});
    B::for_each(environments, BestOfCopiesKernel<T>{loss.data(), copies_, best.data(), solved.data()});
    Readings<B> losses;
    losses.set_total(rule::map(functor::ShareOfMarks{1}, sum(best), sum(solved)), 1);
    return losses;
  }

  const Model& model_;
  DeviceStep<B, Model> step_;
  Index copies_ = 1;
  Array<B> own_expert_, least_, expert_, kept_;
};

}  // namespace moesaic::detail
