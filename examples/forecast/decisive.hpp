// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/io/safetensors.hpp>

#include "common/fingerprint.hpp"
#include "job.hpp"

/// What files of parameters say about how they came to be, so that they are not taken for others.
namespace forecast {

/// The numbers of the series and the settings whose names `f` accepts.
template <class F>
moesaic::safetensors::Metadata decisive(const Settings& s, const Prepared& series, const F& f) {
  moesaic::safetensors::Metadata out{{"data", common::fingerprint(series.values)}};
  for_each_setting(s, [&](const std::string& name, const auto& value) {
    if (f(name)) out[name] = as_text(value);
  });
  return out;
}

/// Of a training, beside the sizes of its arrays and the number of epochs, which a resumed run may raise.
inline moesaic::safetensors::Metadata decisive_for_training(const Settings& s, const Prepared& series) {
  return decisive(s, series, [](const std::string& name) {
    return name != "data.name" && name != "training.epochs" && name != "training.patience" && name != "training.seed";
  });
}

/// Of a flow that is trained alone.
inline moesaic::safetensors::Metadata decisive_for_flow(const Settings& s, const Prepared& series) {
  return decisive(s, series, [](const std::string& name) {
    return (name.starts_with("data.") && name != "data.name") || name.starts_with("flow.") || name.starts_with("training.") ||
           name == "loss.reconstruction" || name == "loss.nll";
  });
}

}  // namespace forecast
