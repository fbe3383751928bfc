// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <moesaic/data/metrics.hpp>

namespace mixer_ode {

namespace data = moesaic::data;

namespace {

std::string format(const char* text, ...) {
  char buffer[256];
  va_list values;
  va_start(values, text);
  std::vsnprintf(buffer, sizeof buffer, text, values);
  va_end(values);
  return buffer;
}

std::string number(double x) { return std::isfinite(x) ? format("%.3g", x) : "not finite"; }

/// Prints rows of cells: the first column flush left, the others flush right.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> width;
  for (const auto& row : rows) {
    width.resize(std::max(width.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::printf("  %-*s", int(width[0]), row[0].c_str());
    for (std::size_t i = 1; i < row.size(); ++i) std::printf("  %*s", int(width[i]), row[i].c_str());
    std::putchar('\n');
  }
}

std::string plural(Index count, const char* thing) { return format("%td %s%s", count, thing, count == 1 ? "" : "s"); }

std::string describe(const data::Trajectories& set) {
  return format("%s, %s of %td points each", plural(set.environments(), "environment").c_str(),
                set.trajectories() == 1 ? "one trajectory" : format("%td trajectories", set.trajectories()).c_str(),
                set.points());
}

void print_heading(const Report& r) {
  const Settings& s = r.options.settings;
  const auto& sets = r.sets;
  const std::string backbone(backbone_names[std::size_t(s.backbone)]);
  std::printf("\n%s, backbone %s, seed %llu, on %s, %s\n", sets.name.c_str(), backbone.c_str(),
              static_cast<unsigned long long>(s.seed), r.results[0].device.c_str(), plural(r.options.threads, "thread").c_str());
  std::printf("  learns from %s\n", describe(sets.train).c_str());
  if (!sets.test.empty()) std::printf("  is tested on %s\n", describe(sets.test).c_str());
  if (!sets.adapt.empty()) std::printf("  adapts to %s\n", describe(sets.adapt).c_str());
  std::printf("\n");
  std::vector<std::vector<std::string>> rows{
      {"model", "experts", "parameters of one", "context", "iterations", "loss", "training", "adaptation"}};
  for (const Result& m : r.results)
    rows.push_back({std::string(kind_titles[std::size_t(m.kind)]), std::to_string(m.experts), std::to_string(m.expert_parameters),
                    std::to_string(m.context),
                    std::to_string(m.iterations) + (m.ending == "finished" ? "" : " (" + m.ending + ")"),
                    m.loss.empty() ? "-" : number(m.loss.back()), format("%.1f s", m.seconds),
                    m.adapted ? format("%.1f s", m.adapt_seconds) : "-"});
  print_table(rows);
  for (const Result& m : r.results) {
    if (m.trials.empty()) continue;
    std::string tried;
    for (const Trial& t : m.trials)
      tried += (tried.empty() ? "" : ", ") + plural(t.experts, "expert") + " " + number(data::mean(t.errors));
    std::printf("  %s chosen, the fewest within a standard error of the best in held-out environments: %s\n",
                plural(m.experts, "expert").c_str(), tried.c_str());
  }
}

/// Environments of a family on each expert.
void print_routing(const Result& m, const data::Trajectories& set) {
  std::printf("\nExperts of the environments, %s\n", std::string(kind_titles[std::size_t(m.kind)]).c_str());
  std::vector<std::vector<std::string>> rows{{"family \\ expert"}};
  for (Index k = 0; k < m.experts; ++k) rows[0].push_back(std::to_string(k));
  for (std::size_t f = 0; f < set.families.size(); ++f) {
    std::vector<Index> count(std::size_t(m.experts));
    for (std::size_t e = 0; e < m.expert.size(); ++e)
      if (set.family[e] == Index(f)) ++count[std::size_t(m.expert[e])];
    rows.push_back({set.families[f].name});
    for (Index c : count) rows.back().push_back(c ? std::to_string(c) : ".");
  }
  print_table(rows);
  if (set.families.size() > 1 || m.expert.size() > 60) return;
  std::printf("  by environment:");
  for (Index k : m.expert) std::printf(" %td", k);
  std::printf("\n");
}

/// One kind of error by family, a column for each model.
template <class Of>
void print_errors(const std::string& title, const Report& r, const data::Trajectories& set, const Of& of) {
  std::printf("\n%s\n", title.c_str());
  std::vector<std::vector<std::string>> rows{{"family", "environments"}};
  std::vector<std::vector<data::FamilyScore>> families;
  for (const Result& m : r.results) {
    if (of(m).empty()) continue;
    rows[0].push_back(std::string(kind_titles[std::size_t(m.kind)]));
    families.push_back(data::by_family(of(m), set));
  }
  for (std::size_t f = 0; f < families[0].size(); ++f) {
    rows.push_back({families[0][f].name, std::to_string(families[0][f].environments)});
    for (const auto& model : families) rows.back().push_back(number(model[f].mean));
  }
  if (families[0].size() > 1) {
    rows.push_back({"all", std::to_string(set.environments())});
    for (const Result& m : r.results)
      if (!of(m).empty()) rows.back().push_back(number(data::mean(of(m))));
  }
  print_table(rows);
}

}  // namespace

void print(const Report& r) {
  print_heading(r);
  for (const Result& m : r.results)
    if (m.experts > 1) print_routing(m, r.sets.train);

  const auto& test = r.sets.test.empty() ? r.sets.train : r.sets.test;
  const std::string on = r.sets.test.empty() ? " on the training trajectories" : " on held-out trajectories";
  print_errors("Relative error" + on + " (predicting zero scores 1)", r, test, [](const Result& m) { return m.test.relative; });
  print_errors("Mean squared error" + on, r, test, [](const Result& m) { return m.test.squared; });
  if (std::any_of(r.results.begin(), r.results.end(), [](const Result& m) { return m.adapted; })) {
    const auto& adapt = r.sets.adapt_test.empty() ? r.sets.adapt : r.sets.adapt_test;
    const std::string where = std::string(" in new environments") + (r.sets.adapt_test.empty() ? ", on what was adapted to" : "");
    print_errors("Relative error" + where, r, adapt, [](const Result& m) { return m.adapt_test.relative; });
    print_errors("Mean squared error" + where, r, adapt, [](const Result& m) { return m.adapt_test.squared; });
  }
  std::printf("\n%.1f s in all, %.0f MB of memory at most; models in %s\n", r.seconds, r.peak_megabytes, r.options.output.c_str());
}

}  // namespace mixer_ode
