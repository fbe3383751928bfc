// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <utility>

#include "both.hpp"
#include "mixer_cases.hpp"

namespace mixer_test {

using namespace thrust_test;

void compare(Case which, double tolerance) {
  const auto cpu = on_cpu(which);
  const auto device = run<Thrust>(which);
  CHECK(relative(cpu.losses, device.losses) < tolerance);
  CHECK(relative(cpu.parameters, device.parameters) < tolerance);
  CHECK(relative(cpu.contexts, device.contexts) < tolerance);
  CHECK(cpu.expert == device.expert);
}

TEST_CASE("the first 20 steps of MixER are those of the CPU: neural context flow expanded to second order") {
  compare(Case::neural_context_flow, 1e-11);
}
TEST_CASE("the first 20 steps of MixER are those of the CPU: CoDA in single precision") {
  compare(Case::coda_in_single_precision, 1e-4);
}
TEST_CASE("the first 20 steps of a naive mixture are those of the CPU: GEPS") { compare(Case::naive_geps, 1e-11); }
TEST_CASE("the first 20 steps of MixER are those of the CPU: neighbours, each expanded about random contexts") {
  compare(Case::neighbours_expanded_about_random_contexts, 1e-11);
}
TEST_CASE("the first 20 steps of a naive mixture are those of the CPU: neighbours, expanded about the smallest contexts") {
  compare(Case::neighbours_expanded_about_small_contexts, 1e-11);
}
TEST_CASE("steps that decide whether a turn ends are those of the CPU: neural context flow expanded to second order") {
  compare(Case::turns_that_may_end_early, 1e-11);
}
TEST_CASE("the first 20 steps of MixER are those of the CPU: one environment at a time") {
  compare(Case::one_environment_at_a_time, 1e-11);
}
TEST_CASE("the first 20 steps of a naive mixture are those of the CPU: hard environments weigh more, expanded about the nearest others") {
  compare(Case::naive_mixture_of_hard_environments, 1e-11);
}
TEST_CASE("the first 20 steps, all environments, are those of the CPU: CoDA") { compare(Case::all_environments_coda, 1e-11); }
TEST_CASE("the first 20 steps, all environments, are those of the CPU: naive GEPS") {
  compare(Case::all_environments_naive_geps, 1e-11);
}
TEST_CASE("the first 20 steps, all environments, are those of the CPU: CoDA in single precision") {
  compare(Case::all_environments_in_single_precision, 1e-4);
}
TEST_CASE("new environments find the contexts and experts that they find on the CPU: CoDA in single precision") {
  compare(Case::adaptation_in_single_precision, 1e-4);
}
TEST_CASE("new environments find the contexts and experts that they find on the CPU: routed by the gate") {
  compare(Case::adaptation_by_the_gate, 1e-11);
}
TEST_CASE("new environments find the contexts and experts that they find on the CPU: naive mixture") {
  compare(Case::adaptation_of_a_naive_mixture, 1e-11);
}
TEST_CASE("new environments find the contexts and experts that they find on the CPU: the second expert is of no use to any of them") {
  for (const Case which : {Case::adaptation_where_an_expert_diverges, Case::adaptation_where_an_expert_is_not_a_number,
                           Case::adaptation_by_an_adaptive_solver}) {
    const auto cpu = on_cpu(which);
    CHECK(cpu.expert == std::vector<Index>(6, 0));
    for (const double loss : cpu.losses) CHECK(std::isfinite(loss));
    for (const double context : cpu.contexts) CHECK(context != 0);
    // An adaptive solver's steps are those of all solves together, of which a device has others at a time.
    compare(which, which == Case::adaptation_by_an_adaptive_solver ? 1e-6 : 1e-11);
  }
}
TEST_CASE("any number of steps adapts as on the CPU") {
  const auto model = model_of(Coda<>{}, gate::KMeansLeastSquares{.refit_every = 5});
  for (const Index steps : {0, 1, 7}) {
    const auto cpu = adapted<Cpu<double>>(model, ExpertSearch::all, 1, steps);
    const auto device = adapted<Thrust<double>>(model, ExpertSearch::all, 1, steps);
    CHECK(relative(cpu.losses, device.losses) < 1e-12);
    CHECK(relative(cpu.contexts, device.contexts) < 1e-12);
    CHECK(cpu.expert == device.expert);
  }
  CHECK(message([&] { adapted<Thrust<double>>(model, ExpertSearch::all, 1, -64); }) == "adapt: -64 steps; expected at least 0");
}
TEST_CASE("the host waits for the device once in 32 steps of an adaptation, or in the most that divide them") {
  using B = Thrust<double>;
  const auto model = model_of(Coda<>{}, gate::KMeansLeastSquares{.refit_every = 5});
  const EnvironmentData<B> data(two_kinds());
  const auto parameters = model.initial<B>(Random(2));
  const auto spent = [&](Index steps) {
    const device::Traffic before = device::Traffic::own();
    adapt<B>(model, parameters, data, {.steps = steps});
    return std::pair(device::Traffic::own().waits - before.waits, device::Traffic::own().replays - before.replays);
  };
  CHECK(spent(96).first - spent(32).first == 2);
  CHECK(spent(90).first - spent(30).first == 2);
  CHECK(spent(64).second == 63);
}

}  // namespace mixer_test
