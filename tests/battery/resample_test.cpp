// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/ops/resample.hpp>

#include "battery.hpp"

namespace resample_test {

using namespace battery;

void equals(const Tensor<B>& found, const Shape& shape, const std::vector<double>& wanted) {
  CHECK(found.shape() == shape);
  const auto y = to_host(found);
  REQUIRE(y.size() == wanted.size());
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(wanted[i]).epsilon(1e-14));
}

TEST_CASE("pools and interpolations have their worked values") {
  const auto of = [](const Shape& s, const std::vector<double>& v) { return Array<B>(s, v); };
  equals(interpolate(of({1, 2, 1}, {1, 3}).tensor(), 4), {1, 4, 1}, {1, 1.5, 2.5, 3});
  equals(interpolate(of({1, 3, 1}, {1, 2, 4}).tensor(), 6), {1, 6, 1}, {1, 1.25, 1.75, 2.5, 3.5, 4});
  equals(interpolate(of({1, 4, 1}, {1, 3, 6, 8}).tensor(), 2), {1, 2, 1}, {2, 7});
  equals(interpolate(of({2, 1, 2}, {1, 2, 3, 4}).tensor(), 3), {2, 3, 2}, {1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4});
  // Two samples of two channels; the fifth step has no partner.
  const auto x = of({2, 5, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 20, 40, 0, 0, 2, 4, 100, 100});
  equals(average_pool(x.tensor(), 2), {2, 2, 2}, {1, 2, 5, 6, 15, 30, 1, 2});
  equals(average_pool(x.tensor(), 5), {2, 1, 2}, {4, 5, 26.4, 32.8});
}

TEST_CASE("pools shorten a series to whole parts; width 1 and the same length change nothing") {
  const auto x = numbers({3, 96, 2}, 1);
  for (const auto& [width, length] : {std::pair<Index, Index>{1, 96}, {2, 48}, {4, 24}, {5, 19}}) {
    const auto pooled = average_pool(x.tensor(), width);
    CHECK(pooled.shape() == Shape{3, length, 2});
    CHECK(interpolate(pooled, 96).shape() == Shape{3, 96, 2});
  }
  CHECK(to_host(average_pool(x.tensor(), 1)) == to_host(x.tensor()));
  CHECK(to_host(interpolate(x.tensor(), 96)) == to_host(x.tensor()));
  CHECK(interpolate(average_pool(numbers({0, 4, 2}, 1).tensor(), 2), 4).shape() == Shape{0, 4, 2});
}

TEST_CASE("pools and interpolations pass the gradient checker") {
  const auto x = numbers({2, 7, 3}, 1);
  const auto is_right = [&](const std::string& name, const auto& f) {
    check(name, [&]<class X>(Slots<X>& parts) { return square(f(parts.take(x.shape()))); }, {x});
  };
  is_right("pool", [](const auto& p) { return average_pool(p, 3); });
  is_right("longer", [](const auto& p) { return interpolate(p, 11); });
  is_right("shorter", [](const auto& p) { return interpolate(p, 4); });
  is_right("there and back", [](const auto& p) { return interpolate(average_pool(tanh(p), 2), 7); });
}

TEST_CASE("shapes that do not fit are refused by name") {
  const auto x = numbers({2, 4, 3}, 1), flat = numbers({4, 3}, 1), empty = numbers({2, 0, 3}, 1);
  CHECK_THROWS_WITH_AS(average_pool(flat.tensor(), 2), "average_pool: series of shape [4, 3]; expected [N, L, C]", Error);
  CHECK_THROWS_WITH_AS(average_pool(x.tensor(), 5), "average_pool: width 5 of series of shape [2, 4, 3]; expected 1 to 4", Error);
  CHECK_THROWS_WITH_AS(average_pool(x.tensor(), 0), "average_pool: width 0 of series of shape [2, 4, 3]; expected 1 to 4", Error);
  CHECK_THROWS_WITH_AS(interpolate(flat.tensor(), 2), "interpolate: series of shape [4, 3]; expected [N, L, C]", Error);
  CHECK_THROWS_WITH_AS(interpolate(empty.tensor(), 2),
                       "interpolate: series of shape [2, 0, 3] to length 2; expected at least 1 each", Error);
  CHECK_THROWS_WITH_AS(interpolate(x.tensor(), 0),
                       "interpolate: series of shape [2, 4, 3] to length 0; expected at least 1 each", Error);
}

}  // namespace resample_test
