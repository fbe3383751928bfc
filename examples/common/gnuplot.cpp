// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "gnuplot.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include <moesaic/core/errors.hpp>

namespace common {

using moesaic::require;

std::ofstream create(const std::string& folder, const std::string& name) {
  std::ofstream out(folder + "/" + name);
  require(bool(out), folder, "/", name, ": cannot be written");
  return out;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

void begin(std::ostream& script, const char* picture, int width, int height) {
  script << "if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) set terminal pngcairo noenhanced size " << width << "," << height
         << "; else set terminal png noenhanced size " << width << "," << height << "\nset output '" << picture << ".png'\n";
}

namespace {

/// Runs `gnuplot SCRIPT` in the output folder, without a shell; -1 where it is not installed.
int gnuplot(const std::string& folder, const std::string& script) {
  constexpr int not_found = 127;
  const pid_t child = ::fork();
  require(child >= 0, "gnuplot cannot be started");
  if (child == 0) {
    const bool ready = ::chdir(folder.c_str()) == 0 && std::freopen("gnuplot.log", "a", stderr);
    if (ready) ::execlp("gnuplot", "gnuplot", script.c_str(), static_cast<char*>(nullptr));
    ::_exit(not_found);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  return code == not_found ? -1 : code;
}

}  // namespace

void draw_pictures(const std::string& folder, const std::vector<std::string>& names) {
  std::string drawn;
  for (const std::string& name : names) {
    const int code = gnuplot(folder, name + ".gp");
    if (code != 0) {
      std::printf("%s; data and scripts of the pictures are in %s\n",
                  code < 0 ? "gnuplot is not installed" : "gnuplot failed (gnuplot.log says why)", folder.c_str());
      return;
    }
    drawn += (drawn.empty() ? "" : ", ") + name + ".png";
  }
  std::printf("pictures in %s: %s\n", folder.c_str(), drawn.c_str());
}

}  // namespace common
