// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <moesaic/expert/mlp.hpp>
#include <moesaic/flow/real_nvp.hpp>
#include <moesaic/ops/normalise.hpp>

namespace moesaic::flow {

/// A code for samples of many features, and a flow on it: `z = flow(encoder(x))`, `x [N, inputs] -> z [N, latents]`; `inverse` decodes,
/// `decoder(flow^-1(z))`, and gives back what the code kept. The gate routes by z, the experts see x.
///
/// `log_det`, and with it `loss::nll`, is about the density of the code, not of x. Codes have mean 0 and mean square 1 over their
/// features: an encoder that shrank them could otherwise lower the likelihood's loss without bound.
///
/// With `variates`, samples are windows of so many series, and the encoder sees, and decodes, each without its level and scale
/// (`standardise_windows`). A series drifts: a gate that routes by levels meets new ones after its training and fails on them.
template <class Inner = RealNvp<>, class Activation = activation::Gelu>
struct Encoder {
  static constexpr bool trivial = false;
  Index features = 1;      ///< of a sample
  Inner flow{};            ///< on the code; its `features` are the code's size
  Widths hidden = {64};    ///< layers between a sample and its code, in the decoder in reverse
  Index variates = 0;      ///< of a window `[look_back, variates]`, time slowest; 0: samples as they are

  Index inputs() const { return features; }
  Index latents() const { return flow.features; }

  void layout(Layout& l) const {
    l.add_module("encoder", encoder());
    l.add_module("flow", flow);
    l.add_module("decoder", decoder());
  }
  template <class X>
  Image<X> forward(Slots<X>& slots, const X& x) const {
    const X sample = seen(x), code = encoder().bind(slots)(sample);
    const auto image = flow.forward(slots, normalise_last(code));
    return {image.z, image.log_det, sample};
  }
  template <class X>
  X inverse(Slots<X>& slots, const X& z) const {
    encoder().bind(slots);  // whose parameters come first
    const X code = flow.inverse(slots, z);
    return decoder().bind(slots)(code);
  }

  /// These parameters, but with the ActNorms of the flow started from the codes of `batch [N, inputs]`; see `RealNvp::normalised`.
  template <class B>
  Array<B> normalised(const Tensor<B>& parameters, const Tensor<B>& batch) const {
    Array<B> out(parameters);
    const Scratch<typename B::Memory> scratch;
    Slots<Tensor<B>> slots(out.tensor());
    const Tensor<B> code = normalise_last(encoder().bind(slots)(seen(batch)));
    const Tensor<B> own = view(out.tensor(), slots.offset(), {layout_of(flow).size()});
    B::copy(own, flow.normalised(own, code));
    return out;
  }

 private:
  template <class X>
  X seen(const X& x) const { return variates > 0 ? standardise_windows(x, variates) : x; }
  Mlp<Activation> encoder() const {
    Widths w{features};
    for (int i = 0; i <= hidden.layers(); ++i) w.push_back(hidden[i]);
    w.push_back(latents());
    return {w};
  }
  Mlp<Activation> decoder() const {
    Widths w{latents()};
    for (int i = hidden.layers(); i >= 0; --i) w.push_back(hidden[i]);
    w.push_back(features);
    return {w};
  }
};

}  // namespace moesaic::flow
