// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <moesaic/mixture.hpp>
#include <moesaic/train/clip.hpp>
#include <moesaic/train/player.hpp>
#include <moesaic/train/problem.hpp>
#include <moesaic/train/samples.hpp>
#include <moesaic/train/schedule.hpp>

namespace moesaic {

namespace detail {

/// Samples that are evaluated together where no gradient is wanted, each of so many numbers.
inline Index rows_at_once(Index numbers) { return std::clamp<Index>((Index{1} << 20) / std::max<Index>(numbers, 1), 16, 4096); }

/// Refuses inputs that do not fit the model, before anything is computed.
template <class Model>
void require_samples(const Model& model, const Shape& s, const char* what) {
  static_assert(!Model::contextual,
                "Moesaic: Supervised is for Experts without context; train a contextual one on environments [docs/training.md]");
  require(s.rank() == 2 && s[0] > 0 && s[1] == model.features(), "the ", what, " have shape ", s, "; expected [samples, ",
          model.features(), "] with one sample at least");
}

/// Calls `f(first, batch, outcome)` for all samples, some at a time; what it makes dies when it returns.
template <class B, class Model, class Samples, class F>
void for_each_part(const Model& model, const Tensor<B>& parameters, const Samples& samples, Index at_once, const F& f) {
  const Index n = samples.size(), size = layout_of(model).size();
  require(parameters.size() == size, "the model has ", size, " parameters; there are ", parameters.size());
  for (Index first = 0; first < n; first += at_once) {
    const Scratch<typename B::Memory> scratch;
    const Scratch<HostMemory> rows;
    const Batch<B> batch = samples.range(first, std::min(at_once, n - first));
    f(first, batch, model(parameters, batch.x, batch.y));
  }
}

}  // namespace detail

/// The model's predictions for samples `x [N, inputs]`: `[N, ...]`. Errors: another number of parameters or inputs than the model's.
template <class B, class Model>
Array<B> predict(const Model& model, const Array<B>& parameters, const Array<B>& x) {
  detail::require_samples(model, x.shape(), "samples");
  Array<B> all;
  detail::for_each_part(model, parameters.tensor(), Pairs<B>{x, {}}, detail::rows_at_once(model.features()),
                        [&](Index first, const Batch<B>&, const Outcome<Tensor<B>>& part) {
    Shape s = part.prediction.shape();
    s[0] = x.shape()[0];
    if (!all) all = Array<B>(s);
    B::copy(all.tensor().rows(first, part.prediction.shape()[0]), part.prediction);
  });
  return all;
}

/// Calls `f(first, batch, outcome)` with the windows `first ..` and what the model makes of them, until all have had their turn.
template <class B, class Model, class F>
void for_each_outcome(const Model& model, const Array<B>& parameters, const Windows<B>& windows, const F& f) {
  const Index numbers = (windows.look_back() + 2 * windows.horizon()) * windows.variates();
  detail::for_each_part(model, parameters.tensor(), windows, detail::rows_at_once(numbers), f);
}

struct SupervisedOptions {
  Index batch = 0;  ///< samples of a gradient step, every sample once in a pass; 0: all
  std::uint64_t seed = 0;  ///< of the first parameters and of the order of samples
  std::vector<std::pair<Index, Index>> frozen = {};  ///< first and number of parameters that stand still, see `parameters_where`
  /// Of a gate with `learn_temperature`, from the number of steps made so far, instead of learning it (annealing).
  std::optional<Schedule> temperature = {};
  std::string validate_by = {};  ///< the loss term by which parameters are chosen; empty: the whole loss
};

/// A problem for `fit`: samples `x [N, inputs]` and targets `y [N, ...]` of a mixture without context.
///
/// An iteration is one pass over the samples, in an order that is new every time; what is missing in the last batch comes from the
/// beginning of the pass. The loss is the mean over the samples of a step. The parameters that do best on the validation set are kept;
/// without one it is the training set. Steps after the first take no new memory from the workspace. Errors: shapes that do not fit;
/// samples that are not finite.
template <class B, class Model, class Samples = Pairs<B>>
class Supervised {
 public:
  static_assert(!gate::Refitted<std::remove_cvref_t<decltype(std::declval<const Model&>().gate)>>,
                "Moesaic: a Gate that is refitted (refit, refit_every) learns from environments alone; Supervised trains gates by their "
                "gradient [docs/gate.md]");
  using Backend = B;

  Array<B> parameters;  ///< of the model, flat

  Supervised(const Model& model, Array<B> x, Array<B> y, const SupervisedOptions& options = {})
      : Supervised(model, Pairs<B>{std::move(x), std::move(y)}, options) {}
  Supervised(const Model& model, Samples samples, const SupervisedOptions& options = {})
      : model_(model), samples_(std::move(samples)), options_(options), shuffle_(samples_.size()) {
    require_fit(samples_, "samples");
    require(options.batch >= 0 && options.batch <= samples_.size(), "Supervised: a batch of ", options.batch,
            "; expected 0 (all) to the number of samples, ", samples_.size());
    parameters = model_.template initial<B>(Random(options.seed, 1));
    for (const auto& [first, count] : options.frozen)
      require(first >= 0 && count >= 0 && first + count <= parameters.size(), "Supervised: frozen parameters ", first, " .. ",
              first + count, " of ", parameters.size());
    for (const auto& [first, count] : options.frozen) held_.emplace_back(Shape{count});
    if (options.temperature) {
      for (const auto& entry : layout_of(model_).entries())
        if (entry.name == "gate.log_temperature") temperature_ = entry.offset;
      require(temperature_ >= 0, "Supervised: a schedule of the temperature, but the gate has none that is a parameter (learn_temperature)");
      set_temperature(0);
    }
    rows_.resize(std::size_t(options.batch));
  }

  /// Other samples, by which the parameters that are kept are chosen.
  void validate_on(Array<B> x, Array<B> y) { validate_on(Pairs<B>{std::move(x), std::move(y)}); }
  void validate_on(Samples samples) {
    require_fit(samples, "validation samples");
    validation_ = std::move(samples);
  }

  /// The one player; an iteration of `fit` is as many steps as make one pass over the samples.
  std::vector<Player<B>> players(const Schedule& rate, const UpdateRule<B>& optimiser = Adam{}) const {
    return {{.parameters = parameters, .optimiser = optimiser, .rate = rate, .inner_steps = steps(), .layout = layout_of(model_)}};
  }
  /// Steps of one pass.
  Index steps() const { return options_.batch == 0 ? 1 : (samples_.size() + options_.batch - 1) / options_.batch; }

  Losses evaluate(const Step& step, const Tensor<B>& gradient) {
    const Scratch<typename B::Memory> scratch;
    prepare(step);
    return set_off(step, gradient).read();
  }
  /// On a device that records its work: steps differ in their samples alone, if the model does not draw or need the host.
  bool sets_off() const { return Recordable<B>; }
  /// Brings the samples of a step together, and sets what does not learn.
  void prepare(const Step& step) {
    const typename Workspace<typename B::Memory>::Scope scope(workspace_);
    const Scratch<HostMemory> rows;
    workspace_.reset();
    hold_frozen();
    if (options_.batch > 0) {
      shuffle_.draw(Random(options_.seed, 2), step.outer, step.inner * options_.batch, rows_);
      batch_ = samples_.take(rows_);
    } else {
      batch_ = samples_.range(0, samples_.size());
    }
    after_batch_ = workspace_.mark();
    if (temperature_ >= 0) set_temperature(step.outer * steps() + step.inner);
  }
  /// The step on the samples that were prepared.
  Readings<B> set_off(const Step& step, const Tensor<B>& gradient) {
    using X = Var<Tensor<B>>;
    Readings<B> losses;
    const typename Workspace<typename B::Memory>::Scope scope(workspace_);
    const Scratch<HostMemory> routing;  // also where B's memory is another
    workspace_.rewind(after_batch_);
    tape_.reset();
    const Random noise = step.random.fork(1);
    const X p = tape_.leaf(parameters);
    const Outcome<X> outcome = model_(p, X(batch_.x), batch_.y, &noise);
    require_same_shape(outcome);
    const X loss = model_.loss.evaluate(outcome, [&](std::string_view name, const X& each) {
      losses.add(name, primal(each), 1 / double(each.value.size()));
    });
    const auto n = double(loss.value.size());
    losses.set_total(primal(loss), 1 / n);
    auto seed = make_tensor<B>(loss.value.shape());
    B::fill(seed, typename B::Scalar(1 / n));
    sweep(loss, seed);
    B::copy(gradient, detail::or_zeros(p.node->adjoint, p.value));
    for (const auto& [first, count] : options_.frozen) B::fill(view(gradient, first, {count}), typename B::Scalar(0));
    if (temperature_ >= 0) B::fill(view(gradient, temperature_, {1}), typename B::Scalar(0));
    return losses;
  }

  /// Frozen parameters are what they were: weight decay moves them without a gradient.
  void after_step(const Step&) {
    for (std::size_t i = 0; i < held_.size(); ++i) B::copy(frozen(i), held_[i]);
  }

  double validate() {
    const Samples& samples = validation_ ? *validation_ : samples_;
    double sum = 0;
    bool found = options_.validate_by.empty();
    const Batch<B> one = samples.range(0, 1);
    const Index numbers = model_.features() + 2 * one.y.size();
    detail::for_each_part(model_, parameters.tensor(), samples, detail::rows_at_once(numbers),
                          [&](Index, const Batch<B>&, const Outcome<Tensor<B>>& part) {
      require_same_shape(part);
      const auto all = model_.loss.evaluate(part, [&](std::string_view name, const Tensor<B>& each) {
        if (name != options_.validate_by) return;
        found = true;
        sum += detail::total(each);
      });
      if (options_.validate_by.empty()) sum += detail::total(all);
    });
    require(found, "Supervised: validate_by is \"", options_.validate_by, "\", which is no term of the loss");
    return sum / double(samples.size());
  }

  const Model& model() const { return model_; }
  /// Bytes of workspace and tape held.
  std::size_t capacity() const { return workspace_.capacity() + tape_.capacity(); }

 private:
  Tensor<B> frozen(std::size_t i) const { return view(parameters.tensor(), options_.frozen[i].first, {options_.frozen[i].second}); }
  void hold_frozen() {
    for (std::size_t i = 0; i < held_.size(); ++i) B::copy(held_[i], frozen(i));
  }
  void set_temperature(Index step) {
    const double t = (*options_.temperature)(step);
    require(t > 0 && std::isfinite(t), "Supervised: the schedule gives a temperature of ", t, " at step ", step);
    B::fill(view(parameters.tensor(), temperature_, {1}), typename B::Scalar(std::log(t)));
  }
  void require_fit(const Samples& samples, const char* what) const {
    if constexpr (std::is_same_v<Samples, Pairs<B>>) {
      const auto& [x, y] = samples;
      detail::require_samples(model_, x.shape(), what);
      require(y && y.shape().rank() > 0 && y.shape()[0] == x.shape()[0], "the ", what, " have shape ", x.shape(),
              ", their targets have shape ", y.shape(), "; expected as many");
      require_finite_samples(x, what), require_finite_samples(y, what);
    } else {
      detail::require_samples(model_, {samples.size(), samples.look_back() * samples.variates()}, what);
    }
  }
  void require_finite_samples(const Array<B>& values, const char* what) const {
    const auto host = to_host(values.tensor());
    const Index each = values.size() / values.shape()[0];
    for (Index i = 0; i < values.size(); ++i)
      require(std::isfinite(host[std::size_t(i)]), "the ", what, " are not all finite: number ", i % each, " of sample ", i / each, " is ",
              host[std::size_t(i)]);
  }
  template <class X>
  static void require_same_shape(const Outcome<X>& o) {
    require(shape(o.prediction) == shape(o.target), "the model predicts shape ", shape(o.prediction), ", the targets have shape ",
            shape(o.target));
  }

  Model model_;
  Samples samples_;
  std::optional<Samples> validation_;
  SupervisedOptions options_;
  Shuffle shuffle_;
  std::vector<std::int32_t> rows_;
  std::vector<Array<B>> held_;  ///< frozen parameters before a step
  Index temperature_ = -1;  ///< where the scheduled temperature is
  Workspace<typename B::Memory> workspace_;
  typename Workspace<typename B::Memory>::Mark after_batch_{};
  Batch<B> batch_;  ///< the samples of a step, in the workspace
  Tape<Tensor<B>> tape_;
};

template <class B, class Model>
Supervised(const Model&, Array<B>, Array<B>, const SupervisedOptions& = {}) -> Supervised<B, Model, Pairs<B>>;
template <class B, class Model>
Supervised(const Model&, Windows<B>, const SupervisedOptions& = {}) -> Supervised<B, Model, Windows<B>>;

}  // namespace moesaic
