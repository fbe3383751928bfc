// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <iostream>

#include <moesaic/backend/thrust.hpp>
#include <moesaic/moesaic.hpp>
using namespace moesaic;

int main() try {
  using B = Thrust<float>;  // the one word: Cpu<float> trains on the CPU
  Random random(1);
  std::vector<float> x(512), y(512);
  for (auto& a : x) a = float(random.next_uniform());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = 1 - std::abs(2 * x[i] - 1);
  const auto model = mixture(experts<2>(Mlp<>{{1, 1}}), gate::Softmax{}, flow::Identity{}, loss::mse);
  Supervised problem(model, Array<B>({512, 1}, x), Array<B>({512, 1}, y), {.batch = 64});
  const auto run = fit(problem, problem.players(3e-2), {.iterations = 200});
  std::cout << "on " << device::system_name << '\n' << run;
  return run.best_validation < 1e-3 ? 0 : 1;
} catch (const Error& e) {
  std::cerr << e.what() << '\n';  // "Thrust backend: no GPU can be used: ..."
  return 77;
}
