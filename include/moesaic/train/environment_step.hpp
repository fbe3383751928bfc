// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include <moesaic/ad/lanes.hpp>
#include <moesaic/expert/context_flow.hpp>
#include <moesaic/mixture.hpp>
#include <moesaic/train/environment_data.hpp>
#include <moesaic/train/environment_solve.hpp>

namespace moesaic {

/// Runs the solves of a step, with or without gradients: on the host expert by expert and on all threads; on another device, which
/// wants few and large operations, all at once, every solve with its own copy of its expert's parameters.
template <class B, class Model>
class EnvironmentStep {
 public:
  using T = typename B::Scalar;
  using Expert = typename Model::ExpertPolicy;
  static constexpr int most_terms = 8;
  struct Term {
    std::string_view name;
    double value = 0;
  };

  // In the class, so that they are checked before any use of what is missing.
  static_assert(Model::contextual, "Moesaic: training on environments needs a contextual Expert (ContextFlow) [docs/expert.md]");
  static_assert(detail::gives_state_size<Expert> || !Model::contextual,
                "Moesaic: the contextual Expert policy lacks state() const, the size of a state, which training on environments needs "
                "[docs/expert.md]");
  static_assert(detail::takes_situation<Expert, B> || !Model::contextual,
                "Moesaic: the contextual Expert policy lacks operator()(const X& parameters, const Situation<X>&) const, which "
                "training on environments needs [docs/expert.md]");
  static_assert(requires { requires decltype(Model::flow)::trivial; },
                "Moesaic: a contextual Expert takes no Flow other than flow::Identity [docs/flow.md]");
  static_assert(decltype(Model::loss)::terms <= most_terms, "Moesaic: the Loss of a contextual Expert has at most 8 terms [docs/loss.md]");

  explicit EnvironmentStep(const Model& model, Index part_size = 8) : model_(model), part_size_(part_size) {
    require(part_size >= 1, "EnvironmentStep: parts of ", part_size, " solves; expected at least 1");
  }

  static constexpr bool at_once = !std::is_same_v<typename B::Memory, HostMemory>;

  /// What is differentiated in a step; a gradient with respect to the weights may end before the gate's.
  enum class Wanted { nothing, weights, contexts };

  /// Losses (per solve in `losses`, weighted sums by term in `terms()`) and, where wanted, the gradient of their sum by slope with
  /// respect to the model's parameters (flat) or to the contexts `[R, D]`. Solves are reordered by expert.
  ///
  /// A gate with weights scales the field of the expert that it chose by that expert's weight; a one-hot gate does not. Without a
  /// gradient, and with one for `contexts` on request, solves that diverge are scored.
  void operator()(std::span<Solve> solves, const EnvironmentData<B>& data, const Tensor<B>& parameters, const Tensor<B>& contexts,
                  Wanted wanted, const Tensor<B>& gradient, std::span<double> losses, Divergence divergence = Divergence::fails) {
    require_size(parameters);
    require(losses.size() >= solves.size(), "EnvironmentStep: room for ", losses.size(), " losses; expected ", solves.size());
    require(wanted == Wanted::nothing || (wanted == Wanted::contexts ? gradient.shape() == contexts.shape()
                                                                     : gradient.size() >= model_.gate_offset()),
            "EnvironmentStep: a gradient of shape ", gradient.shape(), " for contexts of shape ", contexts.shape(), " or ",
            model_.gate_offset(), " weights of the experts");
    plan(solves, data, contexts);
    if (wanted == Wanted::nothing) {
      run_tolerant(
          evaluate_lanes_, solves,
          [&](Tape<Tensor<B>>&, Part& part) {
            run_part<Tensor<B>>(nullptr, solves, part, data, parameters, contexts, wanted, losses);
          },
          [&](Index solve) { losses[std::size_t(solve)] = std::numeric_limits<double>::infinity(); });
    } else {
      reserve(wanted, Index(solves.size()));
      const auto run = [&](Tape<Tensor<B>>& tape, Part& part) {
        run_part<Var<Tensor<B>>>(&tape, solves, part, data, parameters, contexts, wanted, losses);
      };
      if (divergence == Divergence::fails) {
        lanes_.run(Index(parts_.size()), [&](Tape<Tensor<B>>& tape, Index i) {
          Part& part = parts_[std::size_t(i)];
          try {
            run(tape, part);
          } catch (const Error& e) {
            const Solve &first = solves[std::size_t(part.first)], &last = solves[std::size_t(part.first + part.count - 1)];
            if (first.expert == last.expert)
              fail("expert ", first.expert, ", environments ", first.environment, " to ", last.environment, ": ", e.what());
            fail("experts ", first.expert, " to ", last.expert, ": ", e.what());
          }
        });
      } else {
        require(wanted == Wanted::contexts, "EnvironmentStep: only contexts have a gradient of their own for every solve");
        run_tolerant(lanes_, solves, run, [&](Index solve) { losses[std::size_t(solve)] = std::numeric_limits<double>::infinity(); });
        leave_out_diverged(solves, losses);
      }
      collect(solves, wanted, gradient);
    }
    sum_terms();
  }

  /// Predicted states of every solve, in the order of `solves` after the call: `[solve, trajectory, time, state]`, on the host; NaN
  /// for a solve that diverges. Where any solve's pool is another row than its context, the field is expanded.
  void predict(std::span<Solve> solves, const EnvironmentData<B>& data, const Tensor<B>& parameters, const Tensor<B>& contexts, T* out) {
    require_size(parameters);
    plan(solves, data, contexts);
    const Index n = data.trajectories, d = data.state, times = data.points;
    run_tolerant(
        evaluate_lanes_, solves,
        [&](Tape<Tensor<B>>&, const Part& part) {
          const std::span<const Solve> own = solves.subspan(std::size_t(part.first), std::size_t(part.count));
          const Tensor<B> at = rows(contexts, own, &Solve::context), about = rows(contexts, own, &Solve::pool);
          const Tensor<B> y = forward<Tensor<B>>(own, data, expert_parameters(parameters, part), gate_parameters(parameters), at, about)
                                  .prediction;
          const T* from = on_host(y);
          for (Index t = 0; t < times; ++t)
            for (Index s = 0; s < part.count; ++s)
              for (Index j = 0; j < n; ++j, from += d)
                std::copy_n(from, d, out + (((part.first + s) * n + j) * times + t) * d);
        },
        [&](Index solve) { std::fill_n(out + solve * n * times * d, n * times * d, std::numeric_limits<T>::quiet_NaN()); });
  }

  /// The expert that the gate chooses for every row of `contexts`, the lowest index on ties.
  void route(const Tensor<B>& parameters, const Tensor<B>& contexts, std::span<Index> expert) const {
    const Scratch<typename B::Memory> scratch;
    const Scratch<HostMemory> host_scratch;
    const T* const logits = on_host(model_.weigh(parameters, contexts).logits);
    const Index k = model_.experts.count;
    for (std::size_t e = 0; e < expert.size(); ++e) {
      const T* row = logits + Index(e) * k;
      expert[e] = std::max_element(row, row + k) - row;
    }
  }

  std::span<const Term> terms() const { return {terms_.data(), std::size_t(term_count_)}; }
  std::size_t capacity() const { return lanes_.capacity() + evaluate_lanes_.capacity(); }
  const Model& model() const { return model_; }

 private:
  struct Part {
    Index expert, first, count;
    std::array<Term, most_terms> terms{};

    void add(const Part& other) {
      for (std::size_t t = 0; t < terms.size(); ++t) terms[t] = {other.terms[t].name, terms[t].value + other.terms[t].value};
    }
  };

  void plan(std::span<Solve> solves, const EnvironmentData<B>& data, const Tensor<B>& contexts) {
    require(data.state == model_.experts.prototype.state(), "EnvironmentStep: the data have ", data.state, " states, the expert has ",
            model_.experts.prototype.state());
    const Shape& shape = contexts.shape();
    require(shape.rank() == 2 && shape[1] == model_.features(), "EnvironmentStep: contexts of shape ", shape,
            "; expected rows of ", model_.features());
    for (const Solve& s : solves)
      require(s.environment >= 0 && s.environment < data.environments && s.expert >= 0 && s.expert < model_.experts.count &&
                  std::min(s.context, s.pool) >= 0 && std::max(s.context, s.pool) < shape[0],
              "EnvironmentStep: a solve of environment ", s.environment, " of ", data.environments, " by expert ", s.expert, " of ",
              model_.experts.count, " with the contexts ", s.context, " and ", s.pool, " of ", shape[0]);
    std::sort(solves.begin(), solves.end(), [](const Solve& a, const Solve& b) {
      return std::tie(a.expert, a.environment, a.context, a.pool) < std::tie(b.expert, b.environment, b.context, b.pool);
    });
    expanded_ = std::any_of(solves.begin(), solves.end(), [](const Solve& s) { return s.pool != s.context; });
    parts_.clear();
    for (Index i = 0; i < Index(solves.size()); ++i) {
      const Index expert = solves[std::size_t(i)].expert;
      if (parts_.empty() || (!at_once && (parts_.back().expert != expert || parts_.back().count == part_size_)))
        parts_.push_back({expert, i, 0, {}});
      ++parts_.back().count;
    }
  }

  void require_size(const Tensor<B>& parameters) const {
    const Index size = model_.loss_offset() + model_.loss_size, there = parameters ? parameters.size() : 0;
    require(there == size, "the model has ", size, " parameters; there are ", there);
  }

  /// Where a solve of a part raises `Diverged`, its solves are run one by one, and `diverged(solve)` is called for those that do: an
  /// expert that fails on a foreign environment says nothing against the others.
  template <class Run, class Tell>
  void run_tolerant(Lanes<Tensor<B>>& lanes, std::span<const Solve> solves, const Run& run, const Tell& diverged) {
    lanes.run(Index(parts_.size()), [&](Tape<Tensor<B>>& tape, Index i) {
      Part& part = parts_[std::size_t(i)];
      try {
        run(tape, part);
      } catch (const Diverged&) {
        for (Index s = part.first; s < part.first + part.count; ++s) {
          Part single{solves[std::size_t(s)].expert, s, 1, {}};
          const Scratch<typename B::Memory> scratch;
          tape.reset();
          try {
            run(tape, single);
            part.add(single);
          } catch (const Diverged&) {
            diverged(s);
          }
        }
      }
    });
  }

  /// The part's expert `[P]`, or all of them `[K, P]`.
  Tensor<B> expert_parameters(const Tensor<B>& p, const Part& part) const {
    const Index size = model_.expert_size;
    return at_once ? view(p, 0, {model_.experts.count, size}) : view(p, part.expert * size, {size});
  }
  Tensor<B> gate_parameters(const Tensor<B>& p) const { return view(p, model_.gate_offset(), {model_.gate_size}); }

  /// The numbers of a tensor, in the workspace of the host.
  static const T* on_host(const Tensor<B>& x) {
    T* const host = Workspace<HostMemory>::current().template take<T>(std::size_t(x.size()));
    B::to_host(host, x);
    return host;
  }
  static Tensor<B> rows(const Tensor<B>& contexts, std::span<const Solve> solves, Index Solve::*row) {
    return gather(contexts, row_numbers(solves, row));
  }
  static std::span<const std::int32_t> row_numbers(std::span<const Solve> solves, Index Solve::*row) {
    auto* const out = Workspace<HostMemory>::current().template take<std::int32_t>(solves.size());
    for (std::size_t i = 0; i < solves.size(); ++i) out[i] = std::int32_t(solves[i].*row);
    return {out, solves.size()};
  }

  /// Each solve's part `[solve, width]` of what it has for every expert, `[solve, K * width]`.
  template <class X>
  X own_part(const X& of_all, std::span<const Solve> solves, Index width) const {
    if constexpr (at_once) {
      const Index count = model_.experts.count;
      auto* const row = Workspace<HostMemory>::current().template take<std::int32_t>(solves.size());
      for (std::size_t i = 0; i < solves.size(); ++i) row[i] = std::int32_t(Index(i) * count + solves[i].expert);
      return gather(reshape(of_all, {Index(solves.size()) * count, width}), {row, solves.size()});
    } else {
      return slice(of_all, 1, solves[0].expert * width, width);
    }
  }

  template <class X>
  Outcome<X> forward(std::span<const Solve> solves, const EnvironmentData<B>& data, X expert, const X& gate, const X& at,
                     const X& about) const {
    const auto count = Index(solves.size());
    auto& workspace = Workspace<HostMemory>::current();
    auto* environment = workspace.template take<std::int32_t>(solves.size());
    auto* row = workspace.template take<std::int32_t>(solves.size() * std::size_t(data.points));
    for (Index i = 0; i < count; ++i) {
      environment[i] = std::int32_t(solves[std::size_t(i)].environment);
      for (Index t = 0; t < data.points; ++t) row[t * count + i] = std::int32_t(t * data.environments) + environment[i];
    }
    const std::span<const std::int32_t> who(environment, solves.size()), when(row, solves.size() * std::size_t(data.points));
    const auto own = [&](const X& all) {
      return model_.experts.split_context ? own_part(all, solves, model_.experts.prototype.context()) : all;
    };
    Situation<X> s;
    s.context = own(about);
    if (expanded_) s.displacement = own(at) - s.context;
    s.initial = gather(data.initial.tensor(), who);
    s.times = data.times;
    X rate(gather(data.rate.tensor(), who));
    Outcome<X> out;
    if constexpr (!Model::one_hot) {
      Slots<X> slots(gate);
      const auto g = model_.gate(slots, about, model_.experts.count, nullptr);
      rate = rate * own_part(g.weights, solves, 1);
      detail::supply(out, g);
    }
    s.rate = reshape(rate, {count, 1, 1});
    if constexpr (at_once) expert = gather(expert, row_numbers(solves, &Solve::expert));
    out.prediction = model_.experts.prototype(expert, s);
    out.target = X(gather(data.states.tensor(), when).reshape({data.points, count, data.trajectories, data.state}));
    out.sample_axis = 1;
    out.context = at;
    return out;
  }

  template <class X>
  void run_part(Tape<Tensor<B>>* tape, std::span<const Solve> all, Part& part, const EnvironmentData<B>& data,
                const Tensor<B>& parameters, const Tensor<B>& contexts, Wanted wanted, std::span<double> losses) {
    const auto solves = all.subspan(std::size_t(part.first), std::size_t(part.count));
    X expert(expert_parameters(parameters, part)), gate(gate_parameters(parameters));
    X at(rows(contexts, solves, &Solve::context)), about(rows(contexts, solves, &Solve::pool));
    if constexpr (!std::is_same_v<X, Tensor<B>>) {
      if (wanted == Wanted::weights) {
        expert = tape->leaf(expert.value);
        gate = tape->leaf(gate.value);
      } else {
        expert = tape->constant(expert.value);
        at = tape->leaf(at.value);
        about = expanded_ ? tape->leaf(about.value) : at;
      }
    }
    const Outcome<X> outcome = forward<X>(solves, data, expert, gate, at, about);
    int term = 0;
    const X loss = model_.loss.evaluate(outcome, [&](std::string_view name, const X& value) {
      double sum = 0;
      const T* const each = on_host(primal(value));
      for (std::size_t i = 0; i < solves.size(); ++i) sum += solves[i].weight * double(each[i]);
      part.terms[std::size_t(term++)] = {name, sum};
    });
    const T* const each = on_host(primal(loss));
    for (std::size_t i = 0; i < solves.size(); ++i) losses[std::size_t(part.first) + i] = double(each[i]);
    if constexpr (!std::is_same_v<X, Tensor<B>>) {
      T* const slope = Workspace<HostMemory>::current().template take<T>(solves.size());
      for (std::size_t i = 0; i < solves.size(); ++i) slope[i] = T(solves[i].slope);
      auto seed = make_tensor<B>({part.count});
      B::from_host(seed, slope);
      sweep(loss, seed);
      const Index index = &part - parts_.data();
      if (wanted == Wanted::weights) {
        store(expert, view(weight_parts_.tensor(), index * part_stride(), {experts_size()}));
        store(gate, view(weight_parts_.tensor(), index * part_stride() + experts_size(), {model_.gate_size}));
      } else {
        store(at, at_rows_.tensor().rows(part.first, part.count));
        if (expanded_) store(about, about_rows_.tensor().rows(part.first, part.count));
      }
    }
  }

  static void store(const Var<Tensor<B>>& x, const Tensor<B>& to) {
    const auto& g = x.node ? x.node->adjoint : Tensor<B>{};
    if (x.active() && g)
      B::copy(to, g);
    else
      B::fill(to, T(0));
  }

  Index experts_size() const { return at_once ? model_.gate_offset() : model_.expert_size; }
  Index part_stride() const { return experts_size() + model_.gate_size; }
  void reserve(Wanted wanted, Index solves) {
    const auto grow = [](Array<B>& a, const Shape& shape) {
      if (a.size() < shape.size()) a = Array<B>(shape);
    };
    if (wanted == Wanted::weights) {
      grow(weight_parts_, {Index(parts_.size()) * part_stride()});
    } else {
      grow(at_rows_, {solves, model_.features()});
      grow(about_rows_, {solves, model_.features()});
    }
  }
  /// Clears the rows of solves without a finite loss or gradient; each has rows of its own.
  void leave_out_diverged(std::span<const Solve> solves, std::span<double> losses) {
    const Scratch<HostMemory> scratch;
    const Index d = model_.features();
    const T *at = on_host(at_rows_), *about = expanded_ ? on_host(about_rows_) : at;
    const auto finite = [&](const T* row) { return std::all_of(row, row + d, [](T x) { return std::isfinite(x); }); };
    for (Index i = 0; i < Index(solves.size()); ++i) {
      double& loss = losses[std::size_t(i)];
      if (std::isfinite(loss) && finite(at + i * d) && finite(about + i * d)) continue;
      loss = std::numeric_limits<double>::infinity();
      B::fill(at_rows_.tensor().rows(i, 1), T(0));
      B::fill(about_rows_.tensor().rows(i, 1), T(0));
    }
  }
  /// Adds up the parts in their order.
  void collect(std::span<const Solve> solves, Wanted wanted, const Tensor<B>& gradient) const {
    B::fill(gradient, T(0));
    if (wanted == Wanted::weights) {
      for (std::size_t p = 0; p < parts_.size(); ++p) {
        const auto add = [&](Index to, Index from, Index size) {
          add_in_place(view(gradient, to, {size}), view(weight_parts_.tensor(), Index(p) * part_stride() + from, {size}));
        };
        add(at_once ? 0 : parts_[p].expert * model_.expert_size, 0, experts_size());
        if (gradient.size() > model_.gate_offset()) add(model_.gate_offset(), experts_size(), model_.gate_size);
      }
      return;
    }
    const Scratch<HostMemory> scratch;
    const auto count = Index(solves.size());
    B::scatter_add(gradient, at_rows_.tensor().rows(0, count), row_numbers(solves, &Solve::context).data());
    if (expanded_) B::scatter_add(gradient, about_rows_.tensor().rows(0, count), row_numbers(solves, &Solve::pool).data());
  }
  void sum_terms() {
    term_count_ = 0;
    terms_ = {};
    for (const auto& part : parts_)
      for (int t = 0; t < most_terms && !part.terms[std::size_t(t)].name.empty(); ++t) {
        terms_[std::size_t(t)].name = part.terms[std::size_t(t)].name;
        terms_[std::size_t(t)].value += part.terms[std::size_t(t)].value;
        term_count_ = std::max(term_count_, t + 1);
      }
  }

  const Model& model_;
  Index part_size_;
  std::vector<Part> parts_;
  bool expanded_ = false;  ///< whether any solve of the step is expanded about another environment's context
  Array<B> weight_parts_, at_rows_, about_rows_;
  std::array<Term, most_terms> terms_{};
  int term_count_ = 0;
  Lanes<Tensor<B>> lanes_, evaluate_lanes_;
};

}  // namespace moesaic
