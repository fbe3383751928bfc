// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cmath>
#include <numbers>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/expert/mlp.hpp>
#include <moesaic/flow/real_nvp.hpp>
#include <moesaic/gate/softmax.hpp>
#include <moesaic/loss/terms.hpp>
#include <moesaic/train/fit.hpp>
#include <moesaic/train/supervised.hpp>

#include "support/allocations.hpp"

namespace real_nvp_test {

using namespace moesaic;
using B = Cpu<double>;

/// Samples of a bent normal distribution, `x = (2 u + 1, v / 2 + u^2 - 3)` with standard normal u and v; this map and its inverse
/// keep areas, so that the density of x is that of (u, v).
struct Bent {
  Array<B> x, y;  ///< `y = u`
  double nll = 0;
  Bent(Index n, std::uint64_t seed) : x({n, 2}), y({n, 1}) {
    Random random(seed);
    for (Index i = 0; i < n; ++i) {
      const double u = random.next_normal(), v = random.next_normal();
      x.data()[2 * i] = 2 * u + 1;
      x.data()[2 * i + 1] = v / 2 + u * u - 3;
      y.data()[i] = u;
      nll += ((u * u + v * v) / 2 + std::log(2 * std::numbers::pi)) / double(n);
    }
  }
};

template <class Flow>
std::vector<double> nll_of(const Flow& flow, const Tensor<B>& parameters, const Tensor<B>& x) {
  const Scratch<HostMemory> scratch;
  Slots<Tensor<B>> slots(parameters);
  const auto image = flow.forward(slots, x);
  Outcome<Tensor<B>> o;
  o.latent = image.z;
  o.log_det = image.log_det;
  return to_host(loss::nll(o));
}
double mean_of(const std::vector<double>& numbers) {
  double sum = 0;
  for (double v : numbers) sum += v;
  return sum / double(numbers.size());
}

TEST_CASE("trained by its likelihood, Real NVP finds the density of the samples") {
  const Bent train(2000, 1), fresh(2000, 2);
  const auto &x = train.x, &y = train.y;
  // docs: density
  const flow::RealNvp<> bend{.features = 2, .couplings = 4, .hidden = {32}, .act_norm = true};
  const auto model = mixture(experts<1>(Mlp<>{{2, 1}}), gate::Softmax{}, bend, loss::mse + loss::nll);
  Supervised problem(model, x, y, {.batch = 200});
  const auto own = view(problem.parameters.tensor(), model.flow_offset(), {layout_of(bend).size()});
  B::copy(own, bend.normalised(own, x.tensor()));  // ActNorms start from the samples
  fit(problem, problem.players(1e-2), {.iterations = 40});
  // docs: end
  const double found = mean_of(nll_of(bend, own, fresh.x.tensor()));
  CHECK(found == doctest::Approx(fresh.nll).epsilon(0.02));
  CHECK(found == doctest::Approx(1 + std::log(2 * std::numbers::pi)).epsilon(0.03));
}

TEST_CASE("a step of a model with Real NVP allocates nothing after the first") {
  const Bent samples(50, 1);
  const flow::RealNvp<> flow{.features = 2, .couplings = 3, .hidden = {8}, .mask = flow::Mask::checkerboard, .act_norm = true};
  const auto model = mixture(experts<2>(Mlp<>{{2, 1}}), gate::Softmax{}, flow, loss::mse + loss::nll);
  Supervised problem(model, samples.x, samples.y);
  Array<B> gradient(problem.parameters.shape());
  problem.evaluate(Step{}, gradient);
  const auto before = allocations();
  problem.evaluate(Step{}, gradient);
  CHECK(allocations() == before);
}

TEST_CASE("the density of Real NVP integrates to 1") {
  for (auto mask : {flow::Mask::half, flow::Mask::checkerboard}) {
    const flow::RealNvp<activation::Tanh> flow{.features = 2, .couplings = 3, .hidden = {4}, .mask = mask, .act_norm = true};
    Array<B> p({layout_of(flow).size()});
    Random random(3);
    for (Index i = 0; i < p.size(); ++i) p.data()[i] = 0.5 * random.next_normal();
    const Index side = 400;
    const double step = 0.1;
    Array<B> grid({side * side, 2});
    for (Index i = 0; i < side * side; ++i) {
      grid.data()[2 * i] = step * double(i / side - side / 2);
      grid.data()[2 * i + 1] = step * double(i % side - side / 2);
    }
    double mass = 0;
    for (double nll : nll_of(flow, p.tensor(), grid.tensor())) mass += step * step * std::exp(-nll);
    CHECK(mass == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("the first couplings of Real NVP followed by the others are all of them") {
  const flow::RealNvp<activation::Tanh> half{.features = 5, .couplings = 2, .hidden = {4}, .act_norm = true};
  auto all = half;
  all.couplings = 4;
  const Index size = layout_of(half).size();
  REQUIRE(layout_of(all).size() == 2 * size);
  Random random(4);
  Array<B> p({2 * size}), x({6, 5});
  for (Index i = 0; i < p.size(); ++i) p.data()[i] = 0.5 * random.next_normal();
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = random.next_normal();
  Slots<Tensor<B>> together(p.tensor()), parts(p.tensor());
  const auto whole = all.forward(together, x.tensor());
  const auto first = half.forward(parts, x.tensor());
  const auto second = half.forward(parts, first.z);
  for (Index i = 0; i < x.size(); ++i) CHECK(whole.z.data()[i] == doctest::Approx(second.z.data()[i]).epsilon(1e-14));
  for (Index i = 0; i < 6; ++i)
    CHECK(whole.log_det.data()[i] == doctest::Approx(first.log_det.data()[i] + second.log_det.data()[i]).epsilon(1e-13));
}

}  // namespace real_nvp_test
