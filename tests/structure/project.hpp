// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace project {

namespace fs = std::filesystem;

inline const fs::path root = MOESAIC_SOURCE_DIR;

/// Every line of a text file.
inline std::vector<std::string> lines(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

/// Every file below the folders of the project that has one of the extensions, sorted; paths are relative to the project.
inline std::vector<fs::path> files(std::initializer_list<std::string_view> folders, std::initializer_list<std::string_view> extensions) {
  std::vector<fs::path> out;
  for (const auto folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder))
      if (std::find(extensions.begin(), extensions.end(), entry.path().extension()) != extensions.end())
        out.push_back(fs::relative(entry.path(), root));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace project
