// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <iostream>

#include <doctest/doctest.h>

#include <moesaic/moesaic.hpp>

#define main hello  // the program as it stands in the pages, run as a test
#include "hello.cpp"
#undef main

TEST_CASE("the hello program learns the tent map") { CHECK(hello() == 0); }
