// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace mixer_ode {

Result study_coda(const Settings& s, Kind kind, const data::Environments& sets, const Saving& saving) {
  return study_mixer(Coda<>{}, s, kind, sets, saving);
}

}  // namespace mixer_ode
