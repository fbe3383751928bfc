// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
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
TEST_CASE("new environments find the contexts and experts that they find on the CPU") {
  compare(Case::adaptation_in_single_precision, 1e-4);
}

}  // namespace mixer_test
