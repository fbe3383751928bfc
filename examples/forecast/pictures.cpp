// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "common/gnuplot.hpp"
#include "report.hpp"

namespace forecast {

using namespace common;

namespace {

/// Some test windows: what the model saw, what came, and what it forecast.
void write_forecasts(const std::string& folder, const Result& r, const std::vector<std::string>& variates) {
  auto table = create(folder, "forecasts.dat");
  table << "# step, series; then step, forecast: two blocks for each picture\n";
  auto script = create(folder, "forecasts.gp");
  const std::size_t columns = 2, rows = std::max<std::size_t>(1, (r.shown.size() + 1) / 2);
  begin(script, "forecasts", 620 * int(columns), 300 * int(rows) + 40);
  script << "set multiplot layout " << rows << "," << columns << " title "
         << quoted(r.dataset + ": look-back and truth (grey), forecast (red), scaled data") << "\nunset key\nset grid\n";
  int block = 0;
  for (const auto& shown : r.shown) {
    const Index past = Index(shown.past.size());
    for (Index t = 0; t < past; ++t) table << t - past << ' ' << shown.past[std::size_t(t)] << '\n';
    for (std::size_t t = 0; t < shown.truth.size(); ++t) table << t << ' ' << shown.truth[t] << '\n';
    table << "\n\n";
    for (std::size_t t = 0; t < shown.forecast.size(); ++t) table << t << ' ' << shown.forecast[t] << '\n';
    table << "\n\n";
    script << "set title " << quoted(variates[std::size_t(shown.variate)] + ", test window " + std::to_string(shown.window))
           << "\nset arrow 1 from 0, graph 0 to 0, graph 1 nohead lc rgb '#999999'\nplot 'forecasts.dat' index " << block
           << " with lines lw 1.5 lc rgb '#555555', '' index " << block + 1 << " with lines lw 2 lc rgb '#d62728'\n";
    block += 2;
  }
  script << "unset multiplot\n";
}

/// Gate weights along the test windows, one on top of the other.
void write_routing(const std::string& folder, const Result& r) {
  const std::size_t count = r.usage.size(), rows = count ? r.routing.size() / count : 0;
  auto table = create(folder, "routing.dat");
  table << "# test window, sum of the weights of expert 0 .. k for every k\n";
  for (std::size_t i = 0; i < rows; ++i) {
    double sum = 0;
    table << Index(i) * r.routing_stride;
    for (std::size_t k = 0; k < count; ++k) table << ' ' << (sum += double(r.routing[i * count + k]));
    table << '\n';
  }
  auto script = create(folder, "routing.gp");
  begin(script, "routing", 1000, 420);
  script << "set title " << quoted("gate weights on the test windows of " + r.dataset)
         << "\nset xlabel 'test window'\nset ylabel 'weight'\nset yrange [0:1]\nset xrange [0:" << (rows - 1) * std::size_t(r.routing_stride) << "]\nset key outside right\nset style fill solid 0.8\nplot ";
  for (std::size_t k = count; k-- > 0;)
    script << "'routing.dat' using 1:" << k + 2 << " with filledcurves x1 lc rgb '" << colours[k % 10] << "' title 'expert " << k << "'"
           << (k ? ", " : "\n");
}

void write_losses(const std::string& folder, const Result& r) {
  auto table = create(folder, "losses.dat");
  table << "# epoch, training loss, validation error\n";
  for (std::size_t i = 0; i < r.loss.size(); ++i) table << i + 1 << ' ' << r.loss[i] << ' ' << r.validations[i] << '\n';
  auto script = create(folder, "losses.gp");
  begin(script, "losses", 800, 420);
  script << "set title " << quoted("training on " + r.dataset)
         << "\nset xlabel 'epoch'\nset grid\nplot 'losses.dat' using 1:2 with linespoints lw 2 title 'training loss', "
            "'' using 1:3 with linespoints lw 2 title 'validation " + r.validated_by + "'\n";
}

}  // namespace

void draw(const std::string& folder, const Result& r, const std::vector<std::string>& variates) {
  write_forecasts(folder, r, variates);
  write_routing(folder, r);
  std::vector<std::string> names{"forecasts", "routing"};
  if (r.loss.size() > 0 && r.validations.size() == r.loss.size()) {
    write_losses(folder, r);
    names.emplace_back("losses");
  }
  draw_pictures(folder, names);
}

}  // namespace forecast
