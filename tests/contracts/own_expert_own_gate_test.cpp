// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <iostream>

#include <doctest/doctest.h>

#include <moesaic/moesaic.hpp>

#define main own_expert_own_gate  // the program as it stands in the pages, run as a test
#include "own_expert_own_gate.cpp"
#undef main

TEST_CASE("a user's own expert and own gate learn two arches") { CHECK(own_expert_own_gate() == 0); }
