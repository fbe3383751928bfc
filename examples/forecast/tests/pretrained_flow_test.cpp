// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <moesaic/io/safetensors.hpp>

namespace st = moesaic::safetensors;

// FOLDER is the output of `pretrain` and then of `train --epochs 0` (tests.cmake).
TEST_CASE("the model of no epochs has the pretrained flow, number for number") {
  const st::File flow(FOLDER "/flow.safetensors"), model(FOLDER "/model.safetensors");
  int compared = 0;
  for (const auto& name : flow.names()) {
    CHECK(flow.at(name).values<float>() == model.at("flow." + name).values<float>());
    ++compared;
  }
  CHECK(compared > 10);
}
