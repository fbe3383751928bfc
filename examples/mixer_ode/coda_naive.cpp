// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace mixer_ode {

template <>
Result Study<Device>::coda_naive(const Settings& s, const data::Environments& sets, const Saving& saving) {
  return with_activation(s, [&]<class Activation>(Activation) {
    return study_naive<Device>(Coda<Activation>{}, s, sets, saving);
  });
}

}  // namespace mixer_ode
