// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <moesaic/ad/grad.hpp>
#include <moesaic/backend/thrust/selective_scan.hpp>
#include <moesaic/ops/selective_scan.hpp>

#include "both.hpp"

namespace selective_scan_test {

using namespace thrust_test;

struct Sizes {
  Index batch, steps, channels, states;
};

/// y with and without a tape, and the adjoints of u, delta, a, b, c and d.
template <class B>
std::vector<Tensor<B>> scan(const Sizes& s) {
  const Shape all{s.batch, s.steps, s.channels}, states{s.batch, s.steps, s.states};
  const Array<B> values[] = {numbers<B>(all, 1),    numbers<B>(all, 2),    numbers<B>({s.channels, s.states}, 3),
                             numbers<B>(states, 4), numbers<B>(states, 5), numbers<B>({s.channels}, 6)};
  Tape<Tensor<B>> tape;
  const auto u = tape.leaf(values[0]), delta = tape.leaf(softplus(values[1])), a = tape.leaf(-exp(values[2]));
  const auto b = tape.leaf(values[3]), c = tape.leaf(values[4]), d = tape.leaf(values[5]);
  const auto y = selective_scan(u, delta, a, b, c, d);
  sweep(y, numbers<B>(all, 7).tensor());
  std::vector<Tensor<B>> found{y.value, selective_scan(u.value, delta.value, a.value, b.value, c.value, d.value)};
  for (const auto& x : {u, delta, a, b, c, d}) found.push_back(detail::or_zeros(x.node->adjoint, x.value));
  return found;
}

/// y and its tangent along a direction in which every input moves, or those of every second one.
template <class B>
std::vector<Tensor<B>> scan_along(const Sizes& s, bool all_move) {
  const Shape all{s.batch, s.steps, s.channels}, states{s.batch, s.steps, s.states};
  const Shape shapes[] = {all, all, {s.channels, s.states}, states, states, {s.channels}};
  std::vector<Array<B>> values, moves;
  for (std::uint64_t i = 0; i < 6; ++i) {
    values.push_back(numbers<B>(shapes[i], 1 + i));
    moves.push_back(numbers<B>(shapes[i], 11 + i));
  }
  const auto input = [&](std::size_t i, const Tensor<B>& value) {
    return Dual<Tensor<B>>(value, all_move || i % 2 == 0 ? moves[i].tensor() : Tensor<B>{});
  };
  const auto delta = softplus(values[1].tensor()), a = -exp(values[2].tensor());
  const auto y = selective_scan(input(0, values[0]), input(1, delta), input(2, a), input(3, values[3]), input(4, values[4]),
                                input(5, values[5]));
  return {y.value, y.tangent};
}

TEST_CASE_TEMPLATE("selective scans and their adjoints agree, and repeat to the bit", T, float, double) {
  for (const auto& s : {Sizes{1, 1, 1, 1}, {2, 1, 5, 3}, {3, 7, 17, 4}, {1, 16, 16, 16}, {2, 33, 70, 5}, {2, 40, 33, 35}, {0, 4, 3, 2},
                        {2, 0, 3, 2}, {2, 4, 0, 2}, {2, 4, 3, 0}}) {
    INFO(s.batch << " x " << s.steps << " x " << s.channels << " x " << s.states);
    const auto cpu = scan<Cpu<T>>(s);
    const auto device = scan<Thrust<T>>(s);
    for (std::size_t i = 0; i < cpu.size(); ++i) {
      INFO("array " << i);
      CHECK(difference(cpu[i], device[i]) <= rounding<T>);
    }
    std::vector<std::vector<T>> once;
    for (const auto& x : device) once.push_back(to_host(x));
    const auto again = scan<Thrust<T>>(s);
    for (std::size_t i = 0; i < again.size(); ++i) CHECK(to_host(again[i]) == once[i]);
  }
}

TEST_CASE_TEMPLATE("tangents of selective scans agree, and stand beside the values of the scan", T, float, double) {
  for (const auto& s : {Sizes{1, 1, 1, 1}, {3, 7, 17, 4}, {2, 33, 70, 5}, {2, 40, 33, 35}, {0, 4, 3, 2}, {2, 0, 3, 2},
                        {2, 4, 0, 2}, {2, 4, 3, 0}})
    for (bool all_move : {true, false}) {
      INFO(s.batch << " x " << s.steps << " x " << s.channels << " x " << s.states << ", all move: " << all_move);
      const auto cpu = scan_along<Cpu<T>>(s, all_move);
      const auto device = scan_along<Thrust<T>>(s, all_move);
      CHECK(difference(cpu[0], device[0]) <= rounding<T>);
      CHECK(difference(cpu[1], device[1]) <= rounding<T>);
      CHECK(difference(scan<Thrust<T>>(s)[1], device[0]) <= rounding<T>);
    }
}

TEST_CASE("deeper levels agree: a Hessian-vector product") {
  const auto run = [&]<class B>(B) {
    const auto u = numbers<B>({2, 18, 5}, 1), v = numbers<B>({2, 18, 5}, 2), a = numbers<B>({5, 3}, 3);
    const auto b = numbers<B>({2, 18, 3}, 4), d = numbers<B>({5}, 6);
    const auto f = [&](const auto& x) {
      return sum(square(selective_scan(x, softplus(x), -exp(a.tensor()), b.tensor(), b.tensor(), d.tensor())));
    };
    return Array<B>(hvp(f, u.tensor(), v.tensor()));
  };
  CHECK(difference(run(Cpu<double>{}).tensor(), run(Thrust<double>{}).tensor()) <= 1e-11);
}

}  // namespace selective_scan_test
