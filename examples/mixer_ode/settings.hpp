// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <moesaic/core/shape.hpp>
#include <moesaic/data/options.hpp>

namespace mixer_ode {

using moesaic::Index;

enum class Backbone { ncf, coda, geps };
enum class Activation { swish, glu };  ///< with a learnable factor; or a gated linear unit
enum class Loss { mse, relative };
enum class Rates { cosine, steps, early_steps };   ///< down to 5 %; or for the weights alone times 0.4 at one and two thirds, or sixths
enum class Refit { improved, published };          ///< of the gate: the toolkit's defaults, or algorithm 1 as released
enum class Matching { optimal, greedy };           ///< of clusters with experts
enum class Draw { uniform, neighbours };           ///< of the environments of a step, where not all contribute
enum class Search { all, gate };                   ///< experts that are tried on a new environment
enum class Start { known, zero };                  ///< context of a new environment: the training environments' best, or 0
enum class Sampling { observed, linear, solved };  ///< ODEBench: all observed points, or a window of time filled one way or the other
enum class Variant { published, corrected };

/// All that decides a result. What is 0 here the data set decides, in the tables below.
struct Settings {
  std::string dataset = "odebench-2";  ///< or the file of the user's own trajectories
  std::uint64_t data_seed = 0;  ///< 0: the published initial states; others are drawn for settings to be chosen on
  Variant variant = Variant::corrected;
  Sampling sampling = Sampling::observed;

  Backbone backbone = Backbone::ncf;
  Index experts = 0;                ///< where MixER chooses among several: the largest
  std::vector<Index> candidates{};  ///< numbers of experts that MixER chooses from, increasing; none: there is no choice
  Index context = 0;         ///< of all experts together
  Index single_context = 0;  ///< of the single learner
  Index width = 0, depth = 0, interface = 0;
  Activation activation = Activation::swish;
  int taylor = 0;
  double saturation = 2;  ///< states beyond this multiple of the largest training state are bent back; 0: none
  Index substeps = 0;     ///< of RK4 between two time points

  Index outer = 0, inner = 12;
  Loss loss = Loss::relative;
  double tail = 0.3;
  double context_l1 = 0;  ///< weight of the contexts' mean absolute value in the loss
  double weight_rate = 0, context_rate = 0;
  Rates rates = Rates::cosine;
  Index refit_every = 0;
  Refit refit = Refit::improved;
  Matching matching = Matching::optimal;
  Index contributors = 0;  ///< environments of a gradient step, 0: all
  Draw draw = Draw::uniform;
  Index pool = 1;
  bool reweighting = false;   ///< hard environments weigh more
  bool shared_state = false;  ///< MixER's experts share the optimiser's state
  double clip = 0;            ///< largest norm of a gradient; 0: no limit

  Index adapt_steps = 0;
  double adapt_rate = 0;
  Rates adapt_rates = Rates::cosine;  ///< `steps`: constant
  Search search = Search::all;
  Start start = Start::known;

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
  Index outer, contributors, refit_every, substeps;
  Loss loss;
  double rate;  ///< of weights and contexts
  Index adapt_steps;
  double adapt_rate;
  double clip = 0;  ///< as in `Settings`
  Activation activation = Activation::swish;
  bool choose = false;  ///< between one expert and M
};

/// Ours: small networks. The last row is for the user's own trajectories and for sets without a row.
// clang-format off
inline constexpr std::array tuned{
    //                              M  context    single        width         depth     interface outer contributors refit substeps loss   rate  adaptation
    DatasetSettings{"odebench-2",    2, {4, 4, 4}, {8, 8, 8},    {64, 64, 64}, {3, 3, 3}, 32,  100,  0, 12, 2, Loss::relative, 3e-3, 400, 1e-2},
    DatasetSettings{"odebench-4",    4, {4, 4, 4}, {16, 16, 16}, {64, 64, 64}, {3, 3, 3}, 32,  150,  0, 12, 2, Loss::relative, 3e-3, 400, 1e-2},
    DatasetSettings{"odebench-10a", 10, {4, 4, 4}, {40, 40, 40}, {64, 64, 64}, {3, 3, 3}, 32,  150, 25, 24, 2, Loss::relative, 3e-3, 400, 1e-2, 1},
    DatasetSettings{"odebench-10b", 10, {4, 4, 4}, {40, 40, 40}, {64, 64, 64}, {3, 3, 3}, 32,  200, 40, 48, 1, Loss::relative, 3e-3, 400, 1e-2, 1},
    DatasetSettings{"lv",            3, {8, 2, 2}, {8, 2, 2},    {64, 64, 64}, {1, 3, 3}, 64, 1000,  0, 12, 1, Loss::mse,      6e-3, 2000, 2e-2, 0, Activation::glu, true},
    DatasetSettings{"go",            3, {8, 2, 2}, {8, 2, 2},    {64, 32, 32}, {1, 3, 3}, 64,  500,  3, 24, 2, Loss::mse,      6e-3, 2000, 2e-2, 0, Activation::glu, true},
    DatasetSettings{"sm",            3, {8, 2, 2}, {8, 2, 2},    {64, 64, 64}, {3, 3, 3}, 32,  600,  7, 24, 4, Loss::mse,      3e-3, 2000, 2e-2, 1, Activation::swish, true},
    DatasetSettings{"",              2, {4, 4, 4}, {8, 8, 8},    {64, 64, 64}, {3, 3, 3}, 32,  300,  0, 12, 2, Loss::relative, 3e-3, 400, 1e-2, 1},
};
/// Those of MixER's released code; in lv, go and sm widths that give about as many parameters an expert as the paper's table 4.
inline constexpr std::array published{
    DatasetSettings{"odebench-2",    2, {4, 4, 4},   {8, 8, 8},    {64, 64, 64},    {3, 3, 3}, 32,  250,  5, 1, 2, Loss::mse, 1e-3, 1500, 1e-3},
    DatasetSettings{"odebench-4",    4, {4, 4, 4},   {16, 16, 16}, {64, 64, 64},    {3, 3, 3}, 32,  500,  5, 1, 2, Loss::mse, 1e-3, 1500, 1e-3},
    DatasetSettings{"odebench-10a", 10, {4, 4, 4},   {40, 40, 40}, {64, 64, 64},    {3, 3, 3}, 32,  500,  5, 1, 2, Loss::mse, 1e-3, 1500, 1e-3},
    DatasetSettings{"odebench-10b", 10, {4, 4, 4},   {40, 40, 40}, {64, 64, 64},    {3, 3, 3}, 32,  500, 16, 1, 2, Loss::mse, 1e-3, 1500, 1e-3},
    DatasetSettings{"lv",            3, {170, 2, 2}, {512, 2, 2},  {344, 318, 384}, {3, 3, 4}, 64,  500,  3, 5, 2, Loss::mse, 1e-3, 5000, 1e-3},
    DatasetSettings{"go",            3, {170, 2, 2}, {512, 2, 2},  {196, 202, 248}, {3, 3, 4}, 64,  500,  3, 5, 2, Loss::mse, 1e-3,  500, 1e-3},
    DatasetSettings{"sm",            3, {170, 2, 2}, {512, 2, 2},  {116, 128, 154}, {3, 3, 4}, 32, 1000,  7, 5, 8, Loss::mse, 1e-3, 1000, 1e-3},
    DatasetSettings{"",              2, {4, 4, 4},   {8, 8, 8},    {64, 64, 64},    {3, 3, 3}, 32,  500,  0, 1, 2, Loss::mse, 1e-3, 1500, 1e-3},
};
// clang-format on

/// The settings of a data set: tuned, or all those of MixER's released code. Changing the number of experts or the context
/// comes after; see `options.cpp`.
Settings settings_for(std::string_view dataset, Backbone backbone, bool as_published);

}  // namespace mixer_ode
