// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <fstream>
#include <string>
#include <vector>

/// Pictures by gnuplot: a program writes `NAME.dat` and `NAME.gp` into a folder, and `draw_pictures` makes `NAME.png` of them.
namespace common {

inline constexpr const char* colours[] = {"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e",
                                          "#8c564b", "#e377c2", "#17becf", "#bcbd22", "#7f7f7f"};

/// A text file in the folder. Errors: it cannot be written.
std::ofstream create(const std::string& folder, const std::string& name);

/// A text for gnuplot, in single quotes.
std::string quoted(const std::string& text);

/// The beginning of a script for `picture`.png of so many pixels.
void begin(std::ostream& script, const char* picture, int width, int height);

/// Runs gnuplot on the scripts of these pictures and says where they are; where it is not installed data and scripts stay.
void draw_pictures(const std::string& folder, const std::vector<std::string>& names);

}  // namespace common
