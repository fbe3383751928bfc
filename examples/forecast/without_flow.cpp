// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace forecast {

template <>
template <>
Result Job<Device>::train<Composition::without_flow>(const Settings& s, const Prepared& series, const Saving& saving) {
  return train_model<Device>(model_without_flow(s, series.width()), s, series, saving);
}

template <>
template <>
Result Job<Device>::evaluate<Composition::without_flow>(const Settings& s, const Prepared& series, const Saving& saving) {
  return evaluate_model<Device>(model_without_flow(s, series.width()), s, series, saving);
}

}  // namespace forecast
