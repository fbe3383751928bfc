// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
//
// A user's own files, from C++: the programs of docs/own_data.md.
#include <cmath>
#include <filesystem>

#include <doctest/doctest.h>

#include <moesaic/data/forecast/read_series.hpp>
#include <moesaic/data/forecast/scaler.hpp>
#include <moesaic/expert/spectral_mamba.hpp>
#include <moesaic/flow/instance_norm.hpp>
#include <moesaic/io/npz.hpp>
#include <moesaic/moesaic.hpp>
#include <moesaic/train/linear_start.hpp>

namespace own_data_test {

using namespace moesaic;

/// A folder of its own, removed at the end.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / "moesaic_own_data";
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

TEST_CASE("own trajectories: from an .npz file to predictions in new environments") {
  const Folder folder;
  const std::string train_file = folder / "own.npz", new_file = folder / "new.npz", model_file = folder / "mixer.safetensors";
  const auto decays = [](const std::string& file, double first_rate) {  // x' = -rate x, an environment for each rate
    Array<Cpu<double>> x({4, 3, 11, 1}), t(Shape{11});
    for (Index k = 0; k < 11; ++k) {
      t.data()[k] = 0.1 * double(k);
      for (Index e = 0; e < 4; ++e)
        for (Index j = 0; j < 3; ++j) x.data()[(e * 3 + j) * 11 + k] = (1 + 0.5 * double(j)) * std::exp(-(first_rate + 0.3 * double(e)) * t.data()[k]);
    }
    npz::save(file, {{"X", x}, {"t", t}});
  };
  decays(train_file, 0.5), decays(new_file, 0.6);

  // docs: trajectories
  using B = Cpu<float>;
  const auto read = [](const std::string& path) {  // X [environment, trajectory, time, state], t [time]
    const auto file = npz::open(path);
    return data::measured(file.at("X").array<double>(4), file.at("t").array<double>(), path);
  };
  const EnvironmentData<B> data(read(train_file));
  Coda<> field;
  field.state = data.state, field.context = 1, field.width = 16;
  const auto model = mixture(experts(2, ContextFlow<Coda<>>{.field = field}), gate::KMeansLeastSquares{}, flow::Identity{}, loss::mse);

  EnvironmentTraining training(model, data);
  fit(training, training.players(1e-2, 1e-2), {.iterations = 40}, Checkpoint{.path = model_file});

  const EnvironmentData<B> fresh(read(new_file));
  const auto found = adapt<B>(model, training.parameters, fresh, {.steps = 200, .rate = 1e-2}, training.contexts);
  const auto x = predict<B>(model, fresh, training.parameters, found.contexts, found.expert);  // [environment, trajectory, time, state]
  // docs: end

  const auto truth = read(new_file);
  REQUIRE(x.shape() == truth.states.shape());
  double worst = 0;
  for (Index i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(double(x.data()[i]) - truth.states.data()[i]));
  CHECK(worst < 0.1);
  CHECK(std::filesystem::exists(model_file));
  const std::vector<Index> too_few(3, 0);
  CHECK_THROWS_WITH_AS(predict<B>(model, fresh, training.parameters, found.contexts, too_few),
                       "predict: contexts of shape [4, 2] and 3 experts for 4 environments", Error);
}

TEST_CASE("own series: from a .csv file to forecasts in its units") {
  const Folder folder;
  const std::string series_file = folder / "own.csv", model_file = folder / "model.safetensors";
  {
    Array<Cpu<double>> x({600, 2});
    for (Index t = 0; t < 600; ++t) {
      x.data()[2 * t] = 20 + 5 * std::sin(0.3 * double(t));
      x.data()[2 * t + 1] = -7 + std::cos(0.2 * double(t));
    }
    csv::save(series_file, {"warm", "cold"}, x.tensor());
  }

  // docs: series
  using B = Cpu<float>;
  const Index look_back = 24, horizon = 8;
  const data::Series series = data::read_series(series_file);  // .csv, .txt, .npy or .npz
  const auto split = data::split_rows(data::SplitRule{.train = 0.7, .test = 0.2}, series.rows(), look_back, horizon);
  const auto scaler = data::fit_scaler(series.values, split.train);
  const auto values = data::cast<float>(data::standardised(series.values, scaler));
  const auto windows = [&](const data::RowRange& rows) { return Windows<B>(values, rows.begin, rows.size(), look_back, horizon); };

  const Index variates = series.width();
  const SpectralMamba expert{.look_back = look_back, .horizon = horizon, .variates = variates, .width = 16, .scales = {1}, .frequencies = 4, .own_skips = true};
  const auto model = mixture(experts(2, expert), gate::Metric<>{}, flow::InstanceNorm{look_back, variates}, loss::mae + 0.01 * loss::triplet());
  Supervised problem(model, windows(split.train), {.batch = 32});
  problem.validate_on(windows(split.validation));
  start_from(linear_start(windows(split.train)), layout_of(model), problem.parameters.tensor());  // experts start from least squares
  fit(problem, problem.players(1e-3), {.iterations = 1, .validation_every = 1});
  save_parameters(model_file, layout_of(model), problem.parameters.tensor());
  // docs: end

  // docs: loading
  const auto parameters = load_parameters<B>(model_file, layout_of(model));
  const Array<B> last({1, look_back * variates}, std::vector<float>(values.data() + (series.rows() - look_back) * variates, values.data() + values.size()));
  const auto next = predict(model, parameters, last);  // [1, horizon, variates], standardised
  // docs: end

  REQUIRE(next.shape() == Shape{1, horizon, variates});
  for (Index h = 0; h < horizon; ++h) {
    const double t = double(600 + h);
    CHECK(double(next.data()[2 * h]) * scaler.scale[0] + scaler.mean[0] == doctest::Approx(20 + 5 * std::sin(0.3 * t)).epsilon(0.02));
    CHECK(double(next.data()[2 * h + 1]) * scaler.scale[1] + scaler.mean[1] == doctest::Approx(-7 + std::cos(0.2 * t)).epsilon(0.02));
  }
}

}  // namespace own_data_test
