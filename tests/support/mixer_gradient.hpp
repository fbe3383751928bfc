// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

#include <doctest/doctest.h>

#include <moesaic/train/environment_step.hpp>

#include "mixer_support.hpp"

/// Gradients of a step against central differences of its total, which runs without a tape.
namespace mixer_test {

/// A small instance of a field with context 3.
template <class Field>
Field small(Field field) {
  field.context = 3;
  field.width = 5;
  field.depth = 2;
  return field;
}

template <class Model>
class GradientCheck {
  using B = Cpu<double>;
  using Step = EnvironmentStep<B, Model>;
  using Wanted = typename Step::Wanted;
  static constexpr Index environments = 5;

 public:
  GradientCheck(const Model& model, Index part_size)
      : model_(model), step_(model_, part_size), data_(waves(environments, 2, 4)),
        parameters_(model.template initial<B>(Random(3))), contexts_(numbers({environments, model.features()}, 2, 0.4)),
        expanded_(model.experts.prototype.taylor > 0) {
    // The context decides between experts 0 and 2; nobody chooses 1. Its last three numbers are a gate's biases.
    for (Index i = model.gate_offset(); i < parameters_.size() - 3; ++i) parameters_.data()[i] *= 4;
    const double bias[] = {0, -10, 0};
    std::copy_n(bias, 3, parameters_.data() + parameters_.size() - 3);
    expert_.resize(environments);
    step_.route(parameters_, contexts_, expert_);
    REQUIRE(std::count(expert_.begin(), expert_.end(), 0) > 0);
    REQUIRE(std::count(expert_.begin(), expert_.end(), 2) > 0);
  }

  /// The largest error of 10 numbers and 2 directions, relative to the largest number of the gradient.
  double weights() { return worst(parameters_, Wanted::weights); }
  double contexts() { return worst(contexts_, Wanted::contexts); }

  Array<B> gradient(Wanted wanted) {
    Array<B> g((wanted == Wanted::weights ? parameters_ : contexts_).shape());
    total(wanted, g);
    return g;
  }

 private:
  /// With expansion every environment about itself and about another one, by the other's expert.
  std::vector<Solve> solves() const {
    std::vector<Solve> s;
    for (Index e = 0; e < environments; ++e) {
      const Index pool = (e + 2) % environments;
      s.push_back({e, e, e, expert_[std::size_t(e)], 0.1 + double(e)});
      if (expanded_) s.push_back({e, e, pool, expert_[std::size_t(pool)], 0.7});
    }
    return s;
  }

  double total(Wanted wanted, const Tensor<B>& gradient) {
    auto s = solves();
    losses_.resize(s.size());
    step_(s, data_, parameters_, contexts_, wanted, gradient, losses_);
    double sum = 0, terms = 0;
    for (std::size_t i = 0; i < s.size(); ++i) sum += s[i].weight * losses_[i];
    for (const auto& t : step_.terms()) terms += (t.name == "mse" ? 1 : t.name == "relative" ? 0.3 : 0.01) * t.value;
    CHECK(terms == doctest::Approx(sum).epsilon(1e-12));
    return sum;
  }

  double worst(Array<B>& x, Wanted wanted) {
    const Array<B> g = gradient(wanted), start = x;
    double scale = 0, error = 0;
    for (Index i = 0; i < g.size(); ++i) scale = std::max(scale, std::abs(g.data()[i]));
    REQUIRE(scale > 1e-3);
    Random random(9);
    for (int k = 0; k < 12; ++k) {
      std::vector<double> direction(std::size_t(x.size()), 0.0);
      if (k < 10)
        direction[std::size_t(random.next_below(direction.size()))] = 1;
      else
        for (auto& d : direction) d = random.next_normal() / std::sqrt(double(x.size()));
      constexpr double h = 1e-5;
      const auto at = [&](double by) {
        for (Index i = 0; i < x.size(); ++i) x.data()[i] = start.data()[i] + by * direction[std::size_t(i)];
        return total(Wanted::nothing, {});
      };
      double along = 0;
      for (Index i = 0; i < x.size(); ++i) along += g.data()[i] * direction[std::size_t(i)];
      error = std::max(error, std::abs((at(h) - at(-h)) / (2 * h) - along) / scale);
      at(0);
    }
    return error;
  }

  Model model_;
  Step step_;
  EnvironmentData<B> data_;
  Array<B> parameters_, contexts_;
  bool expanded_;
  std::vector<Index> expert_;
  std::vector<double> losses_;
};

template <class Field, class Gate>
void check_gradients(const Field& field, const Gate& gate) {
  const auto loss = loss::mse + 0.3 * loss::relative(0.3) + 0.01 * loss::context_l1;
  for (int order : {0, 1, 2})
    for (Index part_size : {1, 3}) {
      CAPTURE(order);
      CAPTURE(part_size);
      GradientCheck check(contextual(3, field, gate, loss, order), part_size);
      CHECK(check.weights() < 1e-7);
      CHECK(check.contexts() < 1e-7);
    }
  // The expert that nobody chose has no gradient, nor has a gate that is refitted instead; a part's size decides nothing.
  const auto model = contextual(3, field, gate, loss, 1);
  using Wanted = typename EnvironmentStep<Cpu<double>, std::remove_const_t<decltype(model)>>::Wanted;
  GradientCheck check(model, 2), whole(model, 100);
  const auto g = check.gradient(Wanted::weights), same = whole.gradient(Wanted::weights);
  const auto zeros = [&](Index begin, Index end) { return std::count(g.data() + begin, g.data() + end, 0.0) == end - begin; };
  CHECK(zeros(model.expert_size, 2 * model.expert_size));
  CHECK(!zeros(2 * model.expert_size, 3 * model.expert_size));
  CHECK(zeros(model.gate_offset(), g.size()) == model.one_hot);
  for (Index i = 0; i < g.size(); ++i) CHECK(g.data()[i] == doctest::Approx(same.data()[i]).epsilon(1e-12));
}

}  // namespace mixer_test
