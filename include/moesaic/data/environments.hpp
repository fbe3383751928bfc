// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/data/trajectories.hpp>

namespace moesaic::data {

/// What a data set offers: learn from `train`, predict `test` (the same environments from other initial states); adapt to the
/// new environments of `adapt`, predict `adapt_test`. All but `train` may be empty.
struct Environments {
  std::string name;
  Trajectories train, test, adapt, adapt_test;
};

/// Errors: a split that is not valid or whose dimension is not that of `train`; `test` or `adapt_test` with another number of
/// environments than `train` or `adapt`.
inline void validate(const Environments& set) {
  validate(set.train, set.name + " train");
  const auto check = [&set](const Trajectories& split, const Trajectories& like, const char* split_name, const char* like_name) {
    if (split.empty()) return;
    validate(split, set.name + ' ' + split_name);
    require(split.dimension() == set.train.dimension(), set.name, ' ', split_name, ": expected states of dimension ",
            set.train.dimension(), " as in train, got ", split.dimension());
    require(like_name == nullptr || split.environments() == like.environments(), set.name, ' ', split_name, ": expected the ",
            like.environments(), " environments of ", like_name ? like_name : "", ", got ", split.environments());
  };
  check(set.test, set.train, "test", "train");
  check(set.adapt, set.adapt, "adapt", nullptr);
  check(set.adapt_test, set.adapt, "adapt_test", "adapt");
}

}  // namespace moesaic::data
