// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <moesaic/core/host_memory.hpp>
#include <moesaic/core/tensor.hpp>

namespace moesaic::cluster {

namespace detail {

template <class B>
void require_costs(const Tensor<B>& cost) {
  require(bool(cost) && cost.shape().rank() == 2 && cost.shape()[0] > 0, "assignment: expected a cost matrix, met shape ",
          cost.shape());
  const Index rows = cost.shape()[0], cols = cost.shape()[1];
  require(rows <= cols, "assignment: ", rows, " rows for ", cols, " columns, expected at least as many columns as rows");
}

/// The cost matrix [C, M] in double, checked, in the current workspace. An infinite cost becomes one that outweighs every sum of
/// finite ones, so that it is taken only where nothing else is left.
template <class B>
std::span<double> assignment_costs(const Tensor<B>& cost) {
  const Index rows = cost.shape()[0], cols = cost.shape()[1];
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto out = host_scratch<double>(std::size_t(rows * cols));
  double low = infinity, high = -infinity;
  for (Index i = 0; i < rows * cols; ++i) {
    const double c = double(cost.data()[i]);
    require(c > -infinity, "assignment: the cost in row ", i / cols, ", column ", i % cols, " is ", c,
            ", expected a finite number or +infinity");
    out[std::size_t(i)] = c;
    if (c < infinity) low = std::min(low, c), high = std::max(high, c);
  }
  const double outweighing = high < low ? 0 : high + double(rows) * (high - low) + std::max(1.0, std::abs(high));
  for (double& c : out)
    if (!(c < infinity)) c = outweighing;
  return out;
}

/// `greedy_assignment`, the columns in memory of the caller.
template <class B>
void assign_greedily(const Tensor<B>& cost, std::span<std::int32_t> column) {
  const Scratch<HostMemory> scratch;
  const auto costs = assignment_costs(cost);
  const Index rows = cost.shape()[0], cols = cost.shape()[1];
  const auto used = host_scratch<char>(std::size_t(cols));
  std::fill(used.begin(), used.end(), char(0));
  for (Index i = 0; i < rows; ++i) {
    Index best = -1;
    for (Index j = 0; j < cols; ++j)
      if (!used[std::size_t(j)] && (best < 0 || costs[std::size_t(i * cols + j)] < costs[std::size_t(i * cols + best)])) best = j;
    used[std::size_t(best)] = 1;
    column[std::size_t(i)] = std::int32_t(best);
  }
}

/// `optimal_assignment`, the columns in memory of the caller.
template <class B>
void assign_optimally(const Tensor<B>& cost, std::span<std::int32_t> column) {
  const Scratch<HostMemory> scratch;
  const auto costs = assignment_costs(cost);
  const auto rows = std::size_t(cost.shape()[0]), cols = std::size_t(cost.shape()[1]);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  // Column `cols` is a stand-in that holds the row being added; the row potentials belong to matched or added rows.
  const auto row_price = host_scratch<double>(rows), col_price = host_scratch<double>(cols + 1);
  const auto slack = host_scratch<double>(cols);
  const auto row_of = host_scratch<std::size_t>(cols + 1), previous = host_scratch<std::size_t>(cols);
  const auto reached = host_scratch<char>(cols + 1);
  std::fill(row_price.begin(), row_price.end(), 0.0);
  std::fill(col_price.begin(), col_price.end(), 0.0);
  std::fill(row_of.begin(), row_of.end(), rows);
  for (std::size_t added = 0; added < rows; ++added) {
    std::size_t at = cols;
    row_of[at] = added;
    std::fill(slack.begin(), slack.end(), infinity);
    std::fill(reached.begin(), reached.end(), char(0));
    while (row_of[at] != rows) {
      reached[at] = 1;
      const std::size_t row = row_of[at];
      std::size_t next = cols;
      for (std::size_t j = 0; j < cols; ++j) {
        if (reached[j]) continue;
        const double reduced = costs[row * cols + j] - row_price[row] - col_price[j];
        if (reduced < slack[j]) slack[j] = reduced, previous[j] = at;
        if (next == cols || slack[j] < slack[next]) next = j;
      }
      const double step = slack[next];
      for (std::size_t j = 0; j <= cols; ++j)
        if (reached[j])
          row_price[row_of[j]] += step, col_price[j] -= step;
        else if (j < cols)
          slack[j] -= step;
      at = next;
    }
    while (at != cols) {
      row_of[at] = row_of[previous[at]];
      at = previous[at];
    }
  }
  for (std::size_t j = 0; j < cols; ++j)
    if (row_of[j] != rows) column[row_of[j]] = std::int32_t(j);
}

}  // namespace detail

/// Gives row after row, in order, the cheapest column (ties: the lowest) that no earlier row took. `cost [C, M]`, C <= M, without
/// NaN; returns C columns. Depends on the order of the rows and can be far from optimal.
template <class B>
std::vector<std::int32_t> greedy_assignment(const Tensor<B>& cost) {
  detail::require_costs(cost);
  std::vector<std::int32_t> column(std::size_t(cost.shape()[0]));
  detail::assign_greedily(cost, column);
  return column;
}

/// Gives every row its own column at the least total cost. `cost [C, M]`, C <= M, without NaN; returns C columns. Shortest
/// augmenting paths, O(C^2 M). Jonker, Volgenant: A shortest augmenting path algorithm for dense and sparse linear assignment
/// problems, Computing 38 (1987).
template <class B>
std::vector<std::int32_t> optimal_assignment(const Tensor<B>& cost) {
  detail::require_costs(cost);
  std::vector<std::int32_t> column(std::size_t(cost.shape()[0]));
  detail::assign_optimally(cost, column);
  return column;
}

}  // namespace moesaic::cluster
