// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace mixer_ode {

Result study_ncf_naive(const Settings& s, const data::Environments& sets, const Saving& saving) {
  return study_naive(three_networks(s), s, sets, saving);
}

}  // namespace mixer_ode
