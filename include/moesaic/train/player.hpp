// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <string>

#include <moesaic/core/parameters.hpp>
#include <moesaic/train/optimiser.hpp>
#include <moesaic/train/schedule.hpp>
#include <moesaic/train/update_rule.hpp>

namespace moesaic {

namespace detail {
/// A call, because g++ 12 crashes on the initialiser `{}` where players are listed in braces.
inline Layout no_layout() { return {}; }
}  // namespace detail

/// One who plays in `fit`: parameters and how they are moved.
///
/// Ordinary training has one player; alternating minimisation has two (contexts, then weights), adversarial training too.
template <class B>
struct Player {
  std::string name = "parameters";
  Tensor<B> parameters;  ///< refers to the array that the problem reads; whoever owns it keeps it alive
  UpdateRule<B> optimiser = AdaBelief{};
  Schedule rate = 1e-3;  ///< of the player's own count of steps
  Index inner_steps =
      1;  ///< of a turn, at most; 0: only kept with the others' (best, checkpoints), as the problem itself sets the numbers
  /// A turn ends early, after a step that changes the parameters by `|p - p_before|^2 < tolerance * |p_before|^2`; 0: never
  /// (neural context flows, the inner loops of their proximal alternation).
  double tolerance = 0;
  /// Weight `beta` of the proximal term `beta/2 * mean((p - p_start)^2)`, where `p_start` is `p` at the start of the player's
  /// turn (proximal alternating minimisation: Attouch et al. 2010).
  double proximal = 0;
  /// Equal parts of the parameters, experts for instance, that share one optimiser's state: a step moves them one after the other,
  /// each with the moments that the part before it left (MixER's released code, `same_expert_optstate`). Entries of the layout do not
  /// cross parts, and ranges of an optimiser (`AdamW::undecayed`) are those of one part.
  Index parts_sharing_state = 1;
  Layout layout = detail::no_layout();  ///< names in errors and checkpoints; without one every part is an entry

  /// Part `k` of the parameters, or of an array of their shape.
  Tensor<B> part(const Tensor<B>& all, Index k) const {
    if (parts_sharing_state == 1) return all;
    const Index each = all.size() / parts_sharing_state;
    return all.reshape({all.size()}).rows(k * each, each);
  }
  /// Name of an entry of the layout in messages and files.
  std::string label(const Layout::Entry& entry) const { return entry.name.empty() ? name : name + "." + entry.name; }
};

namespace detail {

/// Refuses a player that cannot play, and names its parts where it has no layout. `index` is its place among all.
template <class B>
void require_player(Player<B>& p, std::size_t index) {
  require(!p.name.empty(), "fit: player ", index, " has no name");
  require(bool(p.parameters), "fit: player \"", p.name, "\" has no parameters");
  require(p.inner_steps >= 0, "fit: player \"", p.name, "\" takes ", p.inner_steps, " inner steps; expected at least 0");
  require(p.proximal >= 0, "fit: player \"", p.name, "\" has the proximal weight ", p.proximal, "; expected at least 0");
  require(p.tolerance >= 0, "fit: player \"", p.name, "\" has the tolerance ", p.tolerance, "; expected at least 0");
  const Index parts = p.parts_sharing_state, each = p.parameters.size() / std::max<Index>(parts, 1);
  require(parts >= 1 && each * parts == p.parameters.size(), "fit: the optimiser's state of player \"", p.name, "\" is shared by ",
          parts, " parts; expected at least 1, and a divisor of the number of its parameters, ", p.parameters.size());
  if (p.layout.entries().empty())
    for (Index k = 0; k < parts; ++k)
      p.layout.add(parts == 1 ? "" : "part" + std::to_string(k), p.part(p.parameters, k).shape(), {});
  require(p.layout.size() == p.parameters.size(), "fit: player \"", p.name, "\" has ", p.parameters.size(),
          " parameters, its layout names ", p.layout.size());
  for (const auto& e : p.layout.entries())
    require(parts == 1 || e.offset % std::max<Index>(each, 1) + e.shape.size() <= each,
            "fit: \"", p.label(e), "\" of shape ", e.shape, " lies in more than one of the ", parts, " parts of ", each,
            " parameters that share an optimiser's state");
}

}  // namespace detail
}  // namespace moesaic
