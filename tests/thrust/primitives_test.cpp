// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <numeric>

#include <moesaic/ops/activation.hpp>

#include "both.hpp"

namespace primitives_test {

using namespace thrust_test;

/// Runs `f(backend's tag, tensors...)` on both backends: the first tensor is the result, the others are inputs, drawn anew for each.
template <class T, class F>
void compare(const char* name, const F& f, const Shape& result, const std::vector<Shape>& inputs) {
  const auto run = [&]<class B>(B backend) {
    Array<B> out = numbers<B>(result, 99);
    std::vector<Array<B>> in;
    for (std::size_t i = 0; i < inputs.size(); ++i) in.push_back(numbers<B>(inputs[i], i));
    std::vector<Tensor<B>> x(in.begin(), in.end());
    f(backend, out.tensor(), x);
    return out;
  };
  const auto cpu = run(Cpu<T>{});
  const auto device = run(Thrust<T>{});
  CAPTURE(name);
  CAPTURE(result);
  CHECK(difference(cpu.tensor(), device.tensor()) <= rounding<T>);
}

TEST_CASE_TEMPLATE("numbers go in and out, are filled and copied", T, float, double) {
  using B = Thrust<T>;
  const std::vector<T> host{1, 2, 3, 4, 5, 6};
  const Array<B> a({2, 3}, host);
  CHECK(to_host(a.tensor()) == host);
  Array<B> b({2, 3});
  CHECK(to_host(b.tensor()) == std::vector<T>(6, 0));
  B::copy(b, a);
  B::fill(a, T(7));
  CHECK(to_host(b.tensor()) == host);
  CHECK(to_host(a.tensor()) == std::vector<T>(6, 7));
  const Array<B> none({0, 3});
  B::fill(none, T(1));
  B::copy(none, none);
  CHECK(to_host(none.tensor()).empty());
}

TEST_CASE_TEMPLATE("map broadcasts as on the CPU, and takes derivatives by jets", T, float, double) {
  const auto two = [](auto b, const auto& out, const auto& x) { decltype(b)::map(out, functor::Times{}, x[0], x[1]); };
  compare<T>("alike", two, {7, 5}, {{7, 5}, {7, 5}});
  compare<T>("row", two, {7, 5}, {{7, 5}, {5}});
  compare<T>("column", two, {7, 5}, {{7, 1}, {7, 5}});
  compare<T>("outer", two, {7, 5}, {{7, 1}, {1, 5}});
  compare<T>("scalar", two, {7, 5}, {{7, 5}, {}});
  compare<T>("four axes", two, {2, 3, 4, 5}, {{2, 1, 4, 1}, {3, 1, 5}});
  compare<T>("large", two, {300, 257}, {{300, 257}, {257}});
  compare<T>("empty", two, {0, 5}, {{0, 5}, {5}});
  compare<T>("one input", [](auto b, const auto& out, const auto& x) { decltype(b)::map(out, functor::Swish{}, x[0]); }, {33}, {{33}});
  compare<T>("in place", [](auto b, const auto& out, const auto&) { decltype(b)::map(out, functor::Gelu{}, out); }, {33}, {});
  compare<T>("derivative", [](auto b, const auto& out, const auto& x) {
    decltype(b)::map(out, Partial<functor::SwishBeta, 1>{}, x[0], x[1], x[2]);
  }, {6, 4}, {{6, 4}, {4}, {6, 4}});
  compare<T>("second derivative", [](auto b, const auto& out, const auto& x) {
    decltype(b)::map(out, Partial<Partial<functor::Softplus, 0>, 0>{}, x[0], x[1], x[2]);
  }, {6, 4}, {{6, 4}, {6, 4}, {6, 4}});
}

TEST_CASE_TEMPLATE("combine agrees, also in place", T, float, double) {
  for (int count : {1, 2, 7, 16})
    compare<T>("combine", [&](auto b, const auto& out, const auto& x) {
      std::vector<double> c(std::size_t(count), 0.5);
      std::iota(c.begin(), c.end(), 0.25);
      auto in = x;
      in[0] = out;
      decltype(b)::combine(out, count, c.data(), in.data());
    }, {5, 9}, std::vector<Shape>(std::size_t(count), Shape{5, 9}));
}

TEST_CASE_TEMPLATE("products agree", T, float, double) {
  const auto plain = [](auto b, const auto& out, const auto& x) {
    decltype(b)::product(out, x[0], x[1], x.size() > 2 ? x[2] : Tensor<decltype(b)>{});
  };
  compare<T>("plain", plain, {7, 5}, {{7, 3}, {3, 5}});
  compare<T>("row of biases", plain, {7, 5}, {{7, 3}, {3, 5}, {5}});
  compare<T>("all biases", plain, {7, 5}, {{7, 3}, {3, 5}, {7, 5}});
  compare<T>("rows of three axes", plain, {2, 7, 5}, {{2, 7, 3}, {3, 5}, {5}});
  compare<T>("large", plain, {130, 190}, {{130, 300}, {300, 190}, {190}});
  compare<T>("batch", plain, {4, 7, 5}, {{4, 7, 3}, {4, 3, 5}});
  compare<T>("batch with rows of biases", plain, {4, 7, 5}, {{4, 7, 3}, {4, 3, 5}, {4, 1, 5}});
  compare<T>("batch with all biases", plain, {4, 7, 5}, {{4, 7, 3}, {4, 3, 5}, {4, 7, 5}});
  compare<T>("batch with one bias", plain, {4, 7, 5}, {{4, 7, 3}, {4, 3, 5}, {5}});
  compare<T>("batch with a table of biases", plain, {4, 7, 5}, {{4, 7, 3}, {4, 3, 5}, {7, 5}});
  compare<T>("batch of many rows", plain, {4, 40, 5}, {{4, 40, 3}, {4, 3, 5}, {4, 1, 5}});
  compare<T>("batch with nothing inside", plain, {4, 7, 5}, {{4, 7, 0}, {4, 0, 5}});
  compare<T>("nothing inside", plain, {7, 5}, {{7, 0}, {0, 5}, {5}});
  compare<T>("nothing inside, no bias", plain, {7, 5}, {{7, 0}, {0, 5}});
  compare<T>("no rows", plain, {0, 5}, {{0, 3}, {3, 5}, {5}});
}

TEST_CASE_TEMPLATE("outer products agree and are added", T, float, double) {
  const auto pairs = [](auto b, const auto& out, const auto& x) {
    using B = decltype(b);
    std::vector<OuterProduct<B>> list;
    for (std::size_t i = 0; i + 1 < x.size(); i += 2) list.push_back({x[i], x[i + 1]});
    B::add_outer_products(out, list.data(), Index(list.size()));
  };
  compare<T>("one", pairs, {3, 5}, {{7, 3}, {7, 5}});
  compare<T>("three of different depth", pairs, {3, 5}, {{7, 3}, {7, 5}, {1, 3}, {1, 5}, {20, 3}, {20, 5}});
  compare<T>("batch", pairs, {4, 3, 5}, {{4, 7, 3}, {4, 7, 5}, {4, 2, 3}, {4, 2, 5}});
  compare<T>("batch of many rows", pairs, {4, 3, 5}, {{4, 70, 3}, {4, 70, 5}, {4, 2, 3}, {4, 2, 5}});
  std::vector<Shape> three_hundred;
  for (int i = 0; i < 300; ++i) three_hundred.insert(three_hundred.end(), {{2, 3}, {2, 5}});
  compare<T>("three hundred", pairs, {3, 5}, three_hundred);
  compare<T>("none", pairs, {3, 5}, {});
  const auto sums = [](auto b, const auto& out, const auto& x) {
    using B = decltype(b);
    std::vector<OuterProduct<B>> list;
    for (const auto& g : x) list.push_back({{}, g});
    B::add_outer_products(out, list.data(), Index(list.size()));
  };
  compare<T>("column sums", sums, {5}, {{7, 5}, {3, 5}});
  compare<T>("column sums of many rows", sums, {5}, {{700, 5}, {3, 5}});
  compare<T>("column sums of a batch", sums, {4, 1, 5}, {{4, 7, 5}, {4, 2, 5}});
  compare<T>("sums of a batch", sums, {4, 1, 1}, {{4, 7, 1}, {4, 2, 1}});
  compare<T>("sums of a batch of many rows", sums, {4, 1, 1}, {{4, 70, 1}, {4, 200, 1}, {4, 0, 1}});
  compare<T>("a sum of a batch", sums, {4, 1, 1}, {{4, 70, 1}});
  compare<T>("five hundred sums of a batch", sums, {2, 1, 3}, std::vector<Shape>(500, Shape{2, 40, 3}));
}

TEST_CASE_TEMPLATE("reductions agree", T, float, double) {
  for (const bool accumulate : {false, true}) {
    const auto sum = [&](auto b, const auto& out, const auto& x) { decltype(b)::sum_to(out, x[0], accumulate); };
    compare<T>("to a number", sum, {}, {{7, 5}});
    compare<T>("many to a number", sum, {}, {{300, 401}});
    compare<T>("to a row", sum, {5}, {{7, 5}});
    compare<T>("to a long row", sum, {40000}, {{3, 40000}});
    compare<T>("to a column", sum, {7, 1}, {{7, 500}});
    compare<T>("inner and outer axes", sum, {3, 1, 5}, {{2, 3, 90, 5}});
    compare<T>("every other axis", sum, {2, 1, 4, 1}, {{2, 3, 4, 50}});
    compare<T>("nothing to sum", sum, {7, 5}, {{7, 5}});
    compare<T>("empty", sum, {5}, {{0, 5}});
  }
  compare<T>("row_max", [](auto b, const auto& out, const auto& x) { decltype(b)::row_max(out, x[0]); }, {6, 4, 1}, {{6, 4, 9}});
}

TEST_CASE_TEMPLATE("a repeated sum has the same bits", T, float, double) {
  using B = Thrust<T>;
  const auto x = numbers<B>({100000}, 3);
  Array<B> first(Shape{}), again(Shape{});
  B::sum_to(first, x);
  for (int i = 0; i < 20; ++i) {
    B::sum_to(again, x);
    REQUIRE(to_host(first.tensor()) == to_host(again.tensor()));
  }
}

TEST_CASE_TEMPLATE("rearrangements agree", T, float, double) {
  compare<T>("transpose", [](auto b, const auto& out, const auto& x) { decltype(b)::transpose(out, x[0]); }, {3, 9, 4}, {{3, 4, 9}});
  for (int axis = 0; axis < 3; ++axis) {
    Shape part{4, 5, 6};
    part[axis] = 2;
    compare<T>("slice", [&](auto b, const auto& out, const auto& x) { decltype(b)::slice(out, x[0], axis, 1); }, part, {{4, 5, 6}});
    for (const bool add : {false, true})
      compare<T>("put_slice", [&](auto b, const auto& out, const auto& x) { decltype(b)::put_slice(out, x[0], axis, 1, add); }, {4, 5, 6},
                 {part});
  }
  std::vector<std::int32_t> row(2000);
  Random random(4);
  for (auto& r : row) r = std::int32_t(random.next_below(50));
  compare<T>("gather", [&](auto b, const auto& out, const auto& x) { decltype(b)::gather(out, x[0], row.data()); }, {2000, 3}, {{50, 3}});
  compare<T>("scatter_add", [&](auto b, const auto& out, const auto& x) { decltype(b)::scatter_add(out, x[0], row.data()); }, {50, 3},
             {{2000, 3}});
  compare<T>("gather nothing", [&](auto b, const auto& out, const auto& x) { decltype(b)::gather(out, x[0], row.data()); }, {0, 3},
             {{50, 3}});
}

TEST_CASE_TEMPLATE("linear scans agree, also in place", T, float, double) {
  for (const bool reverse : {false, true}) {
    compare<T>("scan", [&](auto b, const auto& out, const auto& x) { decltype(b)::linear_scan(out, x[0], x[1], reverse); }, {2, 11, 5},
               {{2, 11, 5}, {2, 11, 5}});
    compare<T>("in place", [&](auto b, const auto& out, const auto& x) { decltype(b)::linear_scan(out, x[0], out, reverse); }, {11, 5},
               {{11, 5}});
  }
}

}  // namespace primitives_test
