// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include <moesaic/io/safetensors.hpp>

#include "support/io_test_files.hpp"

namespace io_safetensors_test {

using namespace moesaic;
using namespace io_test;

const std::vector<float> golden_w{0, 0.25f, 0.5f, 0.75f, 1, 1.25f};

std::string file_of(const std::string& header, std::size_t data) {
  std::string out(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(out.data(), &length, 8);
  return out + header + std::string(data, '\0');
}
std::string tensor(const std::string& name, const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

void read_all(const std::string& path) {
  const auto file = safetensors::load(path);
  for (const auto& name : file.names()) static_cast<void>(file.values<double>(name, NonFinite::keep));
}

TEST_CASE("safetensors: a file that Python wrote") {
  const Folder folder;
  const std::string path = folder.file("mixer.safetensors");
  write(path, bytes(safetensors_bytes));
  const auto file = safetensors::load(path);
  CHECK(file.names() == std::vector<std::string>{"step", "w"});
  CHECK(file.array<float>("w", 2).shape() == Shape{2, 3});
  CHECK(file.values<float>("w") == golden_w);
  CHECK(file.values<std::uint64_t>("step") == std::vector<std::uint64_t>{7});
  CHECK(file.metadata("a") == "b\"\xC3\xBC");
  CHECK(file.metadata().size() == 1);
  SUBCASE("and the same bytes are written") {
    const std::string copy = folder.file("copy.safetensors");
    safetensors::save(copy, {{"step", file.values<std::uint64_t>("step")}, {"w", file.array<float>("w")}}, file.metadata());
    CHECK(read(copy) == bytes(safetensors_bytes));
  }
}

TEST_CASE("safetensors: there and back, bit for bit") {
  const Folder folder;
  const std::string path = folder.file("mixer.safetensors");
  Array<Cpu<double>> parameters(Shape{2, 2});
  parameters.data()[1] = -0.0;
  parameters.data()[2] = HUGE_VAL;
  const std::uint64_t odd_nan = 0x7FF8000000000123;
  std::memcpy(parameters.data() + 3, &odd_nan, 8);
  const Array<Cpu<float>> gate(Shape{3}, std::vector<float>{1, 2, 3}), scalar(Shape{}), none(Shape{0, 2});
  const std::vector<std::uint64_t> counters{~0ull, 1};
  const std::vector<std::int64_t> signed_numbers{-1};
  const std::vector<std::uint8_t> flags{1, 0, 1};
  const safetensors::Metadata metadata{
      {"", ""}, {"model", "line 1\nline 2\t\"quoted\" \\ \x01 \xF0\x9F\x8C\xBB"}, {"epoch", "12"}};
  safetensors::save(path,
                    {{"flags", flags},
                     {"gate.weight", gate},
                     {"expert \"1\"/\xC3\xA9", parameters},
                     {"scalar", scalar},
                     {"none", none},
                     {"counters", counters},
                     {"signed", signed_numbers}},
                    metadata);
  const auto file = safetensors::load(path);
  CHECK(file.names().size() == 7);
  const auto back = file.array<double>("expert \"1\"/\xC3\xA9", 2, NonFinite::keep);
  CHECK(back.shape() == Shape{2, 2});
  CHECK(std::memcmp(back.data(), parameters.data(), 32) == 0);
  CHECK(file.values<float>("gate.weight") == std::vector<float>{1, 2, 3});
  CHECK(file.array<float>("scalar").shape() == Shape{});
  CHECK(file.array<float>("none").shape() == Shape{0, 2});
  CHECK(file.values<std::uint64_t>("counters") == counters);
  CHECK(file.values<std::int64_t>("signed") == signed_numbers);
  CHECK(file.values<std::uint8_t>("flags") == flags);
  CHECK(file.metadata() == metadata);
  CHECK(mentions(error_of([&] { file.array<double>("expert \"1\"/\xC3\xA9"); }), {path, "expert", "[1, 0]", "inf"}));

  safetensors::save(path, {});
  CHECK(safetensors::load(path).names().empty());
  CHECK(read(path).size() == 16);
}

TEST_CASE("safetensors: numbers lie where a reader may map them") {
  const Folder folder;
  const std::string path = folder.file("mixer.safetensors");
  const std::vector<std::uint8_t> bytes_first{1, 2, 3};
  const std::vector<double> doubles{1.5};
  const std::vector<float> floats{2.5f, 3.5f, 4.5f};
  safetensors::save(path, {{"a", bytes_first}, {"b", floats}, {"c", doubles}});
  const std::string file = read(path);
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), 8);
  CHECK(header % 8 == 0);
  CHECK(safetensors::load(path).names() == std::vector<std::string>{"c", "b", "a"});
}

TEST_CASE("safetensors: errors name file and array") {
  const Folder folder;
  const std::string path = folder.file("mixer.safetensors");
  const auto refused = [&](const std::string& content, std::vector<std::string> parts) {
    write(path, content);
    parts.push_back(path);
    return mentions(error_of([&] { safetensors::load(path); }), parts);
  };
  const std::string w = tensor("w", "F32", "[2]", "[0,8]");
  CHECK(error_of([&] {
          write(path, file_of("{" + w + "}", 8));
          safetensors::load(path);
        }).empty());
  CHECK(refused("", {"only 0 bytes"}));
  CHECK(refused("1234567", {"only 7 bytes"}));
  CHECK(refused(std::string(7, '\xFF') + "\x7F" + "{}", {"at most 100000000", "claims"}));
  CHECK(refused(std::string("\x00\x00\x00\x01\x00\x00\x00\x00{}", 10), {"truncated", "16777216", "2 follow"}));
  CHECK(refused(file_of("", 0), {"starts with {"}));
  CHECK(refused(file_of(" {}", 0), {"starts with {"}));
  CHECK(refused(file_of("[]", 0), {"starts with {"}));
  CHECK(refused(file_of("{}x", 0), {"header", "byte 2", "the end of the header"}));
  CHECK(refused(file_of("{" + w + ",}", 8), {"header"}));
  CHECK(refused(file_of("{" + w + "," + w + "}", 8), {"\"w\" twice"}));
  CHECK(refused(file_of("{" + w + "}", 4), {"\"w\"", "truncated", "end at 8", "has 4"}));
  CHECK(refused(file_of("{" + w + "}", 12), {"take 8 bytes", "has 12"}));
  CHECK(refused(file_of("{" + tensor("w", "F32", "[2]", "[4,12]") + "}", 12), {"\"w\"", "begin at 4", "expected 0"}));
  CHECK(refused(file_of("{" + w + "," + tensor("v", "F32", "[2]", "[4,12]") + "}", 12), {"\"v\"", "begin at 4", "expected 8"}));
  CHECK(refused(file_of("{" + tensor("w", "F32", "[3]", "[0,8]") + "}", 8), {"\"w\"", "[3] of F32", "12 bytes", "holds 8"}));
  CHECK(refused(file_of("{" + tensor("w", "F32", "[2]", "[8,0]") + "}", 8), {"\"w\"", "[8, 0]"}));
  CHECK(refused(file_of("{" + tensor("w", "F32", "[2]", "[0,8,9]") + "}", 8), {"\"w\"", "[0, 8, 9]"}));
  CHECK(refused(file_of("{" + tensor("w", "BF16", "[4]", "[0,8]") + "}", 8), {"\"w\"", "\"BF16\""}));
  CHECK(refused(file_of("{" + tensor("w", "F32", "[-2]", "[0,8]") + "}", 8), {"header", "not negative"}));
  CHECK(refused(file_of("{" + tensor("w", "F32", "[02]", "[0,8]") + "}", 8), {"header", "leading zeros"}));
  CHECK(refused(file_of("{" + tensor("w", "F32", "[2.0]", "[0,8]") + "}", 8), {"header", "\"]\""}));
  CHECK(refused(file_of("{" + tensor("w", "F32", "[4611686018427387904,4]", "[0,8]") + "}", 8), {"\"w\"", "counted", "holds 8"}));
  CHECK(refused(file_of("{" + tensor("w", "F64", "[1]", "[0,9223372036854775808]") + "}", 8), {"header", "smaller number"}));
  CHECK(refused(file_of("{" + tensor("w", "F64", "[1]", "[9223372036854775799,9223372036854775807]") + "}", 8),
                {"\"w\"", "expected 0"}));
  CHECK(refused(file_of("{\"w\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8), {"\"w\"", "lacks data_offsets"}));
  CHECK(refused(file_of("{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 8), {"\"w\"", "\"dtype\" twice"}));
  CHECK(refused(file_of("{\"w\":{\"type\":\"F32\"}}", 8), {"\"w\"", "\"type\""}));
  CHECK(refused(file_of("{\"w\":[]}", 8), {"header", "\"{\""}));
  CHECK(refused(file_of("{\"__metadata__\":{\"a\":1}}", 0), {"header"}));
  CHECK(refused(file_of("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0), {"\"a\" twice"}));
  CHECK(refused(file_of("{\"__metadata__\":{},\"__metadata__\":{}}", 0), {"__metadata__ twice"}));
  CHECK(refused(file_of("{\"__metadata__\":{\"a\":\"\xFF\"}}", 0), {"character"}));
  CHECK(refused(file_of("{\"__metadata__\":{\"a\":\"\n\"}}", 0), {"character"}));
  CHECK(refused(file_of(std::string(100000, '{'), 0), {"header"}));

  write(path, bytes(safetensors_bytes));
  CHECK(mentions(error_of([&] { safetensors::load(path).array<float>("v"); }), {path, "\"v\"", "\"step\", \"w\""}));
  CHECK(mentions(error_of([&] { safetensors::load(path).array<float>("w", 1); }), {path, "\"w\"", "rank 1", "[2, 3]"}));
  CHECK(mentions(error_of([&] { safetensors::load(path).values<int>("w"); }), {path, "\"w\"", "I32", "F32"}));
  CHECK(mentions(error_of([&] { safetensors::load(path).metadata("b"); }), {path, "\"b\"", "\"a\""}));
  const std::vector<float> one{1};
  CHECK(mentions(error_of([&] { safetensors::save(path, {{"__metadata__", one}}); }), {path, "__metadata__"}));
  CHECK(mentions(error_of([&] { safetensors::save(path, {{"w", one}, {"w", one}}); }), {path, "\"w\""}));
  CHECK(mentions(error_of([&] { safetensors::save(path, {{"w", one}}, {{"k", "\xC3"}}); }), {path, "\"k\"", "UTF-8"}));
  CHECK(read(path) == bytes(safetensors_bytes));
  CHECK(folder.entries() == 1);
}

TEST_CASE("safetensors: escapes of JSON") {
  const auto parsed = [](const std::string& json) {
    io::Scanner text("text", json);
    return io::json::string(text);
  };
  CHECK(parsed(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(parsed(R"("\u0041\u00e9\u20AC\ud83c\udf3b")") == "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8C\xBB");
  CHECK(parsed(R"("\u0000")") == std::string(1, '\0'));
  for (const std::string bad : {R"("\ud83c")", R"("\ud83cx")", R"("\ud83c\u0041")", R"("\udf3b")", R"("\u00g0")", R"("\u00)",
                                R"("\x")", R"("abc)", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"", "\"\xE2\x82\""})
    CHECK_MESSAGE(!error_of([&] { parsed(bad); }).empty(), bad);
}

TEST_CASE("safetensors: a damaged file gives a result or an error") {
  const Folder folder;
  const std::string path = folder.file("mixer.safetensors"), good = bytes(safetensors_bytes);
  const Tally tally = damage(path, good, 0, 8 + 144, [&] { read_all(path); });
  CHECK(tally.short_accepted == 0);
  CHECK(tally.refused > 20000);
  CHECK(tally.accepted > 0);
}

}  // namespace io_safetensors_test
