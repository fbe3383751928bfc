// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/spectral_mamba.hpp>

#include "battery.hpp"
#ifdef MOESAIC_BATTERY_ON_THRUST
#include <moesaic/backend/thrust/selective_scan.hpp>
#endif

namespace spectral_mamba_test {

using namespace battery;

SpectralMamba small(Tokens tokens) {
  return {.look_back = 6, .horizon = 2, .variates = 2, .width = 3, .states = 2, .kernel = 2, .expand = 1, .scales = {1, 3},
          .tokens = tokens, .frequencies = 2};
}

void check_expert(const std::string& name, const SpectralMamba& expert) {
  // A head that is not 0: behind it nothing else would have a derivative.
  auto p = parameters_of(expert);
  p = Array<B>(p.tensor() + numbers(p.shape(), 7, 0.2).tensor());
  const auto x = numbers({2, expert.inputs()}, 1, 1, 0.5);
  check(name, [&]<class X>(Slots<X>& parts) {
    const X own = parts.take(p.shape());
    return expert(own, parts.take(x.shape()));
  }, {p, x}, {.directions = 1});
}

TEST_CASE("SpectralMamba passes the gradient checker with every kind of tokens and step sizes") {
  for (Tokens tokens : {Tokens::time, Tokens::variate})
    for (StepSize size : {StepSize::fixed, StepSize::learned, StepSize::dynamic, StepSize::pooled}) {
      auto expert = small(tokens);
      expert.step_size = size;
      if (size == StepSize::pooled) expert.scales = {1, 2};  // of two variates
      check_expert("tokens " + std::to_string(int(tokens)) + ", step size " + std::to_string(int(size)), expert);
    }
}

TEST_CASE("SpectralMamba passes the gradient checker in both directions, and without each of its parts") {
  for (Tokens tokens : {Tokens::time, Tokens::variate}) {
    const auto whole = small(tokens);
    const auto without = [&](const char* part, auto remove) {
      auto expert = whole;
      remove(expert);
      check_expert(std::string(part) + ", tokens " + std::to_string(int(tokens)), expert);
    };
    without("both directions", [](auto& e) { e.bidirectional = true; });
    without("no Mamba", [](auto& e) { e.scales = {}; });
    without("no spectrum", [](auto& e) { e.frequencies = 0; });
    without("no normalisation", [](auto& e) { e.instance_norm = false; });
    without("a linear map for every variate", [](auto& e) { e.own_skips = true; });
    without("no skip", [](auto& e) { e.skip = false; });
    without("no skip, no normalisation", [](auto& e) { e.skip = e.instance_norm = false; });
    without("no feed-forward network", [](auto& e) { e.feed_forward = 0; });
  }
}

}  // namespace spectral_mamba_test
