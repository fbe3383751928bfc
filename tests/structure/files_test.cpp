// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "project.hpp"

TEST_CASE("every source file starts with the licence") {
  const auto sources = project::files({"include", "tests", "examples"}, {".hpp", ".cpp"});
  REQUIRE(sources.size() > 10);
  for (const auto& source : sources) {
    auto lines = project::lines(project::root / source);
    // A compile_fail case begins with the text that it expects.
    if (!lines.empty() && lines.front().starts_with("// expect: ")) lines.erase(lines.begin());
    const bool licensed = lines.size() > 1 && lines[0].starts_with("// SPDX-FileCopyrightText: ") &&
                          lines[1] == "// SPDX-License-Identifier: MIT";
    CHECK_MESSAGE(licensed, source.string());
  }
}

TEST_CASE("every header guards itself") {
  for (const auto& header : project::files({"include"}, {".hpp"})) {
    const auto lines = project::lines(project::root / header);
    CHECK_MESSAGE(std::count(lines.begin(), lines.end(), "#pragma once") == 1, header.string());
  }
}
