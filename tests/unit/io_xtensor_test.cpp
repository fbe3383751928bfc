// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#if __has_include(<xtensor/xarray.hpp>)
#include <xtensor/xview.hpp>

#include <moesaic/io/npy.hpp>
#include <moesaic/io/xtensor.hpp>

#include "support/io_test_files.hpp"

namespace io_xtensor_test {

using namespace moesaic;
using namespace io_test;

TEST_CASE("xtensor: the same numbers, not copies") {
  xt::xarray<double> a{{1, 2, 3}, {4, 5, 6}};
  const Tensor<Cpu<double>> t = from_xtensor(a);
  CHECK(t.shape() == Shape{2, 3});
  CHECK(t.data() == a.data());
  t.data()[4] = 50;
  CHECK(a(1, 1) == 50);

  xt::xtensor<float, 3> b = xt::ones<float>({2, 1, 4});
  CHECK(from_xtensor(b).shape() == Shape{2, 1, 4});
  CHECK(from_xtensor(b).data() == b.data());

  Array<Cpu<double>> own(Shape{2, 3});
  auto view = to_xtensor(own);
  view(1, 2) = 7;
  CHECK(own.data()[5] == 7);
  CHECK(view.data() == own.data());
  CHECK(xt::sum(view)() == 7);
  auto fixed = to_xtensor<2>(own);
  static_assert(std::is_same_v<decltype(fixed), decltype(to_xtensor(Tensor<Cpu<double>, any_extent, 3>(own)))>);
  CHECK(fixed(1, 2) == 7);
  CHECK(from_xtensor(fixed).data() == own.data());
  CHECK(from_xtensor(view).shape() == own.shape());
  view = xt::view(a, xt::all(), xt::all()) * 2.0;
  CHECK(own.data()[4] == 100);
}

TEST_CASE("xtensor: parts that are contiguous, and extents of zero and one") {
  xt::xarray<double> a{{1, 2, 3}, {4, 5, 6}};
  auto row = xt::view(a, 1, xt::all());
  CHECK(from_xtensor(row).shape() == Shape{3});
  CHECK(from_xtensor(row).data()[0] == 4);
  auto last = xt::view(a, xt::range(1, 2), xt::all());
  CHECK(from_xtensor(last).shape() == Shape{1, 3});
  CHECK(from_xtensor(last).data()[2] == 6);
  xt::xarray<double> none = xt::zeros<double>({3, 0, 2}), scalar = 5.0;
  CHECK(from_xtensor(none).shape() == Shape{3, 0, 2});
  CHECK(from_xtensor(scalar).shape() == Shape{});
  CHECK(from_xtensor(scalar).data()[0] == 5);
}

TEST_CASE("xtensor: what is not row-major and contiguous is refused") {
  xt::xarray<double> a{{1, 2, 3}, {4, 5, 6}};
  auto column = xt::view(a, xt::all(), 1);
  CHECK(mentions(error_of([&] { from_xtensor(column); }), {"row-major", "axis 0", "stride 3 instead of 1"}));
  auto part = xt::view(a, xt::all(), xt::range(0, 2));
  CHECK(mentions(error_of([&] { from_xtensor(part); }), {"row-major", "axis 0", "stride 3 instead of 2"}));
  xt::xarray<double, xt::layout_type::column_major> fortran = a;
  CHECK(mentions(error_of([&] { from_xtensor(fortran); }), {"row-major", "axis 1", "stride 2 instead of 1"}));
  xt::xarray<double> five = xt::ones<double>({1, 1, 1, 1, 1});
  CHECK(mentions(error_of([&] { from_xtensor(five); }), {"at most 4", "5"}));
  Array<Cpu<double>> own(Shape{2, 3});
  CHECK(mentions(error_of([&] { to_xtensor<3>(own); }), {"rank 3", "[2, 3]"}));
}

TEST_CASE("xtensor: out to a .npy file and in again") {
  const Folder folder;
  xt::xtensor<double, 2> a{{1, 2, 3}, {4, 5, 6}};
  npy::save(folder.file("a.npy"), from_xtensor(a));
  const auto back = npy::load<double>(folder.file("a.npy"), 2);
  CHECK(to_xtensor(back) == a);
}

}  // namespace io_xtensor_test
#else
TEST_CASE("xtensor: skipped") { MESSAGE("skipped: xtensor is not installed (Debian and Ubuntu: libxtensor-dev)"); }
#endif
