// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <limits>

#include <moesaic/ops/gather.hpp>
#include <moesaic/ops/one_hot.hpp>
#include <moesaic/ops/random.hpp>

#include "battery.hpp"

namespace rows_test {

using namespace battery;

TEST_CASE("rows are taken by numbers that lie where the tensors do, and added up in their order") {
  const Array<B> x({3, 2}, std::vector<double>{1, 2, 3, 4, 5, 6}), row({5}, std::vector<double>{2, 0, 2, -1, 3});
  CHECK(to_host(gather(x.tensor(), row.tensor())) == std::vector<double>{5, 6, 1, 2, 5, 6, 0, 0, 0, 0});
  const Array<B> g({5, 2}, std::vector<double>{1, 2, 10, 20, 100, 200, 7, 7, 7, 7});
  const auto sum = scatter_add(g.tensor(), row.tensor(), 3);
  CHECK(sum.shape() == Shape{3, 2});
  CHECK(to_host(sum) == std::vector<double>{10, 20, 0, 0, 101, 202});
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  const Array<B> none({3}, std::vector<double>{nan, infinite, -infinite});
  CHECK(to_host(gather(x.tensor(), none.tensor())) == std::vector<double>(6, 0.0));
  CHECK(gather(x.tensor(), Array<B>(Shape{0}).tensor()).shape() == Shape{0, 2});
  CHECK(to_host(gather(Array<B>(Shape{0, 2}).tensor(), row.tensor())) == std::vector<double>(10, 0.0));
  CHECK(to_host(scatter_add(Array<B>(Shape{0, 2}).tensor(), Array<B>(Shape{0}).tensor(), 2)) == std::vector<double>(4, 0.0));
  CHECK_THROWS_WITH_AS(gather(x.tensor(), x.tensor()), "gather: row numbers of shape [3, 2]; expected [rows]", Error);
  const Array<Cpu<float>> many(Shape{(Index{1} << 24) + 1, 0}), nothing(Shape{0});
  CHECK_THROWS_WITH_AS(gather(many.tensor(), nothing.tensor()), "gather: 16777217 rows; their numbers are exact up to 16777216", Error);
  CHECK_THROWS_WITH_AS(scatter_add(x.tensor(), row.tensor(), 3), "scatter_add: 5 rows for a tensor of shape [3, 2]", Error);
}

TEST_CASE("rows taken so pass the gradient checker, both ways") {
  const Array<B> row({5}, std::vector<double>{2, 0, 2, -1, 1});
  check("gather", [&]<class X>(Slots<X>& parts) { return square(gather(parts.take({3, 2}), row.tensor())); }, {numbers({3, 2}, 1)});
  check("scatter_add", [&]<class X>(Slots<X>& parts) { return square(scatter_add(parts.take({5, 2}), row.tensor(), 4)); },
        {numbers({5, 2}, 1)});
}

TEST_CASE("the largest of a row is marked: the first of equals, as std::max_element finds it") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), low = -std::numeric_limits<double>::infinity();
  const std::vector<double> x{1, 3, 3, 2, low, low, low, low, nan, 1, 2, 0, 1, nan, 2, 0};
  std::vector<double> marks(x.size(), 0);
  for (auto row = x.begin(); row != x.end(); row += 4)
    marks[std::size_t(std::max_element(row, row + 4) - x.begin())] = 1;
  CHECK(to_host(one_hot_of_largest(Array<B>({4, 4}, x).tensor())) == marks);
}

TEST_CASE("normal numbers are those of the stream") {
  const Random random(7, 3);
  const auto drawn = to_host(normal_numbers<B>({3, 2}, random));
  for (std::size_t i = 0; i < drawn.size(); ++i) CHECK(drawn[i] == doctest::Approx(random.normal(i)).epsilon(1e-14));
}

}  // namespace rows_test
