// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// W7: the forecast of one window by W4's model, without gradients.
#include "support/m2moep.hpp"

namespace {

using namespace bench;

template <class T>
class Forecast {
  using B = Cpu<T>;

 public:
  const char* name = "W7_infer_latency";
  std::string sizes() const { return "\"size\": \"w4\", \"L\": 96, \"C\": 7, \"H\": 96, \"experts\": 2"; }
  double flops() const { return m2moep::flops(1); }

  explicit Forecast(Problem<T>& problem)
      : x_(problem.array("in_x", {1, m2moep::features})), parameters_(m2moep::first_parameters(problem, layout_of(model_))) {}

  void check(Problem<T>& problem) {
    const Scratch<HostMemory> scratch;
    problem.compare("out_y", forecast());
  }

  double step() {
    const Scratch<HostMemory> scratch;
    const auto y = forecast();
    double sum = 0;
    for (Index i = 0; i < y.size(); ++i) sum += double(y.data()[i]);
    return sum;
  }
  std::size_t bytes() const { return Workspace<HostMemory>::current().capacity(); }

 private:
  Tensor<B> forecast() const { return model_(parameters_.tensor(), x_.tensor()).prediction; }

  const decltype(m2moep::forecaster()) model_ = m2moep::forecaster();
  Array<B> x_, parameters_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run<Forecast>(argc, argv); }
