// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/core/parameters.hpp>
#include <moesaic/ops/check_gradient.hpp>
#ifdef MOESAIC_BATTERY_ON_THRUST
#include <moesaic/backend/thrust.hpp>
#endif

#include "support/numbers.hpp"

/// What every policy of a kind must pass, on every backend.
namespace battery {

using namespace moesaic;
#ifdef MOESAIC_BATTERY_ON_THRUST
using B = Thrust<double>;
#else
using B = Cpu<double>;
#endif

inline Array<B> numbers(const Shape& shape, std::uint64_t stream, double size = 1, double shift = 0) {
  return test_support::numbers<B>(shape, stream, size, shift);
}

/// Fresh parameters of a module, moved away from where a start at constants would leave them.
template <class Module>
Array<B> parameters_of(const Module& module, std::uint64_t seed = 2) {
  const auto p = initial_parameters<B>(layout_of(module), Random(seed));
  return Array<B>(p.tensor() + numbers(p.shape(), seed + 100, 0.05).tensor());
}

/// Puts `f` through the gradient checker at first and second order and in all nestings, with respect to all `parts` at once.
///
/// `f(Slots<X>& parts)` takes the parts in their order.
template <class F>
void check(const std::string& name, const F& f, const std::vector<Array<B>>& parts, const CheckOptions& options = {}) {
  std::vector<double> all;
  for (const auto& part : parts) {
    const auto host = to_host(part.tensor());
    all.insert(all.end(), host.begin(), host.end());
  }
  const Array<B> at({Index(all.size())}, all);
  const auto report = check_gradient(
      [&]<class X>(const X& flat) {
        Slots<X> slots(flat);
        return X(f(slots));
      },
      at.tensor(), options);
  INFO(name << ": " << report);
  CHECK(report.passed());
}

}  // namespace battery
