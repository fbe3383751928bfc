// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace forecast {

template Result Job<Device>::train<Composition::without_flow>(const Settings&, const Prepared&, const Saving&);
template Result Job<Device>::evaluate<Composition::without_flow>(const Settings&, const Prepared&, const Saving&);
template std::vector<float> Job<Device>::predict<Composition::without_flow>(const Settings&, const Prepared&, const Saving&);

}  // namespace forecast
