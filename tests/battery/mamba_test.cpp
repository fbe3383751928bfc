// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/expert/multi_scale_mamba.hpp>

#include "battery.hpp"
#ifdef MOESAIC_BATTERY_ON_THRUST
#include <moesaic/backend/thrust/selective_scan.hpp>
#endif

namespace mamba_test {

using namespace battery;

TEST_CASE("a Mamba block passes the gradient checker in its parameters, its input and a scale of its steps") {
  const Mamba m{.width = 3, .states = 2, .kernel = 3};
  const auto p = parameters_of(m), x = numbers({2, 4, 3}, 1);
  check("alone", [&]<class X>(Slots<X>& parts) {
    const X own = parts.take(p.shape());
    return m(own, parts.take(x.shape()));
  }, {p, x});
  for (const Shape& scale : {Shape{1}, {2, 1, 1}})
    check("with a scale", [&]<class X>(Slots<X>& parts) {
      const X own = parts.take(p.shape()), series = parts.take(x.shape());
      return m(own, series, parts.take(scale));
    }, {p, x, numbers(scale, 2, 0.3, 2)});
}

}  // namespace mamba_test
