// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "train.hpp"

namespace forecast {

template <>
Result Job<Device>::pretrain(const Settings& s, const Prepared& series, const Saving& saving) {
  // One expert without a network: the loss reads nothing of it.
  SpectralMamba repeat{.look_back = s.data.look_back, .horizon = s.data.horizon, .variates = series.width()};
  repeat.scales = {};
  repeat.frequencies = repeat.feed_forward = 0;
  const auto model = mixture(experts<1>(repeat), gate::Softmax{}, flow_of(s, series.width()),
                             s.loss.reconstruction * loss::reconstruction + s.loss.nll * loss::nll);
  Result out = begin(model, s, series);
  const auto training = windows_of<Device>(s, series, series.split.train);
  const Index batch = std::min(s.training.batch, training.size());
  Supervised problem(model, training, {.batch = batch, .seed = std::uint64_t(s.training.seed)});
  problem.validate_on(windows_of<Device>(s, series, series.split.validation));
  const auto own = view(problem.parameters.tensor(), model.flow_offset(), {layout_of(model.flow).size()});
  {
    Workspace<Device::Memory> workspace;
    const Workspace<Device::Memory>::Scope scope(workspace);
    Device::copy(own, model.flow.normalised(own, training.range(0, std::min<Index>(training.size(), 512)).x));
  }
  const auto players = problem.players(schedule::Cosine{s.training.rate, s.flow.pretrain_epochs * problem.steps(), 0.01});
  try {
    keep(out, fit(problem, std::span<const Player<Device>>(players),
                  {.iterations = s.flow.pretrain_epochs, .progress = saving.progress, .validation_every = 1, .clip = {.norm = 1},
                   .seed = std::uint64_t(s.training.seed)}));
  } catch (const FitError<Device>& e) {
    keep(out, *e.run);
  }
  const bool whole = out.ending == "finished";
  save_parameters(saving.flow(), layout_of(model.flow), own, whole ? decisive_for_flow(s, series) : safetensors::Metadata{});
  return out;
}

template Result Job<Device>::train<Composition::whole>(const Settings&, const Prepared&, const Saving&);
template Result Job<Device>::evaluate<Composition::whole>(const Settings&, const Prepared&, const Saving&);
template std::vector<float> Job<Device>::predict<Composition::whole>(const Settings&, const Prepared&, const Saving&);

}  // namespace forecast
