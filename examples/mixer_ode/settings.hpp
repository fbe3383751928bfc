// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <moesaic/core/shape.hpp>
#include <moesaic/data/options.hpp>

namespace mixer_ode {

using moesaic::Index;

enum class Backbone { ncf, coda, geps };
enum class Loss { mse, relative };
enum class Rates { cosine, steps };        ///< down to 5 %; or times 0.4 at one and at two thirds, for the weights alone
enum class Refit { improved, published };  ///< of the gate: the toolkit's defaults, or algorithm 1 as released
enum class Matching { optimal, greedy };   ///< of clusters with experts
enum class Draw { uniform, neighbours };    ///< of the environments of a step, where not all contribute
enum class Search { all, gate };           ///< experts that are tried on a new environment
enum class Sampling { linear, solved };    ///< of the windows that the ODEBench sets are trained on
enum class Variant { published, corrected };

/// All that decides a result.
struct Settings {
  std::string dataset = "odebench-2";  ///< or the file of the user's own trajectories
  Variant variant = Variant::corrected;
  Sampling sampling = Sampling::linear;

  Backbone backbone = Backbone::ncf;
  Index experts = 2;
  Index context = 8;         ///< of all experts together
  Index single_context = 8;  ///< of the single learner
  Index width = 64, depth = 3, interface = 32;
  int taylor = 0;
  double saturation = 2;  ///< states beyond this multiple of the largest training state are bent back; 0: none
  Index substeps = 2;     ///< of RK4 between two time points

  Index outer = 300, inner = 12;
  Loss loss = Loss::relative;
  double tail = 0.3;
  double weight_rate = 3e-3, context_rate = 3e-3;
  Rates rates = Rates::cosine;
  Index refit_every = 12;
  Refit refit = Refit::improved;
  Matching matching = Matching::optimal;
  Index contributors = 0;  ///< environments of a gradient step, 0: all
  Draw draw = Draw::uniform;
  Index pool = 1;
  bool reweighting = false;          ///< hard environments weigh more
  double clip = 0;                   ///< largest norm of a gradient; 0: no limit

  Index adapt_steps = 800;
  double adapt_rate = 5e-3;
  Rates adapt_rates = Rates::cosine;  ///< `steps`: constant
  Search search = Search::all;

  std::uint64_t seed = 0;
};

/// A number for each backbone.
struct PerBackbone {
  Index ncf, coda, geps;
  constexpr Index operator[](Backbone b) const { return b == Backbone::ncf ? ncf : b == Backbone::coda ? coda : geps; }
};

/// What a data set decides.
struct DatasetSettings {
  std::string_view dataset;
  Index experts;
  PerBackbone context;         ///< of one expert
  PerBackbone single_context;  ///< of the single learner
  PerBackbone width, depth;    ///< depth: hidden layers of NCF's main network, linear maps of the others
  Index interface;             ///< of NCF alone
  PerBackbone outer;
  PerBackbone taylor, pool;
  struct {
    Index outer, contributors, refit_every;
    bool reweighting;
  } published;
};

/// The ODEBench sets share the networks of MixER's released code; those of lv, go and sm have about as many parameters an expert
/// as in the paper's table 4. The last row is for other sets and for the user's own.
// clang-format off
inline constexpr std::array dataset_settings{
    //                              M  context          single           width            depth      interface   outer  taylor     pool       published
    DatasetSettings{"odebench-2",    2, {4, 4, 4},       {8, 8, 8},       {64, 64, 64},    {3, 3, 3}, 32, {100, 100, 100}, {0, 0, 0}, {1, 1, 1}, {250, 5, 1, false}},
    DatasetSettings{"odebench-4",    4, {4, 4, 4},       {16, 16, 16},    {64, 64, 64},    {3, 3, 3}, 32, {300, 300, 300}, {0, 0, 0}, {1, 1, 1}, {500, 5, 1, false}},
    DatasetSettings{"odebench-10a", 10, {4, 4, 4},       {40, 40, 40},    {64, 64, 64},    {3, 3, 3}, 32, {150, 150, 150}, {0, 0, 0}, {1, 1, 1}, {500, 5, 1, false}},
    DatasetSettings{"odebench-10b", 10, {4, 4, 4},       {40, 40, 40},    {64, 64, 64},    {3, 3, 3}, 32, {150, 150, 150}, {0, 0, 0}, {1, 1, 1}, {500, 16, 1, false}},
    DatasetSettings{"lv",            3, {170, 2, 2},     {512, 2, 2},     {344, 318, 384}, {3, 3, 4}, 64, {300, 300, 300}, {0, 0, 0}, {1, 1, 1}, {500, 3, 5, true}},
    DatasetSettings{"go",            3, {170, 2, 2},     {512, 2, 2},     {196, 202, 248}, {3, 3, 4}, 64, {300, 300, 300}, {0, 0, 0}, {1, 1, 1}, {500, 3, 5, true}},
    DatasetSettings{"sm",            3, {170, 2, 2},     {512, 2, 2},     {116, 128, 154}, {3, 3, 4}, 32, {300, 300, 300}, {2, 0, 0}, {2, 1, 1}, {1000, 7, 5, true}},
    DatasetSettings{"",              2, {4, 4, 4},       {8, 8, 8},       {64, 64, 64},    {3, 3, 3}, 32, {300, 300, 300}, {0, 0, 0}, {1, 1, 1}, {500, 0, 1, false}},
};
// clang-format on

inline const DatasetSettings& settings_of(std::string_view dataset) {
  return *std::find_if(dataset_settings.begin(), dataset_settings.end() - 1,
                       [&](const DatasetSettings& d) { return d.dataset == dataset; });
}

/// The settings of a data set: tuned, or all those of MixER's released code. Changing the number of experts or the context
/// comes after; see `options.cpp`.
Settings settings_for(std::string_view dataset, Backbone backbone, bool published);

}  // namespace mixer_ode
