// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace mixer_ode {

template <>
Result Study<Device>::geps_naive(const Settings& s, const data::Environments& sets, const Saving& saving) {
  return with_activation(s, [&]<class Activation>(Activation) {
    return study_naive<Device>(Geps<Activation>{}, s, sets, saving);
  });
}

}  // namespace mixer_ode
