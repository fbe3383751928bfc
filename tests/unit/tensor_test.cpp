// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <type_traits>

#include <moesaic/ops/ops.hpp>

namespace tensor_test {

using namespace moesaic;
using B = Cpu<double>;

Index rows_of(const Tensor<B, any_extent, 3>& x) { return x.extent<0>(); }

TEST_CASE("a tensor with known extents refers to the same numbers and takes part in operations") {
  const Array<B> a({2, 3}, std::vector<double>{1, 2, 3, 4, 5, 6}), w({3, 1}, std::vector<double>{1, 10, 100});
  const Tensor<B, any_extent, 3> x = a;
  const Tensor<B, 3, 1> weight = w;
  CHECK(x.data() == a.data());
  CHECK(x.rank == 2);
  CHECK(x.extent<0>() == 2);
  static_assert(std::is_trivially_copyable_v<Tensor<B, any_extent, 3>>);
  static_assert(sizeof(Tensor<B, any_extent, 3>) == sizeof(Tensor<B>));
  CHECK(rows_of(a) == 2);
  CHECK(rows_of(x.rows(1, 1)) == 1);

  const Scratch<HostMemory> scratch;
  CHECK(to_host(matmul(x, weight)) == std::vector<double>{321, 654});
  CHECK(to_host(matmul(x, w)) == std::vector<double>{321, 654});
  CHECK(to_host(x + 2.0 * x) == std::vector<double>{3, 6, 9, 12, 15, 18});
  const auto slopes = grad([&](const auto& v) { return sum(v * weight); }, weight);
  CHECK(to_host(slopes) == std::vector<double>{1, 10, 100});

  const Tensor<B, 2, 3> known = x;  // what a type leaves open is compared at run time
  CHECK(known.extent<0>() == 2);
  const Tensor<B, any_extent, any_extent> open = known;
  CHECK(open.extent<1>() == 3);
  CHECK(!Tensor<B, 4>());
  CHECK(!Tensor<B, 4>(Tensor<B>()));
}

TEST_CASE("another rank or another extent than the type's is refused") {
  const Array<B> a({2, 3}, std::vector<double>{1, 2, 3, 4, 5, 6});
  const auto refused = [&](const char* message, auto&& take) { CHECK_THROWS_WITH_AS(take(), message, Error); };
  refused("Tensor: expected shape [*, 2], actual [2, 3]", [&] { Tensor<B, any_extent, 2>{a}; });
  refused("Tensor: expected shape [6], actual [2, 3]", [&] { Tensor<B, 6>{a}; });
  refused("Tensor: expected shape [1, 3], actual [2, 3]", [&] { Tensor<B, 1, 3>{Tensor<B, any_extent, 3>(a)}; });
  refused("Tensor: expected shape [*, 3], actual [6]", [&] { rows_of(a.tensor().reshape({6})); });
}

}  // namespace tensor_test
