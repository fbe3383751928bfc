// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <optional>
#include <span>

#include <moesaic/expert/experts.hpp>
#include <moesaic/flow/identity.hpp>
#include <moesaic/gate/codomain.hpp>
#include <moesaic/loss/best_expert.hpp>
#include <moesaic/loss/compose.hpp>
#include <moesaic/ops/one_hot.hpp>

namespace moesaic {

namespace detail {

using Archetype = Tensor<Cpu<float>>;

template <class E>
inline constexpr bool is_contextual = requires { requires E::contextual; };

template <class E>
constexpr void check_expert() {
  static_assert(requires(const E& e, Layout& l) { e.layout(l); },
                "Moesaic: the Expert policy lacks layout(Layout&) const, which names its parameters [docs/expert.md]");
  if constexpr (is_contextual<E>)
    static_assert(requires(const E& e) { { e.context() } -> std::convertible_to<Index>; },
                  "Moesaic: the contextual Expert policy lacks context() const, the size of its context [docs/expert.md]");
  else {
    static_assert(requires(const E& e) { { e.inputs() } -> std::convertible_to<Index>; },
                  "Moesaic: the Expert policy lacks inputs() const, the number of features of a sample [docs/expert.md]");
    static_assert(requires(const E& e, const Archetype& x) { { e(x, x) } -> std::convertible_to<Archetype>; },
                  "Moesaic: the Expert policy lacks operator()(const X& parameters, const X& x) const [docs/expert.md]");
  }
}
template <class G>
constexpr void check_gate() {
  static_assert(requires { typename G::codomain; },
                "Moesaic: the Gate policy lacks the type codomain (gate::codomain::Simplex or OneHot) [docs/gate.md]");
  static_assert(requires(const G& g, Layout& l) { g.layout(l, Index{}, Index{}); },
                "Moesaic: the Gate policy lacks layout(Layout&, Index features, Index experts) const [docs/gate.md]");
  static_assert(
      requires(const G& g, Slots<Archetype>& s, const Archetype& z, const Random* r) {
        { g(s, z, Index{}, r) } -> std::convertible_to<gate::GateOutput<Archetype>>;
      },
      "Moesaic: the Gate policy lacks operator()(Slots<X>&, const X& z, Index experts, const Random*) const [docs/gate.md]");
}
/// Whether a flow makes a code of other size for the gate, and leaves the samples to the experts as they are.
template <class F>
inline constexpr bool is_encoder = requires(const F& f) { { f.latents() } -> std::convertible_to<Index>; };

template <class F>
constexpr void check_flow() {
  static_assert(requires(const F& f, Layout& l) { f.layout(l); },
                "Moesaic: the Flow policy lacks layout(Layout&) const [docs/flow.md]");
  static_assert(requires(const F& f, Slots<Archetype>& s, const Archetype& x) { f.forward(s, x).z; },
                "Moesaic: the Flow policy lacks forward(Slots<X>&, const X& x) const [docs/flow.md]");
  static_assert(requires(const F& f, Slots<Archetype>& s, const Archetype& z) { f.inverse(s, z); },
                "Moesaic: the Flow policy lacks inverse(Slots<X>&, const X& z) const [docs/flow.md]");
  if constexpr (is_encoder<F>)
    static_assert(requires(const F& f) { { f.inputs() } -> std::convertible_to<Index>; },
                  "Moesaic: the Flow policy has latents(), as an encoder, and lacks inputs() const [docs/flow.md]");
}

/// Whether a gate returns embeddings and prototypes beside its weights.
template <class G>
inline constexpr bool is_metric = requires(const G& g, Slots<Archetype>& s, const Archetype& z, const Random* r) {
  { g(s, z, Index{}, r) } -> std::convertible_to<gate::MetricOutput<Archetype>>;
};
/// Hands to the loss what a gate returned.
template <class X, class G>
void supply(Outcome<X>& to, const G& g) {
  to.weights = g.weights;
  to.logits = g.logits;
  if constexpr (std::is_convertible_v<G, gate::MetricOutput<X>>) {
    to.embedding = g.embedding;
    to.prototypes = g.prototypes;
  }
}

}  // namespace detail

/// Expert x Gate x Flow x Loss: one model, composed at compile time.
///
/// Its parameters are one flat array: the experts one after the other, then the gate's, the flow's and the loss's. A model without context
/// maps samples `x [N, ...]` through the flow, weighs the experts by the gate and adds their outputs; an expert sees only the
/// samples whose weight is not zero. A flow that is an encoder (`flow::Encoder`) makes the gate's features alone, and the experts see
/// the samples themselves. A contextual model (`ContextFlow`) routes environments by their contexts instead; see
/// `train/environments.hpp`.
template <class Expert, class Gate, class Flow, class Loss>
struct Mixture {
  using ExpertPolicy = Expert;
  using GatePolicy = Gate;
  static constexpr bool contextual = detail::is_contextual<Expert>;
  static constexpr bool one_hot = std::is_same_v<typename Gate::codomain, gate::codomain::OneHot>;
  static constexpr bool encodes = detail::is_encoder<Flow>;

  Experts<Expert> experts;
  Gate gate;
  Flow flow;
  Loss loss;
  Index expert_size, gate_size, flow_size, loss_size;  ///< numbers of parameters; expert k's begin at `k * expert_size`

  Mixture(const Experts<Expert>& e, const Gate& g, const Flow& f, const Loss& l) : experts(e), gate(g), flow(f), loss(l) {
    require(loss.any(), "mixture: all terms of the loss have weight 0");
    expert_size = layout_of(experts.prototype).size();
    if constexpr (encodes)
      require(flow.inputs() == features(), "mixture: the flow encodes samples of ", flow.inputs(), " features, the experts take ",
              features());
    Layout of_gate;
    gate.layout(of_gate, gate_features(), experts.count);
    gate_size = of_gate.size();
    flow_size = layout_of(flow).size();
    const Layout of_loss = layout_of(loss);
    loss_size = of_loss.size();
    for (std::size_t i = 1; i < of_loss.entries().size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        require(of_loss.entries()[i].name != of_loss.entries()[j].name, "mixture: the loss has ", of_loss.entries()[i].name, " twice");
    require(!contextual || loss_size == 0, "mixture: contextual experts are trained without learned weights of loss terms");
  }

  Index features() const {
    if constexpr (contextual)
      return (experts.split_context ? experts.count : 1) * experts.prototype.context();
    else
      return experts.prototype.inputs();
  }
  /// Features by which the gate routes: those of a sample, or of its code where the flow is an encoder.
  Index gate_features() const {
    if constexpr (encodes)
      return flow.latents();
    else
      return features();
  }

  void layout(Layout& l) const {
    for (Index k = 0; k < experts.count; ++k) l.add_module("expert" + std::to_string(k), experts.prototype);
    layout_gate(l);
  }
  Index gate_offset() const { return experts.count * expert_size; }
  Index flow_offset() const { return gate_offset() + gate_size; }
  Index loss_offset() const { return flow_offset() + flow_size; }

  template <class B>
  Array<B> initial(const Random& random) const {
    Array<B> p = initial_parameters<B>(layout_of(*this), random);
    if (experts.same_start)
      for (Index k = 1; k < experts.count; ++k)
        B::copy(view(p.tensor(), k * expert_size, {expert_size}), view(p.tensor(), 0, {expert_size}));
    return p;
  }

  /// What expert `k` alone makes of samples `x`, as it sees them.
  template <class X>
  X expert(const X& parameters, Index k, const X& x) const
    requires(!contextual)
  {
    return experts.prototype(view(parameters, k * expert_size, {expert_size}), x);
  }

  /// What the gate returns for features `z [N, gate_features]`: weights, logits and what else it may tell.
  template <class X>
  auto weigh(const X& parameters, const X& z, const Random* random = nullptr) const {
    Slots<X> slots(parameters, gate_offset());
    return gate(slots, z, experts.count, random);
  }

  /// Everything that one evaluation produces, for samples `x [N, inputs]`; `target` may be absent.
  template <class X>
  Outcome<X> operator()(const X& parameters, const X& x, const TensorOf<X>& target = {}, const Random* random = nullptr) const
    requires(!contextual)
  {
    Outcome<X> out;
    Slots<X> flow_slots(parameters, flow_offset());
    const auto image = flow.forward(flow_slots, x);
    out.latent = image.z;
    out.log_det = image.log_det;
    out.target = X(target);
    if (loss_size > 0) out.loss_parameters = view(parameters, loss_offset(), {loss_size});
    if constexpr (loss::reads<Loss, quantity::Reconstruction>()) {
      Slots<X> again(parameters, flow_offset());
      out.input = x;
      if constexpr (requires { image.seen; })
        if (present(image.seen)) out.input = image.seen;
      out.reconstruction = flow.inverse(again, image.z);
    }
    const auto g = weigh(parameters, image.z, random);
    detail::supply(out, g);
    const X& seen = encodes ? x : image.z;  // by the experts
    const Index n = shape(x)[0], count = experts.count;
    auto& workspace = Workspace<HostMemory>::current();
    const ScalarOf<X>* host = nullptr;  // the routing, where experts get less than everything
    if (!sends_all<BackendOf<X>>()) {
      const auto routing = primal(one_hot ? g.logits : g.weights);
      auto* const copy = workspace.template take<ScalarOf<X>>(std::size_t(routing.size()));
      BackendOf<X>::to_host(copy, routing);
      host = copy;
    }
    constexpr bool contested = loss::reads<Loss, quantity::BestExpert>();
    std::optional<detail::Contest<BackendOf<X>>> contest;
    if (contested && target) {
      contest.emplace(one_hot ? one_hot_of_largest(primal(g.logits)) : primal(g.weights));
      out.best = contest->best;
    }
    for (Index k = 0; k < count; ++k) {
      auto* rows = workspace.template take<std::int32_t>(std::size_t(n));
      std::size_t chosen = 0;
      for (Index i = 0; i < n; ++i) {
        const auto* row = host ? host + i * count : nullptr;
        if (!row || (one_hot ? std::max_element(row, row + count) - row == k : row[k] != 0)) rows[chosen++] = std::int32_t(i);
      }
      if (chosen == 0) continue;
      const std::span<const std::int32_t> who(rows, chosen);
      X y = expert(parameters, k, chosen == std::size_t(n) ? seen : gather(seen, who));
      if constexpr (contested)
        if (contest) contest->enter(k, who, primal(y), chosen == std::size_t(n) ? target : gather(target, who));
      if constexpr (!one_hot) {
        const X w = slice(g.weights, 1, k, 1);
        Shape each = shape(y);
        for (int a = 1; a < each.rank(); ++a) each[a] = 1;
        y = y * reshape(chosen == std::size_t(n) ? w : gather(w, who), each);
      }
      out.prediction = sum_present(out.prediction, chosen == std::size_t(n) ? y : scatter_add(y, who, n));
    }
    return out;
  }

 private:
  /// Whether all experts get all samples without a look at the routing. On another device that would be waited for; on the host it costs
  /// nothing, and weights that are 0 save work.
  template <class B>
  bool sends_all() const {
    if constexpr (!std::is_same_v<typename B::Memory, HostMemory> && requires { bool(gate.dense(experts.count)); })
      return gate.dense(experts.count);
    else
      return false;
  }
  void layout_gate(Layout& l) const {
    struct GateLayout {
      const Mixture& m;
      void layout(Layout& to) const { m.gate.layout(to, m.gate_features(), m.experts.count); }
    };
    l.add_module("gate", GateLayout{*this});
    l.add_module("flow", flow);
    l.add_module("loss", loss);
  }
};

/// Composes a model. Misuse is refused here, in one sentence that names the policy and the missing member.
template <class Expert, class Gate, class Flow, class Loss>
auto mixture(const Experts<Expert>& experts, const Gate& gate, const Flow& flow, const Loss& loss) {
  detail::check_expert<Expert>();
  detail::check_gate<Gate>();
  detail::check_flow<Flow>();
  static_assert(loss::LossTerm<Loss>, "Moesaic: the Loss policy is not a loss::Term nor a sum of such [docs/loss.md]");
  auto composed = loss::as_sum(loss);
  constexpr bool contextual = detail::is_contextual<Expert>;
  constexpr bool one_hot = requires { requires std::is_same_v<typename Gate::codomain, gate::codomain::OneHot>; };
  loss::require_supplied<decltype(composed), contextual, one_hot, !requires { requires Flow::trivial; }, detail::is_metric<Gate>>();
  return Mixture<Expert, Gate, Flow, decltype(composed)>{experts, gate, flow, composed};
}

}  // namespace moesaic
