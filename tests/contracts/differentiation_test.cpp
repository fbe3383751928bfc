// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <moesaic/ops/check_gradient.hpp>

namespace differentiation_test {

using namespace moesaic;
using B = Cpu<double>;

const Array<B> x({3}, std::vector{0.5, -1.0, 2.0}), v({3}, std::vector{1.0, 0.0, -1.0});

// docs: function
const auto cubic = []<class X>(const X& a) { return sum(a * a * a); };  // over any array type
// docs: end

template <class T>
void is(const T& t, const std::vector<double>& expected) {
  const auto host = to_host(t);
  REQUIRE(host.size() == expected.size());
  for (std::size_t i = 0; i < host.size(); ++i) CHECK(host[i] == doctest::Approx(expected[i]));
}

TEST_CASE("derivatives are one word each") {
  // docs: verbs
  const Tensor<B> gradient = grad(cubic, x.tensor());                 // 3 x^2
  const Dual<Tensor<B>> along = jvp(cubic, x.tensor(), v.tensor());   // value, and 3 x^2 . v
  const Tensor<B> curvature = hvp(cubic, x.tensor(), v.tensor());     // 6 x v
  // docs: end
  is(gradient, {0.75, 3, 12});
  is(along.value, {0.125 - 1 + 8});
  is(along.tangent, {0.75 - 12});
  is(curvature, {3, 0, -12});
}

TEST_CASE("a gradient through a directional derivative") {
  // docs: nested
  const Tensor<B> g = grad([&]<class X>(const X& p) { return cubic(Dual<X>(p, X(v))).tangent; }, x.tensor());
  // docs: end
  is(g, {3, 0, -12});
}

TEST_CASE("a mistake in a derivative is found") {
  // docs: check
  const GradientReport report = check_gradient(cubic, x.tensor());
  CHECK(report.passed());  // std::cout << report shows the errors
  // docs: end
  const auto detached = []<class X>(const X& a) { return sum(a * X(detach(a))); };
  CHECK_FALSE(check_gradient(detached, x.tensor()).passed());
}

}  // namespace differentiation_test
