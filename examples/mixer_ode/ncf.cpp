// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace mixer_ode {

Result study_ncf(const Settings& s, Kind kind, const data::Environments& sets, const Saving& saving) {
  return study_mixer(three_networks(s), s, kind, sets, saving);
}

}  // namespace mixer_ode
