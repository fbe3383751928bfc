// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "harness.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "support/allocations.hpp"

namespace bench {

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string key = argv[i];
    const auto value = [&]() -> std::string {
      require(i + 1 < argc, key, ": a value is missing");
      return argv[++i];
    };
    const auto number = [&](double least) {
      const std::string text = value();
      char* end = nullptr;
      const double v = std::strtod(text.c_str(), &end);
      require(end != text.c_str() && *end == 0 && v >= least && v <= 1e6, key, ": ", text, " is no number of ", least, " or more");
      return v;
    };
    if (key == "--threads") o.threads = int(number(1));
    else if (key == "--repeat") o.repeat = int(number(1));
    else if (key == "--warmup") o.warmup = int(number(1));
    else if (key == "--min-time") o.min_time = number(0);
    else if (key == "--dir") o.dir = value();
    else if (key == "--size") o.size = value();
    else if (key == "--double") o.use_double = true;
    else if (key == "--check") o.check_only = true;
    else fail("unknown option ", key, "; known: --threads N --repeat N --warmup N --min-time S --dir DUMP --size S --double --check");
  }
  set_thread_count(o.threads);
  return o;
}

int report(const Options& o, const Work& work) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  const double tolerance = o.use_double ? 1e-10 : 1e-4;
  const bool passed = work.worst <= tolerance;
  const char* dtype = o.use_double ? "float64" : "float32";
  const auto begin = Clock::now();
  const double first = work.step();
  const int more = seconds(Clock::now() - begin) > 0.5 ? 1 : 9;  // the peers print the loss of step 9, too
  const std::size_t allocated = allocations();
  double last = 0;
  for (int i = 0; i < more; ++i) last = work.step();
  const double allocated_a_step = double(allocations() - allocated) / more;
  std::vector<double> wall, cpu;
  int inner = 1;
  if (!o.check_only) {
    for (int i = 0; i < o.warmup; ++i) work.step();
    auto start = Clock::now();
    work.step();
    inner = std::max(1, int(o.min_time / seconds(Clock::now() - start)) + 1);
    for (int r = 0; r < o.repeat; ++r) {
      const auto ticks = std::clock();
      start = Clock::now();
      for (int i = 0; i < inner; ++i) work.step();
      wall.push_back(seconds(Clock::now() - start) / inner);
      cpu.push_back(double(std::clock() - ticks) / CLOCKS_PER_SEC / inner);
    }
    std::sort(wall.begin(), wall.end());
    std::sort(cpu.begin(), cpu.end());
  }
  std::printf("{\"workload\": \"%s\", \"variant\": \"moesaic\", \"threads\": %d, \"dtype\": \"%s\"", work.workload.c_str(), o.threads,
              dtype);
  if (!o.check_only)
    std::printf(", \"median_s\": %.5g, \"min_s\": %.5g, \"max_s\": %.5g, \"cpu_s\": %.5g, \"repeat\": %d, \"inner\": %d, "
                "\"gflops_rate\": %.4g",
                wall[wall.size() / 2], wall.front(), wall.back(), cpu[cpu.size() / 2], o.repeat, inner,
                work.flops / wall[wall.size() / 2] / 1e9);
  std::printf(", \"sizes\": {%s}, \"check\": {\"loss_step0\": %.9g, \"loss_step%d\": %.9g", work.sizes.c_str(), first, more, last);
  if (work.dumped)
    std::printf(", \"largest_error\": %.3g, \"in\": \"%s\", \"tolerance\": %g, \"passed\": %s", work.worst, work.worst_name.c_str(),
                tolerance, passed ? "true" : "false");
  std::printf("}, \"allocations_per_step\": %.3g, \"workspace_bytes\": %zu}\n", allocated_a_step, work.bytes());
  return passed ? 0 : 1;
}

}  // namespace bench
