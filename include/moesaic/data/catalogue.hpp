// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string_view>

#include <moesaic/data/classic_sets.hpp>
#include <moesaic/data/odebench_sets.hpp>

namespace moesaic::data {

struct CatalogueEntry {
  std::string_view name, description;
  Environments (*make)(const Options&);
};

/// The data sets that `make` knows by name.
inline constexpr std::array catalogue{
    CatalogueEntry{"lv", "Lotka-Volterra, 9 + 4 environments", [](const Options& o) { return make(lv_set(), o); }},
    CatalogueEntry{"go", "glycolytic oscillator, 7 states, 9 + 4 environments",
                   [](const Options& o) { return make(go_set(), o); }},
    CatalogueEntry{"sm", "Sel'kov model, 21 + 6 environments", [](const Options& o) { return make(sm_set(), o); }},
    CatalogueEntry{"sp", "simple pendulum, 25 + 2 environments", [](const Options& o) { return make(sp_set(), o); }},
    CatalogueEntry{"forced", "forced oscillator, 8 + 1 forces", [](const Options& o) { return make(forced_set(), o); }},
    CatalogueEntry{"odebench-2", "2 families, 5 + 1 environments each", [](const Options& o) { return make(odebench_2(), o); }},
    CatalogueEntry{"odebench-4", "4 families, 5 + 1 environments each", [](const Options& o) { return make(odebench_4(), o); }},
    CatalogueEntry{"odebench-10a", "10 families, 5 + 1 environments each",
                   [](const Options& o) { return make(odebench_10a(o), o); }},
    CatalogueEntry{"odebench-10b", "10 families, 16 + 4 environments each",
                   [](const Options& o) { return make(odebench_10b(o), o); }},
};

/// The data set of that name. Errors: a name that is not in the catalogue; see the `make` of its kind.
inline Environments make(std::string_view name, const Options& options = {}) {
  std::string known;
  for (const auto& entry : catalogue) {
    if (entry.name == name) return entry.make(options);
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  fail("data set \"", name, "\" is not known; the known ones are ", known);
}

}  // namespace moesaic::data
