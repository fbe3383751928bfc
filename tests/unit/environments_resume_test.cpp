// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include <moesaic/train/checkpoint.hpp>
#include <moesaic/train/environments.hpp>
#include <moesaic/train/fit.hpp>

#include "support/mixer_support.hpp"

namespace environments_resume_test {

using namespace mixer_test;
using B = Cpu<double>;

/// All that a training keeps for a checkpoint, by name.
struct Kept {
  std::vector<std::pair<std::string, std::vector<double>>> arrays;
  void operator()(const std::string& name, Array<B>& x) {
    arrays.emplace_back(name, x ? to_host(x.tensor()) : std::vector<double>{});
  }
  bool operator==(const Kept&) const = default;
};

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "moesaic-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST_CASE("six iterations are three, a checkpoint and three more, bit for bit") {
  bool otherwise = false;
  SUBCASE("contexts first, whole turns") {}
  SUBCASE("weights first, turns that end early, one state of the optimiser for both experts") { otherwise = true; }
  const Folder folder;
  const auto path = (folder.path / "run.safetensors").string(), other = (folder.path / "whole.safetensors").string();
  // The gate is refitted in the middle of turns.
  const auto model = contextual(2, LinearField{}, gate::KMeansLeastSquares{.refit_every = 5}, loss::mse);
  const EnvironmentData<B> data(two_kinds());
  const auto train = [&](Index iterations, const Checkpoint& checkpoint) {
    EnvironmentTraining<B, std::remove_const_t<decltype(model)>> training(
        model, data, {.contributors = 3, .reweighting = Reweighting::softmax, .part_size = 2, .seed = 4});
    if (checkpoint.resume) {  // starts elsewhere
      B::fill(training.contexts, 3.0);
      B::fill(training.parameters, 3.0);
    }
    auto players = training.players(schedule::Cosine{0.01, 24}, 0.02, 4);
    if (otherwise) {
      for (auto& player : players) player.tolerance = 3e-4;
      players[training.weights_player].parts_sharing_state = 2;
    }
    const std::size_t first = otherwise ? training.weights_player : training.contexts_player;
    const auto run =
        fit(training, std::span<const Player<B>>(players), {.iterations = iterations, .first_player = first, .seed = 4}, checkpoint);
    if (iterations == 6) CHECK((run.steps < 6 * 8) == otherwise);
    Kept kept;
    training.state(kept);
    kept("contexts", training.contexts);
    kept.arrays.emplace_back("history", run.history.numbers());
    return kept;
  };
  const auto whole = train(6, {.path = other});
  REQUIRE(whole.arrays.size() == 4);
  CHECK(whole.arrays[1].first == "centroids");
  CHECK(whole.arrays[1].second.size() == 8);
  CHECK(!(train(3, {.path = path, .every = 1}) == whole));
  CHECK(train(6, {.path = path, .resume = true}) == whole);
}

}  // namespace environments_resume_test
