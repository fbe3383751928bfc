// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <cmath>
#include <cstdio>
#include <functional>
#include <moesaic/io/csv.hpp>
#include <moesaic/io/file.hpp>
#include <sstream>

#include "common/json.hpp"
#include "common/program.hpp"

namespace forecast {

namespace {

/// Mean and sample standard deviation.
struct Spread {
  double mean = 0, deviation = 0;
  explicit Spread(const std::vector<double>& values) {
    for (double v : values) mean += v / double(values.size());
    if (values.size() < 2) return;
    for (double v : values) deviation += (v - mean) * (v - mean) / double(values.size() - 1);
    deviation = std::sqrt(deviation);
  }
};

}  // namespace

void print(const Result& r) {
  std::printf("%s, look-back %td, horizon %td: %td parameters", r.dataset.c_str(), r.settings.data.look_back, r.settings.data.horizon,
              r.parameters);
  if (!r.ending.empty() && r.ending != "evaluated")
    std::printf(", %s after %td epochs (%td steps) in %.1f s, validation %s %.4f", r.ending.c_str(), r.epochs, r.steps,
                r.seconds, r.validated_by.empty() ? "loss" : "MSE", r.validation);
  if (r.epochs > 0 && !r.validated_by.empty()) std::printf(", %.4f before", r.validation_at_start);
  if (r.share) std::printf(", share of the networks %.2f", *r.share);
  std::printf("\n");
  if (r.start) {
    std::printf("linear start: %s the level, ", r.start->keeps_level ? "keeps" : "does not keep");
    if (std::isfinite(r.start->shrinkage))
      std::printf("a map for every variate, shrinkage %g", r.start->shrinkage);
    else
      std::printf("one map for all variates");
    std::printf(", share %.2f", r.start->share);
    if (std::isfinite(r.start->error)) std::printf(", cross-validated MSE %.4f", r.start->error);
    std::printf("; test MSE %.4f\n", r.start->test);
  }
  if (r.test.windows == 0) return;
  std::printf("test, all %td windows: MSE %.4f  MAE %.4f  RMSE %.4f  R2 %.4f\n", r.test.windows, r.test.mse, r.test.mae, r.test.rmse,
              r.test.r2);
  std::printf("expert     usage   most for   MSE of these   alone on all\n");
  for (std::size_t k = 0; k < r.usage.size(); ++k) {
    char of_these[32] = "-";
    if (r.chosen[k] > 0) std::snprintf(of_these, sizeof of_these, "%.4f", r.error_of[k]);
    std::printf("%6zu  %8.3f   %8td   %12s   %12.4f\n", k, r.usage[k], r.chosen[k], of_these, r.error_alone[k]);
  }
  if (r.usage.size() > 1) std::printf("entropy of the usage %.3f (1: all alike, 0: one alone)\n", r.entropy);
}

void print_table(const std::vector<Result>& results) {
  std::printf("%-14s %7s %5s %8s %17s %17s %7s %8s\n", "dataset", "horizon", "seeds", "windows", "MSE", "MAE", "entropy", "s a run");
  const auto line = [](const std::string& name, const std::string& horizon, const std::vector<const Result*>& of, bool average) {
    std::vector<double> mse, mae, entropy, seconds;
    for (const Result* r : of)
      mse.push_back(r->test.mse), mae.push_back(r->test.mae), entropy.push_back(r->entropy), seconds.push_back(r->seconds);
    const Spread a(mse), b(mae);
    const auto number = [&](const Spread& s) {
      char text[64];
      if (of.size() > 1 && !average)
        std::snprintf(text, sizeof text, "%.4f +- %.4f", s.mean, s.deviation);
      else
        std::snprintf(text, sizeof text, "%.4f", s.mean);
      return std::string(text);
    };
    std::printf("%-14s %7s %5zu %8s %17s %17s %7.3f %8.0f\n", name.c_str(), horizon.c_str(), of.size(),
                average ? "" : std::to_string(of[0]->test.windows).c_str(), number(a).c_str(), number(b).c_str(), Spread(entropy).mean,
                Spread(seconds).mean);
  };
  for (std::size_t i = 0; i < results.size();) {
    const std::string& name = results[i].dataset;
    std::vector<const Result*> all;
    std::size_t horizons = 0;
    while (i < results.size() && results[i].dataset == name) {
      std::vector<const Result*> same;
      const Index horizon = results[i].settings.data.horizon;
      for (; i < results.size() && results[i].dataset == name && results[i].settings.data.horizon == horizon; ++i)
        if (results[i].test.windows > 0) same.push_back(&results[i]), all.push_back(&results[i]);
      if (same.empty()) {
        std::printf("%-14s %7td %5d\n", name.c_str(), horizon, 0);
        continue;
      }
      line(name, std::to_string(horizon), same, false);
      ++horizons;
    }
    if (horizons > 1) line(name, "average", all, true);
  }
}

void save_json(const std::string& path, const std::vector<Result>& results, int threads) {
  common::Json j;
  j.open('{').member("program", "forecast").member("threads", threads).member("peak_megabytes", common::peak_megabytes());
  j.key("results").open('[');
  for (const Result& r : results) {
    j.open('{').member("dataset", r.dataset).member("device", r.device);
    j.key("settings").open('{');
    for_each_setting(r.settings, [&](const char* name, const auto& value) { j.member(name, value); });
    j.close('}');
    j.member("parameters", r.parameters).member("ending", r.ending);
    if (!r.error.empty()) j.member("error", r.error);
    j.member("epochs", r.epochs).member("steps", r.steps).member("seconds", r.seconds).member("pretrain_seconds", r.pretrain_seconds);
    j.member("evaluate_seconds", r.evaluate_seconds).member("loss", r.loss).member("validation", r.validations);
    j.member("validated_by", r.validated_by).member("validation_mse", r.validation).member("validation_mse_at_start", r.validation_at_start);
    if (r.share) j.member("share", *r.share);
    if (r.start) {
      j.key("linear_start").open('{').member("keeps_level", r.start->keeps_level).member("shrinkage", r.start->shrinkage);
      j.member("share", r.start->share).member("cross_validated_mse", r.start->error);
      j.member("test_mse", r.start->test).close('}');
    }
    j.key("test").open('{').member("windows", r.test.windows).member("mse", r.test.mse).member("mae", r.test.mae);
    j.member("rmse", r.test.rmse).member("r2", r.test.r2).close('}');
    j.key("routing").open('{').member("usage", r.usage).member("chosen", r.chosen).member("mse", r.error_of);
    j.member("mse_alone", r.error_alone).member("entropy", r.entropy).close('}').close('}');
  }
  j.close(']').close('}').save(path);
}

void save_csv(const std::string& path, const std::vector<Result>& results) {
  std::ostringstream out;
  out << "dataset,look_back,horizon,seed,ending,windows,mse,mae,rmse,r2,entropy,parameters,epochs,seconds,validation,validation_at_start,share\n";
  for (const Result& r : results)
    out << moesaic::csv::cell_text(r.dataset) << ',' << r.settings.data.look_back << ',' << r.settings.data.horizon << ',' << r.settings.training.seed << ',' << r.ending << ','
        << r.test.windows << ',' << r.test.mse << ',' << r.test.mae << ',' << r.test.rmse << ',' << r.test.r2 << ',' << r.entropy << ','
        << r.parameters << ',' << r.epochs << ',' << r.seconds << ',' << r.validation << ',' << r.validation_at_start << ',' << r.share.value_or(1) << '\n';
  moesaic::io::OutputFile file(path);
  file.write(out.str());
  file.commit();
}

}  // namespace forecast
