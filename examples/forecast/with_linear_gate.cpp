// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace forecast {

template Result Job<Device>::train<Composition::linear_gate>(const Settings&, const Prepared&, const Saving&);
template Result Job<Device>::evaluate<Composition::linear_gate>(const Settings&, const Prepared&, const Saving&);
template std::vector<float> Job<Device>::predict<Composition::linear_gate>(const Settings&, const Prepared&, const Saving&);

}  // namespace forecast
