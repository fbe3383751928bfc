// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#if __has_include(<zlib.h>)
#include <moesaic/io/zlib.hpp>

#include "support/io_test_files.hpp"

namespace io_zlib_test {

using namespace moesaic;
using namespace io_test;

const std::vector<double> golden_x{0, 0.25, 0.5, 0.75, 1, 1.25};

TEST_CASE("zlib: a compressed file that NumPy wrote") {
  const Folder folder;
  const std::string path = folder.file("own.npz");
  write(path, bytes(npz_deflated));
  CHECK(npz::open(path, npz::zlib).values<double>("X") == golden_x);
  write(path, bytes(npz_stored));
  CHECK(npz::open(path, npz::zlib).values<double>("X") == golden_x);
}

TEST_CASE("zlib: there and back, small, empty, repetitive and random") {
  const Folder folder;
  const std::string path = folder.file("own.npz");
  std::vector<double> random(5000);
  std::uint64_t state = 1;
  for (double& x : random) x = double(state = state * 6364136223846793005u + 1442695040888963407u);
  const std::vector<float> zeros(300000), none;
  npz::save(path, {{"random", random}, {"zeros", zeros}, {"none", none}, {"X", golden_x}}, npz::zlib);
  CHECK(fs::file_size(path) < 60000);
  const auto file = npz::open(path, npz::zlib);
  CHECK(file.values<double>("random") == random);
  CHECK(file.values<float>("zeros") == zeros);
  CHECK(file.values<float>("none").empty());
  CHECK(file.values<double>("X") == golden_x);
  CHECK(mentions(error_of([&] { npz::open(path).array<double>("X"); }), {path, "\"X\"", "compressed"}));
}

TEST_CASE("zlib: a huge claim costs nothing") {
  const Folder folder;
  const std::string path = folder.file("own.npz");
  std::string file = bytes(npz_deflated);
  const std::size_t directory = file.find("PK\x01\x02");
  file.replace(directory + 24, 4, "\xF0\xFF\xFF\xFF");
  write(path, file);
  CHECK(mentions(error_of([&] { npz::open(path, npz::zlib).array<double>("X"); }),
                 {path, "\"X\"", "damaged", "expected 4294967280"}));
  file.replace(directory + 24, 4, std::string("\xAF\0\0\0", 4));
  write(path, file);
  CHECK(mentions(error_of([&] { npz::open(path, npz::zlib).array<double>("X"); }), {path, "\"X\"", "expected 175", "more"}));
}

TEST_CASE("zlib: a damaged file gives a result or an error") {
  const Folder folder;
  const std::string path = folder.file("own.npz"), good = bytes(npz_deflated);
  const Tally tally = damage(path, good, 0, good.size(), [&] {
    const auto file = npz::open(path, npz::zlib);
    for (const auto& name : file.names()) static_cast<void>(file.values<double>(name, NonFinite::keep));
  });
  CHECK(tally.short_accepted == 0);
  CHECK(tally.refused > 30000);
}

}  // namespace io_zlib_test
#else
TEST_CASE("zlib: skipped") { MESSAGE("skipped: zlib is not installed (Debian and Ubuntu: zlib1g-dev)"); }
#endif
