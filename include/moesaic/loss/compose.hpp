// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string>
#include <string_view>

#include <moesaic/core/parameters.hpp>
#include <moesaic/loss/outcome.hpp>

namespace moesaic::loss {

/// Marks loss terms, so that `+` and `*` are found for them alone.
///
/// A term offers `static constexpr std::string_view name`, `using reads = Supplies<quantity...>` and
/// `template <class X> X operator()(const Outcome<X>&) const`, which returns one loss per sample, `[N]`.
struct Term {};

template <class T>
concept LossTerm = std::is_base_of_v<Term, T>;

/// What `Scaled` and `Sum` share: the whole loss, whose learned weights are `outcome.loss_parameters`.
template <class Self>
struct Composed : Term {
  /// One loss per sample, `[N]`; `report(name, value)` hears of every term, unweighted.
  template <class X, class Report>
  X evaluate(const Outcome<X>& outcome, const Report& report) const {
    Slots<X> slots(outcome.loss_parameters);
    return static_cast<const Self&>(*this).combine(outcome, report, slots);
  }
};

/// `weight * term`, or with a learned sigma `weight * (term / sigma^2 + log sigma)`. A term of weight 0 is neither computed nor reported.
template <class T>
struct Scaled : Composed<Scaled<T>> {
  using reads = typename T::reads;
  static constexpr int terms = 1;
  T term;
  double weight = 1;
  bool learned = false;
  Scaled(T t, double w, bool learn = false) : term(t), weight(w), learned(learn) {}

  bool any() const { return weight != 0; }
  void layout(Layout& l) const {
    if (learned) l.add("log_sigma." + std::string(T::name), {1}, init::constant(0));
  }

  template <class X, class Report>
  X combine(const Outcome<X>& outcome, const Report& report, Slots<X>& slots) const {
    require(!learned || present(outcome.loss_parameters), "loss::learned: the outcome has no loss_parameters, which a model supplies");
    const X log_sigma = learned ? slots.take({1}) : X{};
    if (weight == 0) return {};
    X value = term(outcome);
    report(T::name, value);
    if (learned) value = value * exp(-2.0 * log_sigma) + log_sigma;
    return weight == 1 ? value : scale(value, weight);
  }
};

/// `a + b`.
template <class A, class B>
struct Sum : Composed<Sum<A, B>> {
  static constexpr int terms = A::terms + B::terms;
  A a;
  B b;
  Sum(A x, B y) : a(x), b(y) {}

  bool any() const { return a.any() || b.any(); }  ///< whether there is a term to compute
  void layout(Layout& l) const { a.layout(l), b.layout(l); }

  template <class X, class Report>
  X combine(const Outcome<X>& outcome, const Report& report, Slots<X>& slots) const {
    const X first = a.combine(outcome, report, slots);
    return sum_present(first, b.combine(outcome, report, slots));
  }
};

template <class T>
auto as_sum(const T& t) {
  if constexpr (requires { T::terms; })
    return t;
  else
    return Scaled<T>(t, 1);
}

template <LossTerm A, LossTerm B>
auto operator+(const A& a, const B& b) {
  return Sum<decltype(as_sum(a)), decltype(as_sum(b))>(as_sum(a), as_sum(b));
}
template <LossTerm T>
Scaled<T> operator*(double weight, const T& term) { return {term, weight}; }
template <LossTerm T>
Scaled<T> operator*(double weight, const Scaled<T>& term) { return {term.term, weight * term.weight, term.learned}; }
template <class A, class B>
Sum<A, B> operator*(double weight, const Sum<A, B>& s) { return {weight * s.a, weight * s.b}; }

/// A term whose weight training finds: `term / sigma^2 + log sigma`, with its minimum over sigma at `sigma^2 = 2 term`, so that
/// terms of any size count alike (Kendall, Gal, Cipolla: Multi-task learning using uncertainty to weigh losses for scene geometry and
/// semantics, CVPR 2018). For terms that stay above 0: log sigma of one that vanishes has no lower bound. Its parameter is the model's,
/// `loss.log_sigma.<name>`; contextual experts do not have it.
template <LossTerm T>
requires(!requires { T::terms; })
Scaled<T> learned(const T& term) { return {term, 1, true}; }

/// Whether a loss reads a quantity, which a model may have to compute for it.
template <class T, class Quantity>
constexpr bool reads() {
  if constexpr (requires { typename T::reads; })
    return T::reads::template has<Quantity>;
  else
    return reads<decltype(T::a), Quantity>() || reads<decltype(T::b), Quantity>();
}

/// Refuses, in one sentence, a loss that reads what the model does not supply.
template <class T, bool context, bool one_hot, bool latent, bool embedding>
constexpr void require_supplied() {
  if constexpr (requires { typename T::reads; }) {
    using reads = typename T::reads;
    static_assert(!reads::template has<quantity::Context> || context,
                  "Moesaic: a Loss term reads the context, which only a contextual Expert (ContextFlow) supplies [docs/loss.md]");
    static_assert(!reads::template has<quantity::GateWeights> || !one_hot,
                  "Moesaic: a Loss term reads the weights of the Gate, which only a Gate with codomain Simplex supplies [docs/loss.md]");
    static_assert(!reads::template has<quantity::GateLogits> || !one_hot,
                  "Moesaic: a Loss term reads the logits of the Gate, which a one-hot Gate is not trained by [docs/loss.md]");
    static_assert(!reads::template has<quantity::Latent> || latent,
                  "Moesaic: a Loss term reads the latent variable, which only a Flow other than flow::Identity supplies [docs/loss.md]");
    static_assert(!reads::template has<quantity::Reconstruction> || latent,
                  "Moesaic: a Loss term reads the reconstruction, which only a Flow other than flow::Identity supplies [docs/loss.md]");
    static_assert(!reads::template has<quantity::Embedding> || embedding,
                  "Moesaic: a Loss term reads the embedding of the Gate, which only a Gate that returns gate::MetricOutput supplies "
                  "[docs/loss.md]");
    static_assert(!reads::template has<quantity::BestExpert> || !context,
                  "Moesaic: a Loss term reads the best expert of every sample, which only Experts without context supply [docs/loss.md]");
    static_assert(!reads::template has<quantity::Batch> || !context,
                  "Moesaic: a Loss term compares samples, which contextual Experts (ContextFlow) do not see together [docs/loss.md]");
  } else {
    require_supplied<decltype(T::a), context, one_hot, latent, embedding>();
    require_supplied<decltype(T::b), context, one_hot, latent, embedding>();
  }
}

}  // namespace moesaic::loss
