// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace mixer_ode {

template <>
Result Study<Device>::coda(const Settings& s, Kind kind, const data::Environments& sets, const Saving& saving) {
  return with_activation(s, [&]<class Activation>(Activation) {
    return study<Device>(Coda<Activation>{}, s, kind, sets, saving);
  });
}

}  // namespace mixer_ode
