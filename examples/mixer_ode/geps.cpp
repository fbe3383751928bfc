// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace mixer_ode {

Result study_geps(const Settings& s, Kind kind, const data::Environments& sets, const Saving& saving) {
  return study_mixer(Geps<>{}, s, kind, sets, saving);
}

}  // namespace mixer_ode
