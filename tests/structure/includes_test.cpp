// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "project.hpp"

namespace {

using project::fs::path;

constexpr int beside = -1;  ///< data, io, cluster: they know core, backend and each other; the policies and above know them

/// The floors of docs/structure.md; 0 for a folder or file that stands on none.
int floor_of(const std::string& name) {
  static const std::map<std::string, int> floors{
      {"version.hpp", 1}, {"core", 1},  {"backend", 2}, {"ad", 3},     {"ops", 4},        {"expert", 5},
      {"gate", 5},        {"flow", 5},  {"loss", 5},    {"ode", 5},    {"mixture.hpp", 6}, {"train", 7},
      {"meta", 7},        {"fusion", 7}, {"moesaic.hpp", 8}, {"data", beside}, {"io", beside},    {"cluster", beside}};
  const auto found = floors.find(name);
  return found == floors.end() ? 0 : found->second;
}

/// First component below include/moesaic.
std::string place(const path& header) {
  const auto inside = header.lexically_relative("include/moesaic");
  return inside.begin()->string();
}

bool may_include(int from, int to) {
  if (from == beside) return to == beside || to == 1 || to == 2;
  if (to == beside) return from >= 5;
  return to <= from;
}

struct Include {
  std::string text;  ///< between the brackets
  bool quoted = false;
};

std::vector<Include> includes(const path& header) {
  std::vector<Include> out;
  for (const auto& line : project::lines(project::root / header)) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos || !line.substr(begin).starts_with("#include ")) continue;
    const auto open = line.find_first_of("<\"", begin), close = line.find_first_of(">\"", open + 1);
    if (close != std::string::npos) out.push_back({line.substr(open + 1, close - open - 1), line[open] == '"'});
  }
  return out;
}

const std::vector<path> headers = project::files({"include"}, {".hpp"});

}  // namespace

TEST_CASE("the rule itself: includes run downwards only") {
  CHECK(may_include(floor_of("ad"), floor_of("core")));
  CHECK(may_include(floor_of("expert"), floor_of("ode")));
  CHECK(may_include(floor_of("gate"), floor_of("cluster")));
  CHECK(may_include(floor_of("io"), floor_of("data")));
  CHECK_FALSE(may_include(floor_of("core"), floor_of("backend")));
  CHECK_FALSE(may_include(floor_of("io"), floor_of("ad")));
  CHECK_FALSE(may_include(floor_of("ops"), floor_of("cluster")));
  CHECK_FALSE(may_include(floor_of("train"), floor_of("moesaic.hpp")));
}

TEST_CASE("every header stands on a floor") {
  REQUIRE(headers.size() > 10);
  for (const auto& header : headers) CHECK_MESSAGE(floor_of(place(header)) != 0, header.string());
}

TEST_CASE("includes run downwards only") {
  for (const auto& header : headers)
    for (const auto& include : includes(header)) {
      CHECK_MESSAGE(!include.quoted, header.string(), " includes \"", include.text, "\": write <moesaic/...>");
      if (!include.text.starts_with("moesaic/")) continue;
      const path target = path("include") / include.text;
      CHECK_MESSAGE(project::fs::exists(project::root / target), header.string(), " includes ", include.text);
      CHECK_MESSAGE(may_include(floor_of(place(header)), floor_of(place(target))), header.string(), " includes ", include.text);
    }
}

TEST_CASE("no header includes itself by a detour") {
  std::map<path, std::set<path>> reached;
  for (const auto& header : headers)
    for (const auto& include : includes(header))
      if (include.text.starts_with("moesaic/")) reached[header].insert(path("include") / include.text);
  for (bool grown = true; grown;) {
    grown = false;
    for (auto& [from, targets] : reached) {
      const auto before = targets.size();
      for (const auto& middle : std::set<path>(targets)) targets.insert(reached[middle].begin(), reached[middle].end());
      grown = grown || targets.size() != before;
    }
  }
  for (const auto& header : headers) CHECK_MESSAGE(!reached[header].contains(header), header.string());
}
