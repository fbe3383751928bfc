// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

#include <doctest/doctest.h>

namespace {

using namespace forecast;
using Backend = Cpu<float>;

/// One expert with a small network, whose last layer is random; windows of a noisy wave.
struct Case {
  SpectralMamba expert{.look_back = 8, .horizon = 3, .variates = 2, .width = 4, .feed_forward = 1};
  decltype(mixture(experts<1>(SpectralMamba{}), gate::Softmax{}, flow::Identity{}, loss::mse)) model;
  Array<Backend> parameters, rows{Shape{60, 2}};

  explicit Case(double head) : model(mixture(experts<1>(small()), gate::Softmax{}, flow::Identity{}, loss::mse)) {
    parameters = model.template initial<Backend>(Random(1));
    const Random random(2);
    for (const auto& entry : layout_of(model).entries())
      if (entry.name.ends_with(".head.weight"))
        for (Index i = 0; i < entry.shape.size(); ++i) parameters.data()[entry.offset + i] = float(head * random.normal(std::uint64_t(i)));
    for (Index t = 0; t < 60; ++t)
      for (Index v = 0; v < 2; ++v)
        rows.data()[2 * t + v] = float(std::sin(0.4 * double(t + v)) + 0.3 * random.normal(std::uint64_t(1000 + 2 * t + v)));
  }
  SpectralMamba small() {
    expert.scales = {};
    expert.frequencies = 3;
    return expert;
  }
  Windows<Backend> windows(Index count) const { return {rows, 0, 8 + 3 + count - 1, 8, 3}; }
  double error_with(double share, const Windows<Backend>& of) const {
    const Array<Backend> scaled(parameters);
    Workspace<HostMemory> workspace;
    const Workspace<HostMemory>::Scope scope(workspace);
    scale_networks(layout_of(model), scaled, share);
    return error_of(model, scaled, of);
  }
};

}  // namespace

TEST_CASE("the share of the networks that is kept has the least error of all shares on the validation windows") {
  for (const double head : {0.02, 0.3, 3.0, -0.3}) {
    Case c(head);
    const auto windows = c.windows(50);
    double least = 1e9;
    for (int i = 0; i <= 200; ++i) least = std::min(least, c.error_with(i / 200.0, windows));
    const Array<Backend> before(c.parameters);
    const auto [share, error] = shrink_networks(c.model, c.parameters, windows, c.error_with(0, windows));
    CHECK(share >= 0);
    CHECK(share <= 1);
    CHECK(error == doctest::Approx(least).epsilon(1e-4));
    CHECK(error_of(c.model, c.parameters, windows) == doctest::Approx(error).epsilon(1e-4));  // the parameters are those
  }
}

TEST_CASE("networks are left out where all validation windows share a target row") {
  for (const Index count : {1, 3}) {
    Case c(0.02);
    const auto windows = c.windows(count);
    const double start = c.error_with(0, windows);
    const auto [share, error] = shrink_networks(c.model, c.parameters, windows, start);
    CHECK(share == 0);
    CHECK(error == doctest::Approx(start));
  }
}
