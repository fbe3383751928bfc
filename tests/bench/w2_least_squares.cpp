// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// W2: linear least squares min |A W - Y|, A = [X, 1], Y one-hot, to the accuracy of a singular value decomposition.
// --size a: A 360 x 41, Y 360 x 10; b: A 200000 x 33, Y 200000 x 64.
#include <moesaic/cluster/least_squares.hpp>

#include "support/harness.hpp"

namespace {

using namespace bench;

template <class T>
class LeastSquares {
  using B = Cpu<T>;

 public:
  const char* name = "W2_lstsq";
  std::string sizes() const {
    std::ostringstream out;
    out << "\"size\": \"" << size_ << "\", \"n\": " << rows_ << ", \"d1\": " << columns_ << ", \"k\": " << outputs_;
    return out.str();
  }
  double flops() const {
    const double n = double(rows_), m = double(columns_), k = double(outputs_);
    return n * m * m + 2 * n * m * k + m * m * m / 3 + 2 * m * m * k;
  }

  explicit LeastSquares(Problem<T>& problem) : size_(problem.size()) {
    require(size_ == "a" || size_ == "b", "--size ", size_, ": expected a or b");
    rows_ = size_ == "a" ? 360 : 200'000;
    columns_ = size_ == "a" ? 41 : 33;
    outputs_ = size_ == "a" ? 10 : 64;
    a_ = problem.array("in_A", {rows_, columns_});
    y_ = problem.array("in_Y", {rows_, outputs_});
  }

  void check(Problem<T>& problem) { problem.compare("out_W_float64", cluster::least_squares(a_.tensor(), y_.tensor())); }
  double step() {
    const auto w = cluster::least_squares(a_.tensor(), y_.tensor());
    double sum = 0;
    for (Index i = 0; i < w.size(); ++i) sum += double(w.data()[i]);
    return sum;
  }
  std::size_t bytes() const { return Workspace<HostMemory>::current().capacity(); }

 private:
  std::string size_;
  Index rows_, columns_, outputs_;
  Array<B> a_, y_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<LeastSquares>(argc, argv); }
