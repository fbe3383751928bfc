// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>

#include <moesaic/loss/outcome.hpp>

namespace moesaic::loss {

/// Marks loss terms, so that `+` and `*` are found for them alone.
///
/// A term offers `static constexpr std::string_view name`, `using reads = Supplies<quantity...>` and
/// `template <class X> X operator()(const Outcome<X>&) const`, which returns one loss per sample, `[N]`.
struct Term {};

template <class T>
concept LossTerm = std::is_base_of_v<Term, T>;

/// `weight * term`. A term of weight 0 is neither computed nor reported.
template <class T>
struct Scaled : Term {
  using reads = typename T::reads;
  static constexpr int terms = 1;
  T term;
  double weight = 1;
  Scaled(T t, double w) : term(t), weight(w) {}

  bool any() const { return weight != 0; }

  template <class X, class Report>
  X evaluate(const Outcome<X>& outcome, const Report& report) const {
    if (weight == 0) return {};
    const X value = term(outcome);
    report(T::name, value);
    return weight == 1 ? value : scale(value, weight);
  }
};

/// `a + b`.
template <class A, class B>
struct Sum : Term {
  static constexpr int terms = A::terms + B::terms;
  A a;
  B b;
  Sum(A x, B y) : a(x), b(y) {}

  bool any() const { return a.any() || b.any(); }  ///< whether there is a term to compute

  template <class X, class Report>
  X evaluate(const Outcome<X>& outcome, const Report& report) const {
    const X first = a.evaluate(outcome, report);
    return sum_present(first, b.evaluate(outcome, report));
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
Scaled<T> operator*(double weight, const Scaled<T>& term) { return {term.term, weight * term.weight}; }
template <class A, class B>
Sum<A, B> operator*(double weight, const Sum<A, B>& s) { return {weight * s.a, weight * s.b}; }

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
