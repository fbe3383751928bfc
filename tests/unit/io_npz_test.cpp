// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

#include <moesaic/io/npz.hpp>

#include "support/io_test_files.hpp"

namespace io_npz_test {

using namespace moesaic;
using namespace io_test;

const std::vector<double> golden_x{0, 0.25, 0.5, 0.75, 1, 1.25};

/// Reads everything that a .npz file offers.
void read_all(const std::string& path) {
  const auto file = npz::open(path);
  for (const auto& name : file.names()) static_cast<void>(file.values<double>(name, NonFinite::keep));
}

TEST_CASE("crc32: the check value of the standard, and pieces add up") {
  const std::string text = "123456789";
  const auto all = std::as_bytes(std::span(text));
  CHECK(io::crc32(all) == 0xCBF43926u);
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    CHECK(io::crc32(all.subspan(cut), io::crc32(all.first(cut))) == 0xCBF43926u);
  CHECK(io::crc32({}) == 0);
}

TEST_CASE("npz: a file that NumPy wrote") {
  const Folder folder;
  const std::string path = folder.file("own.npz");
  write(path, bytes(npz_stored));
  const auto file = npz::open(path);
  CHECK(file.names() == std::vector<std::string>{"X", "n"});
  CHECK(file.contains("X"));
  CHECK_FALSE(file.contains("x"));
  CHECK(file.array<double>("X", 2).shape() == Shape{2, 3});
  CHECK(file.values<double>("X") == golden_x);
  CHECK(file.values<std::int64_t>("n") == std::vector<std::int64_t>{1, -2});
  CHECK(file.values<double>("n") == std::vector<double>{1, -2});
  CHECK(file.at("n").shape() == std::vector<Index>{2});
}

TEST_CASE("npz: there and back") {
  const Folder folder;
  const std::string path = folder.file("own.npz");
  const Array<Cpu<double>> x(Shape{2, 3}, golden_x);
  const Array<Cpu<float>> empty(Shape{0, 4});
  const std::vector<std::uint64_t> counter{1ull << 63, 5};
  npz::save(path, {{"X", x}, {"rows of X", x.tensor().rows(1, 1)}, {"groups/\xC3\xBC", empty}, {"counter", counter}});
  const auto file = npz::open(path);
  CHECK(file.names() == std::vector<std::string>{"X", "rows of X", "groups/\xC3\xBC", "counter"});
  CHECK(file.values<double>("X") == golden_x);
  CHECK(file.values<double>("rows of X") == std::vector<double>{0.75, 1, 1.25});
  CHECK(file.array<float>("groups/\xC3\xBC").shape() == Shape{0, 4});
  CHECK(file.values<std::uint64_t>("counter") == counter);

  const std::string first = read(path);
  npz::save(path, {{"X", x}, {"rows of X", x.tensor().rows(1, 1)}, {"groups/\xC3\xBC", empty}, {"counter", counter}});
  CHECK(read(path) == first);
  npz::save(path, {});
  CHECK(npz::open(path).names().empty());
  npz::save(path, {{"X", x}});
  CHECK(npz::open(path).values<double>("X") == golden_x);
}

TEST_CASE("npz: errors name file and member") {
  const Folder folder;
  const std::string path = folder.file("own.npz"), good = bytes(npz_stored);
  write(path, good);
  CHECK(mentions(error_of([&] { npz::open(path).array<double>("Y"); }), {path, "\"Y\"", "\"X\", \"n\""}));
  CHECK(mentions(error_of([&] { npz::open(path).array<double>("X", 4); }), {path, "\"X\"", "rank 4", "rank 2"}));

  const Array<Cpu<double>> x(Shape{2, 3}, golden_x);
  CHECK(mentions(error_of([&] { npz::save(path, {{"X", x}, {"X", x}}); }), {path, "two arrays", "\"X\""}));
  CHECK(mentions(error_of([&] { npz::save(path, {{"", x}}); }), {path, "no name"}));
  CHECK(mentions(error_of([&] { npz::save(path, {{"\xFF", x}}); }), {path, "\\xff", "UTF-8"}));
  CHECK(read(path) == good);

  const auto refused = [&](const std::string& content, std::vector<std::string> parts) {
    write(path, content);
    parts.push_back(path);
    return mentions(error_of([&] { npz::open(path).array<double>("X"); }), parts);
  };
  CHECK(refused("", {"zip archive"}));
  CHECK(refused(bytes(npy_f8), {"zip archive", "truncated"}));
  CHECK(refused(good.substr(0, good.size() - 1), {"zip archive", "truncated"}));
  CHECK(refused(good.substr(1), {"zip directory", "runs beyond"}));
  std::string bad = good;
  bad[200] = char(bad[200] ^ 1);
  CHECK(refused(bad, {"\"X\"", "damaged", "checksum"}));
  CHECK(refused(replaced(good, "'<f8'", "'>f8'"), {"\"X\"", "\">f8\""}));
  CHECK(refused(replaced(good, "False, 'shape': (2, 3), }", "True, 'shape': (2, 3), } "), {"\"X\"", "Fortran"}));
  CHECK(refused(replaced(good, "(2, 3)", "(2, 4)"), {"\"X\"", "[2, 4]", "64 bytes", "holds 48"}));
  bad = good;
  bad.replace(bad.rfind("n.npy"), 5, "X.npy");
  CHECK(refused(bad, {"two arrays", "\"X\""}));
  write(path, bytes(npz_deflated));
  CHECK(mentions(error_of([&] { npz::open(path).array<double>("X"); }), {path, "\"X\"", "compressed", "npz::zlib"}));

  Array<Cpu<double>> y(Shape{2, 1, 3});
  y.data()[5] = -HUGE_VAL;
  npz::save(path, {{"X", y}});
  CHECK(mentions(error_of([&] { npz::open(path).array<double>("X"); }), {path, "\"X\"", "[1, 0, 2]", "-inf"}));
}

TEST_CASE("npz: members that are no arrays are passed over") {
  const Folder folder;
  const std::string path = folder.file("own.npz");
  zip::Writer writer(path);
  const std::string text = "not an array";
  const auto content = std::as_bytes(std::span(text));
  for (const std::string name : {"readme.txt", "broken.npy"}) {
    zip::Member m;
    m.name = name;
    m.crc = io::crc32(content);
    m.size = m.packed = content.size();
    writer.add(m, {content.first(3), content.subspan(3)});
  }
  writer.commit();
  const auto file = npz::open(path);
  CHECK(file.names() == std::vector<std::string>{"broken"});
  CHECK(mentions(error_of([&] { file.at("broken"); }), {path, "\"broken\"", "expected a .npy array"}));
}

TEST_CASE("npz: a comment behind the archive, even one that looks like its end") {
  const Folder folder;
  const std::string path = folder.file("own.npz");
  std::string file = bytes(npz_stored);
  const std::string comment = std::string("PK\x05\x06", 4) + std::string(40, '\0');
  file[file.size() - 2] = char(comment.size());
  write(path, file + comment);
  CHECK(npz::open(path).values<double>("X") == golden_x);
}

TEST_CASE("npz: sizes and offsets of 64 bits") {
  // A small archive that gives them all in zip64 records, as one above 4 GiB has to.
  const Folder folder;
  const std::string path = folder.file("own.npz"), member = bytes(npz_stored).substr(0, 35 + 20 + 176);
  const auto crc = zip::field<std::uint32_t>(std::as_bytes(std::span(member)), 14);
  constexpr std::uint16_t none = 0;
  zip::Record r;
  r.put_text(member);
  r.put(zip::central_signature).put(none).put(none).put(none).put(none).put(std::uint32_t{0}).put(crc);
  r.put(zip::all32).put(zip::all32).put(std::uint16_t{5}).put(std::uint16_t{4 + 3 + 4 + 24}).put(none);
  r.put(none).put(none).put(std::uint32_t{0}).put(zip::all32).put_text("X.npy");
  r.put(std::uint16_t{77}).put(std::uint16_t{3}).put_text("any").put(zip::zip64_extra).put(std::uint16_t{24});
  r.put(std::uint64_t{176}).put(std::uint64_t{176}).put(std::uint64_t{0});
  const std::uint64_t begin = member.size(), end = r.bytes().size();
  r.put(zip::end64_signature).put(std::uint64_t{44}).put(none).put(none).put(std::uint64_t{0}).put(std::uint64_t{1});
  r.put(std::uint64_t{1}).put(end - begin).put(begin);
  r.put(zip::locator_signature).put(std::uint32_t{0}).put(end).put(std::uint32_t{1});
  r.put(zip::end_signature).put(std::uint32_t{0}).put(zip::all16).put(zip::all16).put(zip::all32).put(zip::all32).put(none);
  const std::string file(reinterpret_cast<const char*>(r.bytes().data()), r.bytes().size());
  write(path, file);
  CHECK(npz::open(path).values<double>("X") == golden_x);
  const Tally tally = damage(path, file, std::size_t(begin), file.size(), [&] { read_all(path); });
  CHECK(tally.short_accepted == 0);
  CHECK(tally.refused > 10000);
}

TEST_CASE("npz: a damaged file gives a result or an error") {
  const Folder folder;
  const std::string path = folder.file("own.npz"), good = bytes(npz_stored);
  const std::size_t first_numbers = 35 + 20 + 128, directory = good.find("PK\x01\x02");
  const Tally member = damage(path, good, 0, first_numbers, [&] { read_all(path); });
  const Tally rest = damage(path, good, directory, good.size(), [&] { read_all(path); });
  CHECK(member.short_accepted + rest.short_accepted == 0);
  CHECK(member.refused + rest.refused > 40000);
}

}  // namespace io_npz_test
