// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <string>

#include <moesaic/core/errors.hpp>

/// What every example program does.
namespace common {

/// Most memory that the process has held, in MiB.
inline double peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

/// Makes a folder that can be written to, or names the option that asked for it.
inline void make_folder(const char* option, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  moesaic::require(!error, option, ": the folder ", folder, " cannot be made: ", error.message());
  moesaic::require(::access(folder.c_str(), W_OK) == 0, option, ": nothing can be written to ", folder);
}

/// Refuses a file that could not be written, or names the option that asked for it; an empty path is no file.
inline void check_file(const char* option, const std::string& path) {
  namespace fs = std::filesystem;
  if (path.empty()) return;
  const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : ".";
  moesaic::require(::access(folder.c_str(), W_OK) == 0, option, ": nothing can be written to the folder ", folder.string());
  moesaic::require(!fs::exists(path) || fs::is_regular_file(path), option, ": ", path, " is not a file that could be replaced");
}

/// Runs a program; what it throws becomes one line and the exit status 1.
template <class F>
int guarded(const char* program, const F& f) {
  std::string message;
  try {
    return f();
  } catch (const std::bad_alloc&) {
    message = "out of memory";
  } catch (const std::exception& e) {
    message = e.what();
  }
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::fprintf(stderr, "%s: %s\n", program, message.c_str());
  return 1;
}

}  // namespace common
