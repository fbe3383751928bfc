// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <moesaic/mixture.hpp>
#include <moesaic/train/clip.hpp>
#include <moesaic/train/player.hpp>
#include <moesaic/train/problem.hpp>

namespace moesaic {

namespace detail {

inline constexpr Index rows_at_once = 4096;  ///< samples that are evaluated together where no gradient is wanted

/// Refuses inputs that do not fit the model, before anything is computed.
template <class B, class Model>
void require_samples(const Model& model, const Tensor<B>& x, const char* what) {
  static_assert(!Model::contextual,
                "Moesaic: Supervised is for Experts without context; train a contextual one on environments [docs/training.md]");
  const Shape s = x.shape();
  require(bool(x) && s.rank() == 2 && s[0] > 0 && s[1] == model.features(), "the ", what, " have shape ", s,
          "; expected [samples, ", model.features(), "] with one sample at least");
}

/// Calls `f(first, outcome)` for all samples, some at a time; what it makes dies when it returns.
template <class B, class Model, class F>
void for_each_part(const Model& model, const Tensor<B>& parameters, const Tensor<B>& x, const Tensor<B>& y, const F& f) {
  const Index n = x.shape()[0];
  for (Index first = 0; first < n; first += rows_at_once) {
    const Scratch<typename B::Memory> scratch;
    const Index count = std::min(rows_at_once, n - first);
    f(first, model(parameters, x.rows(first, count), y ? y.rows(first, count) : y));
  }
}

}  // namespace detail

/// The model's predictions for samples `x [N, inputs]`: `[N, ...]`.
template <class B, class Model>
Array<B> predict(const Model& model, const Array<B>& parameters, const Array<B>& x) {
  detail::require_samples(model, x.tensor(), "samples");
  Array<B> all;
  detail::for_each_part(model, parameters.tensor(), x.tensor(), Tensor<B>{}, [&](Index first, const Outcome<Tensor<B>>& part) {
    Shape s = part.prediction.shape();
    s[0] = x.shape()[0];
    if (!all) all = Array<B>(s);
    B::copy(all.tensor().rows(first, part.prediction.shape()[0]), part.prediction);
  });
  return all;
}

struct SupervisedOptions {
  Index batch = 0;  ///< samples of a gradient step, drawn with replacement; 0: all
  std::uint64_t seed = 0;  ///< of the first parameters
};

/// A problem for `fit`: samples `x [N, inputs]` and targets `y [N, ...]` of a mixture without context.
///
/// The loss is the mean over the samples of a step. The parameters that do best on the validation set are kept; without one it is
/// the training set. Steps after the first take no new memory from the workspace. Errors: shapes that do not fit.
template <class B, class Model>
class Supervised {
 public:
  using Backend = B;

  Array<B> parameters;  ///< of the model, flat

  Supervised(const Model& model, Array<B> x, Array<B> y, const SupervisedOptions& options = {})
      : model_(model), x_(std::move(x)), y_(std::move(y)), options_(options) {
    require_pairs(x_, y_, "samples");
    require(options.batch >= 0 && options.batch <= x_.shape()[0], "Supervised: a batch of ", options.batch,
            "; expected 0 (all) to the number of samples, ", x_.shape()[0]);
    parameters = model_.template initial<B>(Random(options.seed, 1));
    rows_.resize(std::size_t(options.batch));
  }

  /// Other samples, by which the parameters that are kept are chosen.
  void validate_on(Array<B> x, Array<B> y) {
    require_pairs(x, y, "validation samples");
    validation_x_ = std::move(x);
    validation_y_ = std::move(y);
  }

  /// The one player; an iteration of `fit` is as many steps as make one pass over the samples.
  std::vector<Player<B>> players(const Schedule& rate, const UpdateRule<B>& optimiser = Adam{}) const {
    const Index n = x_.shape()[0], steps = options_.batch == 0 ? 1 : (n + options_.batch - 1) / options_.batch;
    return {{.parameters = parameters, .optimiser = optimiser, .rate = rate, .inner_steps = steps, .layout = layout_of(model_)}};
  }

  Losses evaluate(const Step& step, const Tensor<B>& gradient) {
    using X = Var<Tensor<B>>;
    const typename Workspace<typename B::Memory>::Scope scope(workspace_);
    workspace_.reset();
    tape_.reset();
    Tensor<B> x = x_, y = y_;
    if (options_.batch > 0) {
      Random random = step.random;
      for (auto& r : rows_) r = std::int32_t(random.next_below(std::uint64_t(x_.shape()[0])));
      x = gather(x, rows_);
      y = gather(y, rows_);
    }
    const Random noise = step.random.fork(1);
    const X p = tape_.leaf(parameters);
    const Outcome<X> outcome = model_(p, X(x), y, &noise);
    require_same_shape(outcome);
    Losses terms(0);
    const X loss = model_.loss.evaluate(outcome, [&](std::string_view name, const X& each) {
      terms.add(name, detail::total(each.value) / double(each.value.size()));
    });
    const auto n = double(loss.value.size());
    auto seed = make_tensor<B>(loss.value.shape());
    B::fill(seed, typename B::Scalar(1 / n));
    sweep(loss, seed);
    B::copy(gradient, detail::or_zeros(p.node->adjoint, p.value));
    Losses losses(detail::total(loss.value) / n);
    for (int i = 1; i < terms.count(); ++i) losses.add(terms.name(i), terms.value(i));
    return losses;
  }

  double validate() {
    const auto& x = validation_x_ ? validation_x_ : x_;
    const auto& y = validation_y_ ? validation_y_ : y_;
    double sum = 0;
    detail::for_each_part(model_, parameters.tensor(), x.tensor(), y.tensor(), [&](Index, const Outcome<Tensor<B>>& part) {
      require_same_shape(part);
      sum += detail::total(model_.loss.evaluate(part, [](std::string_view, const Tensor<B>&) {}));
    });
    return sum / double(x.shape()[0]);
  }

  const Model& model() const { return model_; }
  /// Bytes of workspace and tape held.
  std::size_t capacity() const { return workspace_.capacity() + tape_.capacity(); }

 private:
  void require_pairs(const Array<B>& x, const Array<B>& y, const char* what) const {
    detail::require_samples(model_, x.tensor(), what);
    require(y && y.shape().rank() > 0 && y.shape()[0] == x.shape()[0], "the ", what, " have shape ", x.shape(),
            ", their targets have shape ", y.shape(), "; expected as many");
  }
  template <class X>
  static void require_same_shape(const Outcome<X>& o) {
    require(shape(o.prediction) == shape(o.target), "the model predicts shape ", shape(o.prediction), ", the targets have shape ",
            shape(o.target));
  }

  Model model_;
  Array<B> x_, y_, validation_x_, validation_y_;
  SupervisedOptions options_;
  std::vector<std::int32_t> rows_;
  Workspace<typename B::Memory> workspace_;
  Tape<Tensor<B>> tape_;
};

}  // namespace moesaic
