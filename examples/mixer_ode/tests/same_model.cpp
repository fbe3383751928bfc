// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstring>
#include <exception>

#include <moesaic/io/safetensors.hpp>

using namespace moesaic;

/// `same_model A B`: whether two saved models hold the same texts and the same bits in every array (parameters, contexts, gate,
/// moments, history, counters) but for the wall time of their training. Ends with 1, and says where, if not.
int main(int argc, char** argv) try {
  require(argc == 3, "same_model: expected two files, got ", argc - 1);
  const auto a = safetensors::load(argv[1]), b = safetensors::load(argv[2]);
  require(a.metadata() == b.metadata(), "their texts differ");
  require(a.names() == b.names(), "their arrays have other names");
  for (const auto& name : a.names()) {
    const auto first = a.at(name), second = b.at(name);
    require(first.dtype() == second.dtype() && first.shape() == second.shape(), name, " has another shape or type");
    auto x = first.values<double>(NonFinite::keep), y = second.values<double>(NonFinite::keep);
    if (name == "fit/numbers") x.at(2) = y.at(2) = 0;  // FitState::seconds, see train/checkpoint.hpp
    require(std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0, name, " holds other numbers");
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
