// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <optional>

#include <doctest/doctest.h>

#include "project.hpp"

// A page shows code as
//
//   <!-- from: examples/hello/main.cpp#region -->
//   ```cpp
//   ...
//   ```
//
// where the program has the same lines between `// docs: region` and `// docs: end`. Without #region it is the whole program
// below its licence.
namespace {

using Lines = std::vector<std::string>;

struct Snippet {
  std::string where;  ///< page:line
  std::optional<std::string> source;
  Lines code;
};

std::string trimmed(const std::string& line) {
  const auto begin = line.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : line.substr(begin);
}

/// Without the indentation that all lines share and without empty lines at the ends.
Lines aligned(Lines lines) {
  while (!lines.empty() && trimmed(lines.back()).empty()) lines.pop_back();
  while (!lines.empty() && trimmed(lines.front()).empty()) lines.erase(lines.begin());
  std::size_t shared = std::string::npos;
  for (const auto& line : lines) shared = std::min(shared, line.find_first_not_of(' '));
  for (auto& line : lines) line.erase(0, std::min(shared, line.size()));
  return lines;
}

std::vector<Snippet> snippets(const project::fs::path& page) {
  std::vector<Snippet> out;
  const auto lines = project::lines(project::root / page);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] != "```cpp") continue;
    Snippet snippet{page.string() + ":" + std::to_string(i + 1), {}, {}};
    const std::string_view opening = "<!-- from: ", closing = " -->";
    if (i > 0 && lines[i - 1].starts_with(opening) && lines[i - 1].ends_with(closing))
      snippet.source = lines[i - 1].substr(opening.size(), lines[i - 1].size() - opening.size() - closing.size());
    while (++i < lines.size() && lines[i] != "```") snippet.code.push_back(lines[i]);
    out.push_back(snippet);
  }
  return out;
}

/// The marked lines of `file#region`, or all of `file` below the licence.
Lines region(const std::string& source) {
  const auto hash = source.find('#');
  const auto lines = project::lines(project::root / source.substr(0, hash));
  if (hash == std::string::npos) return lines.size() < 2 ? Lines{} : aligned({lines.begin() + 2, lines.end()});
  const auto is = [](std::string text) { return [text](const std::string& line) { return trimmed(line) == text; }; };
  const auto begin = std::find_if(lines.begin(), lines.end(), is("// docs: " + source.substr(hash + 1)));
  if (begin == lines.end()) return {};
  return aligned({begin + 1, std::find_if(begin, lines.end(), is("// docs: end"))});
}

}  // namespace

TEST_CASE("code in the pages is code that compiles") {
  auto pages = project::files({"docs"}, {".md"});
  pages.push_back("README.md");
  for (const auto& page : pages)
    for (const auto& snippet : snippets(page)) {
      if (!snippet.source) {
        MESSAGE(snippet.where, ": no compiled source is named above this block");
        continue;
      }
      const bool compiled = snippet.source->starts_with("examples/") || snippet.source->starts_with("tests/");
      CHECK_MESSAGE(compiled, snippet.where, ": ", *snippet.source, " is not compiled by this project");
      const auto wanted = region(*snippet.source);
      CHECK_MESSAGE(!wanted.empty(), snippet.where, ": nothing is marked by ", *snippet.source);
      CHECK_MESSAGE(aligned(snippet.code) == wanted, snippet.where, " differs from ", *snippet.source);
    }
}
