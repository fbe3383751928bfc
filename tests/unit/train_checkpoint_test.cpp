// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <moesaic/backend/cpu.hpp>
#include <moesaic/train/checkpoint.hpp>
#include <moesaic/train/fit.hpp>

namespace train_checkpoint_test {

using namespace moesaic;
using B = Cpu<float>;

/// A folder of its own, removed at the end.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "moesaic-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

Layout weights_layout() {
  Layout l;
  l.add("expert0.weight", {3, 4}, init::uniform(-1, 1));
  l.add("expert0.bias", {4}, init::uniform(-1, 1));
  l.add("scale", {}, init::constant(2));
  return l;
}

/// Noisy and with a memory: its loss depends on a running random stream, on its own counter and on a centroid that moves.
struct Stateful {
  using Backend = B;
  Tensor<B> weights, contexts;
  Random noise{11};
  double memory = 1;
  std::int64_t calls = 0;
  bool odd = false;
  Array<B> centroid{};
  std::vector<float> losses{};
  struct Inner {
    double x = 0;
    template <class Archive>
    void state(Archive& archive) {
      archive("x", x);
    }
  } inner{};
  Index interrupt_at = -1;

  Losses evaluate(const Step& s, const Tensor<B>& gradient) {
    if (s.count == interrupt_at) std::raise(SIGINT);
    const Tensor<B> p = s.player == 0 ? contexts : weights;
    Random drawn = s.random;
    double total = 0;
    for (Index i = 0; i < p.size(); ++i) {
      const double x = double(p.data()[i]);
      const double g = std::sin(3 * x) + 0.3 * noise.next_normal() + 0.1 * drawn.next_normal() + 0.01 * memory + inner.x;
      gradient.data()[i] = float(g + (centroid ? double(centroid.data()[0]) : 0) - (odd ? 0.1 : 0));
      total += x * x;
    }
    return Losses(total).add("square", total);
  }
  void after_step(const Step& s) {
    ++calls;
    odd = !odd;
    memory = std::sqrt(memory + double(calls % 3));
    inner.x = 0.001 * memory;
    if (s.count == 7) centroid = Array<B>(Shape{2, 1});
    if (centroid) centroid.data()[0] += 0.01f;
    losses.push_back(float(memory));
  }
  double validate() { return std::abs(double(weights.data()[0]) - 0.3); }
  template <class Archive>
  void state(Archive& archive) {
    archive("noise", noise);
    archive("memory", memory);
    archive("calls", calls);
    archive("odd", odd);
    archive("centroid", centroid);
    archive("losses", losses);
    archive("inner", inner);
  }
};

struct Trained {
  std::vector<float> weights, contexts, last_losses;
  Run<B> run;
};

Trained train(Index iterations, const std::string& file, bool resume, Index interrupt_at = -1, Index every = 0) {
  const Layout layout = weights_layout();
  Array<B> weights = initial_parameters<B>(layout, Random(resume ? 99 : 1)),
           contexts(Shape{5, 2});  // a resumed run starts elsewhere
  Stateful problem{weights, contexts};
  problem.interrupt_at = interrupt_at;
  auto run = fit(problem,
                 {{.name = "contexts", .parameters = contexts, .rate = 0.01, .inner_steps = 3, .proximal = 10},
                  {.name = "weights",
                   .parameters = weights,
                   .optimiser = Sgd{.momentum = 0.9},
                   .rate = schedule::Cosine{0.02, 60},
                   .inner_steps = 2,
                   .layout = layout}},
                 {.iterations = iterations, .validation_every = 2, .patience = 50, .seed = 4},
                 Checkpoint{.path = file, .every = every, .resume = resume});
  return {to_host(weights.tensor()), to_host(contexts.tensor()), problem.losses, std::move(run)};
}

void check_same(const Trained& a, const Trained& b) {
  CHECK(a.weights == b.weights);
  CHECK(a.contexts == b.contexts);
  CHECK(a.last_losses == b.last_losses);
  CHECK(a.run.parameters_from == b.run.parameters_from);
  CHECK(a.run.best_validation == b.run.best_validation);
  CHECK(a.run.steps == b.run.steps);
  CHECK(a.run.history.names() == b.run.history.names());
  REQUIRE(a.run.history.rows() == b.run.history.rows());
  CHECK(std::memcmp(a.run.history.numbers().data(), b.run.history.numbers().data(), a.run.history.numbers().size() * 8) == 0);
}

std::vector<char> bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string message_of(const auto& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST_CASE("a run that was saved and resumed gives the bits of one that went through") {
  const Folder folder;
  const auto whole = train(20, folder / "whole.safetensors", false);
  CHECK(whole.run.history.rows() == 20);

  SUBCASE("at the end of an iteration") {
    train(10, folder / "half.safetensors", false);
    const auto rest = train(20, folder / "half.safetensors", true);
    check_same(whole, rest);
  }
  SUBCASE("after Ctrl-C in the middle of either player's turn, three times") {
    CHECK(train(20, folder / "cut.safetensors", false, 6).run.ending == Ending::interrupted);
    CHECK(train(20, folder / "cut.safetensors", true, 33).run.ending == Ending::interrupted);
    CHECK(train(20, folder / "cut.safetensors", true, 70).run.steps == 71);
    check_same(whole, train(20, folder / "cut.safetensors", true));
  }
  SUBCASE("from what was written on the way") {
    const auto path = folder / "way.safetensors";
    train(18, path, false, -1, 1);
    check_same(whole, train(20, path, true));
  }
  SUBCASE("when there is nothing left to do") { check_same(whole, train(20, folder / "whole.safetensors", true)); }
}

TEST_CASE("so does one whose turns end early, whose second player begins, and where parts share an optimiser's state") {
  const Folder folder;
  Layout layout;
  for (const char* name : {"expert0", "expert1"}) layout.add(name, {2, 3}, init::uniform(-1, 1));
  const auto train_to = [&](Index iterations, const std::string& file, bool resume, Index interrupt_at = -1) {
    Array<B> weights = initial_parameters<B>(layout, Random(resume ? 99 : 1)), contexts(Shape{5, 2});
    Stateful problem{weights, contexts};
    problem.interrupt_at = interrupt_at;
    auto run = fit(problem,
                   {{.name = "contexts", .parameters = contexts, .rate = 0.01, .inner_steps = 4, .tolerance = 0.05, .proximal = 10},
                    {.name = "weights",
                     .parameters = weights,
                     .optimiser = Sgd{.momentum = 0.9},
                     .rate = 0.01,
                     .inner_steps = 3,
                     .parts_sharing_state = 2,
                     .layout = layout}},
                   {.iterations = iterations, .first_player = 1, .validation_every = 2, .seed = 4},
                   Checkpoint{.path = file, .every = 0, .resume = resume});
    return Trained{to_host(weights.tensor()), to_host(contexts.tensor()), problem.losses, std::move(run)};
  };
  const auto whole = train_to(12, folder / "whole.safetensors", false);
  CHECK(whole.run.steps > 12 * (1 + 3));  // some turns of the contexts end early, some do not
  CHECK(whole.run.steps < 12 * (4 + 3));
  for (Index cut = 20; cut < 30; ++cut) {
    CHECK(train_to(12, folder / "cut.safetensors", false, cut).run.steps == cut + 1);
    check_same(whole, train_to(12, folder / "cut.safetensors", true));
  }
  const auto file = safetensors::load(folder / "cut.safetensors");
  CHECK(file.at("fit/moment0/weights.expert0").shape() == std::vector<Index>{2, 3});
  CHECK(std::count(file.names().begin(), file.names().end(), "fit/moment0/weights.expert1") == 0);
}

TEST_CASE("checkpoints are written every so many iterations, and a failing run leaves the last one") {
  const Folder folder;
  const auto path = folder / "c.safetensors";
  struct Failing {
    using Backend = B;
    std::string path;
    std::vector<bool> there;
    double evaluate(const Step& s, const Tensor<B>& g) {
      there.push_back(std::filesystem::exists(path));
      B::fill(g, 1);
      return s.count == 5 ? std::nan("") : 1;
    }
  } problem{path, {}};
  Array<B> p(Shape{1});
  const auto go = [&](bool resume) {
    fit(problem, {{.parameters = p, .optimiser = Sgd{}, .rate = 1}}, {.iterations = 10},
        Checkpoint{.path = path, .every = 2, .resume = resume});
  };
  CHECK_THROWS_AS(go(false), FitError<B>);
  CHECK(problem.there == std::vector<bool>{false, false, true, true, true, true});
  CHECK(safetensors::load(path).values<float>("parameters") == std::vector<float>{-4});
  CHECK_THROWS_AS(go(true), FitError<B>);
  CHECK(problem.there.size() == 8);  // from step 4 on
}

TEST_CASE("parameters stand in the file under their layout's names") {
  const Folder folder;
  const auto path = folder / "c.safetensors";
  const auto trained = train(4, path, false);
  const auto file = safetensors::load(path);
  CHECK(file.at("weights.expert0.weight").shape() == std::vector<Index>{3, 4});
  CHECK(file.at("weights.scale").shape().empty());
  CHECK(file.at("contexts").shape() == std::vector<Index>{5, 2});
  CHECK(file.at("fit/moment0/weights.expert0.bias").shape() == std::vector<Index>{4});
  CHECK(file.values<float>("weights.expert0.bias").size() == 4);
  CHECK(file.metadata("terms/weights") == "total\nsquare\n");
  CHECK(file.values<std::uint64_t>("problem/noise").size() == 1);
  CHECK(file.values<double>("problem/inner.x").size() == 1);
  CHECK(trained.run.steps == 20);
}

TEST_CASE("a checkpoint of another run is refused, and nothing is changed") {
  const Folder folder;
  const auto path = folder / "c.safetensors";
  train(3, path, false);
  const Layout good = weights_layout();

  const auto resume = [&](std::vector<Player<B>> players, std::uint64_t seed = 4) {
    Array<B> weights(Shape{17}), contexts(Shape{5, 2});
    players[0].parameters = contexts;
    if (!players[1].parameters) players[1].parameters = weights;
    Stateful problem{weights, contexts};
    const auto text =
        message_of([&] { fit(problem, players, {.iterations = 20, .seed = seed}, Checkpoint{.path = path, .resume = true}); });
    if (text != "no error") {
      CHECK(problem.calls == 0);
      CHECK(to_host(weights.tensor()) == std::vector<float>(17));
    }
    return text;
  };
  Player<B> contexts;
  contexts.name = "contexts";
  contexts.inner_steps = 3;
  contexts.proximal = 10;
  Player<B> weights;
  weights.name = "weights";
  weights.optimiser = Sgd{.momentum = 0.9};
  weights.inner_steps = 2;
  weights.layout = good;

  Player<B> other = weights;
  other.layout = Layout();
  other.layout.add("expert0.weight", {4, 3}, {});
  other.layout.add("expert0.bias", {4}, {});
  other.layout.add("scale", {}, {});
  CHECK(resume({contexts, other}) == path + ": parameter \"weights.expert0.weight\": expected shape [4, 3], it has [3, 4]");
  other.layout = Layout();
  other.layout.add("expert0.weight", {3, 4}, {});
  other.layout.add("expert0.offset", {5}, {});
  CHECK(resume({contexts, other}) == path + ": lacks the parameter \"weights.expert0.offset\" of shape [5]");
  Array<B> fewer(Shape{16});
  other.parameters = fewer;
  other.layout = Layout();
  other.layout.add("expert0.weight", {3, 4}, {});
  other.layout.add("expert0.bias", {4}, {});
  CHECK(resume({contexts, other}).find(": holds \"weights.scale\" of shape [], for which there is no place") !=
        std::string::npos);

  other = weights;
  other.optimiser = Adam{};
  CHECK(resume({contexts, other}) == path + ": lacks the state \"fit/moment1/weights.expert0.weight\" of shape [3, 4]");
  other = weights;
  other.name = "theta";
  CHECK(resume({contexts, other}) ==
        path + ": was written by a run with other players: \"contexts\", \"weights\"; expected \"contexts\", \"theta\"");
  CHECK(resume({contexts, weights}, 5) == path + ": was written by a run with seed 4; this run has 5");

  using D = Cpu<double>;
  struct Doubles {
    using Backend = D;
    double evaluate(const Step&, const Tensor<D>&) { return 0; }
  } doubles;
  Array<D> c(Shape{5, 2}), w(Shape{17});
  CHECK(message_of([&] {
          fit(doubles,
              {{.name = "contexts", .parameters = c, .inner_steps = 3, .proximal = 10},
               {.name = "weights", .parameters = w, .optimiser = Sgd{.momentum = 0.9}, .inner_steps = 2, .layout = good}},
              {.seed = 4}, Checkpoint{.path = path, .resume = true});
        }) == path + ": parameter \"contexts\": expected F64, it holds F32");
  CHECK(resume({contexts, weights}) == "no error");
}

TEST_CASE("files that are no checkpoint, or a damaged one, give errors") {
  const Folder folder;
  const auto path = folder / "c.safetensors";
  train(12, path, false, 7);  // stands in the middle of a turn
  const auto good = bytes_of(path);
  const auto resumed = [&] { return message_of([&] { train(20, path, true); }); };
  CHECK(resumed() == "no error");

  for (std::size_t length : {std::size_t{0}, std::size_t{7}, good.size() / 2, good.size() - 1}) {
    std::ofstream(path, std::ios::binary).write(good.data(), std::streamsize(length));
    CHECK(resumed().find(path) == 0);
  }
  safetensors::save(path, {{"x", std::vector<float>{1}}});
  CHECK(resumed() == path + ": is not a checkpoint of this version, moesaic checkpoint 1");
  std::filesystem::remove(path);
  CHECK(resumed() == path + ": cannot be read: No such file or directory");

  // Counters that no run can have.
  for (int broken = 0; broken < 9; ++broken) {
    std::ofstream(path, std::ios::binary).write(good.data(), std::streamsize(good.size()));
    std::vector<NamedArray> arrays;
    const auto file = safetensors::load(path);
    std::vector<std::vector<float>> floats(file.names().size());
    std::vector<std::vector<double>> doubles(file.names().size());
    std::vector<std::int64_t> counts, calls;
    std::vector<std::uint64_t> noise;
    std::vector<std::uint8_t> odd;
    for (std::size_t i = 0; i < file.names().size(); ++i) {
      const auto& name = file.names()[i];
      const auto stored = file.at(name);
      if (stored.dtype() == io::Dtype::f32)
        arrays.emplace_back(name, (floats[i] = stored.values<float>()).data(), stored.shape());
      else if (stored.dtype() == io::Dtype::f64)
        arrays.emplace_back(name, (doubles[i] = stored.values<double>(NonFinite::keep)).data(), stored.shape());
      else if (name == "fit/counts")
        arrays.emplace_back(name, (counts = stored.values<std::int64_t>()).data(), stored.shape());
      else if (stored.dtype() == io::Dtype::u64)
        arrays.emplace_back(name, (noise = stored.values<std::uint64_t>()).data(), stored.shape());
      else if (stored.dtype() == io::Dtype::u8)
        arrays.emplace_back(name, (odd = stored.values<std::uint8_t>()).data(), stored.shape());
      else
        arrays.emplace_back(name, (calls = stored.values<std::int64_t>()).data(), stored.shape());
    }
    counts[std::size_t(broken)] = broken == 6 ? -2 : broken == 1 ? 2 : -1;
    safetensors::save(path, arrays, file.metadata());
    CHECK(resumed() == path + ": its counters are no state of a run");
  }
  CHECK(message_of([&] { train(2, "", false); }) == "Checkpoint: has no path");
  CHECK(message_of([&] { train(2, folder / "no/such/folder", false); }).find("fit: ") == 0);
}

/// Keeps its parameters itself and archives them, as a problem does whose player only refers to them.
struct Owner {
  using Backend = B;
  Array<B> own;
  Array<B> later{};
  Losses evaluate(const Step&, const Tensor<B>& gradient) {
    B::fill(gradient, 1);
    return Losses(0);
  }
  template <class Archive>
  void state(Archive& archive) {
    if (own) archive("own", own);
    archive("later", later);
  }
};

TEST_CASE("an array that a player may refer to keeps its place: a state that does not fit is refused, and nothing is changed") {
  const Folder folder;
  const auto path = folder / "c.safetensors";
  const auto run = [&](const Shape& shape, bool resume) {
    Owner problem{Array<B>(shape)};
    Array<B> moved(Shape{3});
    const float* const place = problem.own.data();
    const auto text = message_of(
        [&] { fit(problem, {{.parameters = moved, .optimiser = Sgd{}}}, {.iterations = 2}, Checkpoint{.path = path, .resume = resume}); });
    CHECK(problem.own.data() == place);
    if (text != "no error") CHECK(to_host(moved.tensor()) == std::vector<float>(3));
    return text;
  };
  CHECK(run({4}, false) == "no error");
  CHECK(run({4}, true) == "no error");
  for (Index size : {2, 6}) CHECK(run({size}, true) == path + ": state \"problem/own\": expected shape [" + std::to_string(size) + "], it has [4]");
  Owner without{{}, Array<B>(Shape{1})};
  Array<B> moved(Shape{3});
  fit(without, {{.parameters = moved, .optimiser = Sgd{}}}, {.iterations = 2}, Checkpoint{.path = path});
  CHECK(run({4}, true) == path + ": lacks the state \"problem/own\" of shape [4]");
}

TEST_CASE("a run with other settings is not resumed") {
  const Folder folder;
  const auto path = folder / "c.safetensors";
  const auto run = [&](const safetensors::Metadata& settings, bool resume) {
    Owner problem;
    Array<B> moved(Shape{3});
    return message_of([&] {
      fit(problem, {{.parameters = moved, .optimiser = Sgd{}}}, {.iterations = 2},
          Checkpoint{.path = path, .resume = resume, .settings = settings});
    });
  };
  CHECK(run({{"data", "waves"}, {"clip", "1"}}, false) == "no error");
  CHECK(run({{"data", "waves"}, {"clip", "1"}}, true) == "no error");
  CHECK(run({{"data", "waves"}, {"clip", "2"}}, true) == path + ": was written by a run with clip 1; this run has 2");
  CHECK(run({{"rate", "0.1"}}, true) == path + ": was written by a run with rate unknown; this run has 0.1");
}

TEST_CASE("a checkpoint's parameters are read without a run") {
  const Folder folder;
  const auto path = folder / "c.safetensors";
  const auto trained = train(3, path, false);
  CHECK(to_host(load_parameters<B>(path, weights_layout(), "weights").tensor()) == trained.weights);
  Layout part;
  part.add("expert0.bias", {4}, {});
  CHECK(to_host(load_parameters<B>(path, part, "weights").tensor()) == std::vector<float>(trained.weights.begin() + 12, trained.weights.begin() + 16));
  CHECK(message_of([&] { load_parameters<B>(path, part, "heights"); }) == path + ": lacks the parameter \"heights.expert0.bias\" of shape [4]");
}

TEST_CASE("parameters alone go to a file and back") {
  const Folder folder;
  const auto path = folder / "model.safetensors";
  const Layout layout = weights_layout();
  const Array<B> p = initial_parameters<B>(layout, Random(6));
  save_parameters(path, layout, p.tensor(), {{"model", "test"}});
  CHECK(to_host(load_parameters<B>(path, layout).tensor()) == to_host(p.tensor()));
  CHECK(load_parameters<Cpu<double>>(path, layout).data()[3] == double(p.data()[3]));
  CHECK(safetensors::load(path).at("expert0.weight").shape() == std::vector<Index>{3, 4});
  CHECK(safetensors::load(path).metadata("model") == "test");

  Layout other;
  other.add("expert0.weight", {12}, {});
  CHECK(message_of([&] { load_parameters<B>(path, other); }) ==
        path + ": parameter \"expert0.weight\": expected shape [12], it has [3, 4]");
  Layout smaller;
  smaller.add("expert0.weight", {3, 4}, {});
  CHECK(message_of([&] { load_parameters<B>(path, smaller); }) ==
        path + ": holds \"expert0.bias\" of shape [4], for which there is no place");
  CHECK(message_of([&] { save_parameters(path, smaller, p.tensor()); }) ==
        path + ": the layout names 12 parameters, there are 17");
  safetensors::save(path, {{"expert0.weight", std::vector<float>(12, std::nanf("")).data(), {3, 4}}});
  CHECK(message_of([&] { load_parameters<B>(path, smaller); }).find("\"expert0.weight\"") != std::string::npos);
}

}  // namespace train_checkpoint_test
