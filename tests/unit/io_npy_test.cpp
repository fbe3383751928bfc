// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include <moesaic/io/npy.hpp>

#include "support/io_test_files.hpp"

namespace io_npy_test {

using namespace moesaic;
using namespace io_test;

/// A .npy file of version 1.0 with this dictionary and these numbers.
std::string npy_file(const std::string& dictionary, const std::string& numbers) {
  std::string out("\x93NUMPY\x01\x00", 8);
  out += {char(dictionary.size() & 0xFF), char(dictionary.size() >> 8)};
  return out + dictionary + numbers;
}
std::string dictionary(const std::string& dtype, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + dtype + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

TEST_CASE("npy: a file that NumPy wrote") {
  const Folder folder;
  const std::string path = folder.file("x.npy");
  write(path, bytes(npy_f8));
  const auto x = npy::load<double>(path, 2);
  CHECK(x.shape() == Shape{2, 3});
  CHECK(to_host(x.tensor()) == std::vector<double>{0, 0.25, 0.5, 0.75, 1, 1.25});
  CHECK(npy::open(path).values<float>() == std::vector<float>{0, 0.25f, 0.5f, 0.75f, 1, 1.25f});
  CHECK(npy::open(path).reshaped<double>({3, 1, 2}).shape() == Shape{3, 1, 2});
  SUBCASE("and the same bytes are written") {
    npy::save(folder.file("y.npy"), x);
    CHECK(read(folder.file("y.npy")) == bytes(npy_f8));
  }
}

TEST_CASE("npy: every dtype and rank goes there and back") {
  const Folder folder;
  const std::string path = folder.file("x.npy");
  const auto round = [&](auto zero) {
    using T = decltype(zero);
    const std::vector<T> v{std::numeric_limits<T>::lowest(), T(0), T(1), std::numeric_limits<T>::max()};
    npy::save(path, v);
    CHECK(npy::open(path).dtype() == io::dtype_of<T>());
    const std::vector<T> back = npy::open(path).values<T>();
    CHECK(back == v);
  };
  round(float{}), round(double{}), round(std::int8_t{}), round(std::int16_t{}), round(std::int32_t{}), round(std::int64_t{});
  round(std::uint8_t{}), round(std::uint16_t{}), round(std::uint32_t{}), round(std::uint64_t{}), round(long{}), round(0LL);

  for (const Shape& shape : {Shape{}, Shape{5}, Shape{0}, Shape{2, 0, 3}, Shape{2, 3}, Shape{1, 2, 3}, Shape{2, 1, 3, 2}}) {
    Array<Cpu<float>> x(shape);
    for (Index i = 0; i < x.size(); ++i) x.data()[i] = float(i) - 1.5f;
    npy::save(path, x);
    const auto y = npy::load<float>(path);
    CHECK(y.shape() == shape);
    CHECK(to_host(y.tensor()) == to_host(x.tensor()));
    CHECK(std::size_t(npy::open(path).shape().size()) == std::size_t(shape.rank()));
    CHECK((read(path).size() - std::size_t(x.size()) * sizeof(float)) % 64 == 0);
  }
}

TEST_CASE("npy: more numbers than one chunk of a conversion holds") {
  const Folder folder;
  const std::string path = folder.file("x.npy");
  std::vector<std::int32_t> v(40000);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::int32_t(i * 7919u);
  npy::save(path, v);
  const auto d = npy::load<double>(path, 1);
  bool same = d.size() == Index(v.size());
  for (std::size_t i = 0; same && i < v.size(); ++i) same = d.data()[i] == double(v[i]);
  CHECK(same);
}

TEST_CASE("npy: headers as other writers make them") {
  const Folder folder;
  const std::string path = folder.file("x.npy"), one_two = "\x01\x01\x02\x02";
  const std::vector<int> expected{0x0101, 0x0202};
  const std::vector<std::string> good{"{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }",
                                      "{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"<i2\"}",
                                      "{'shape': (2L,), 'fortran_order': False, 'descr': '<i2'}   \n\n",
                                      "{ 'descr' : '<i2' , 'fortran_order' : True , 'shape' : ( 2 , ) }"};
  for (const auto& header : good) {
    write(path, npy_file(header, one_two));
    CHECK_MESSAGE(npy::open(path).values<int>() == expected, header);
  }
  std::string second = npy_file(dictionary("<i2", "(2,)"), one_two);
  second[6] = 2;
  second.insert(10, 2, '\0');
  write(path, second);
  CHECK(npy::open(path).values<int>() == expected);
  write(path, npy_file(dictionary("|b1", "(4,)"), one_two));
  CHECK(npy::load<double>(path).size() == 4);
}

TEST_CASE("npy: what is not supported is refused by name") {
  const Folder folder;
  const std::string path = folder.file("bad.npy"), eight(8, '\0');
  const auto refused = [&](const std::string& content, std::vector<std::string> parts) {
    write(path, content);
    parts.push_back(path);
    return mentions(error_of([&] { npy::load<double>(path); }), parts);
  };
  CHECK(refused("", {"truncated"}));
  CHECK(refused("0.25,0.5\n1,2\n3,4\n5,6", {"expected a .npy array", "0.25,0"}));
  CHECK(refused(npy_file(dictionary("<f8", "(1, 1)", "True"), eight), {"row-major", "Fortran order"}));
  CHECK(refused(npy_file(dictionary(">f8", "(1,)"), eight), {"little-endian", "\">f8\""}));
  CHECK(refused(npy_file(dictionary("|O", "(1,)"), eight), {"\"|O\""}));
  CHECK(refused(npy_file(dictionary("<c8", "(1,)"), eight), {"\"<c8\""}));
  CHECK(refused(npy_file(dictionary("<U2", "(1,)"), eight), {"\"<U2\""}));
  CHECK(refused(npy_file("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", eight), {"structured"}));
  CHECK(refused(npy_file("{'descr': '<f8', 'shape': (1,)}", eight), {"lacks \"fortran_order\""}));
  CHECK(refused(npy_file("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", eight), {"\"descr\" twice"}));
  CHECK(refused(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}", eight), {"one of the keys"}));
  CHECK(refused(npy_file(dictionary("<f8", "(1)"), eight), {"expected \",\""}));
  CHECK(refused(npy_file(dictionary("<f8", "(-1,)"), eight), {"not negative"}));
  CHECK(refused(npy_file(dictionary("<f8", "(99999999999999999999,)"), eight), {"smaller number"}));
  CHECK(refused(npy_file(dictionary("<f8", "(1,)") + "0", eight), {"the end of the header"}));
  CHECK(refused(npy_file(dictionary("<f8", "(2,)"), eight), {"[2]", "16 bytes", "holds 8"}));
  CHECK(refused(npy_file(dictionary("<f8", "(1,)"), eight + eight), {"[1]", "8 bytes", "holds 16"}));
  CHECK(refused(npy_file(dictionary("<f8", "(1, 1, 1, 1, 1)"), eight), {"at most 4", "rank 5", "reshaped()"}));
  std::string rank = "(";
  for (int i = 0; i < 65; ++i) rank += "1,";
  CHECK(refused(npy_file(dictionary("<f8", rank + ")"), eight), {"at most 64"}));
  CHECK(mentions(error_of([&] { npy::open(folder.file("none.npy")); }), {"none.npy", "No such file"}));
  CHECK(mentions(error_of([&] { npy::open(folder.path.string()); }), {"a folder"}));
  CHECK(mentions(error_of([&] { npy::open("/dev/null"); }), {"regular file"}));
}

TEST_CASE("npy: a huge claim costs nothing") {
  const Folder folder;
  const std::string path = folder.file("huge.npy"), eight(8, '\0');
  for (const std::string shape : {"(1152921504606846976,)", "(4611686018427387904, 4611686018427387904)", "(1099511627776,)",
                                  "(4611686018427387904, 4611686018427387904, 0)", "(9223372036854775807,)"}) {
    write(path, npy_file(dictionary("<f8", shape), eight));
    CHECK_MESSAGE(mentions(error_of([&] { npy::load<double>(path); }), {path, "file holds 8"}), shape);
  }
  std::string header = npy_file(dictionary("<f8", "(1,)"), eight);
  header[6] = 2;
  header.replace(8, 2, "\xF0\xFF\xFF\x7F");
  write(path, header);
  CHECK(mentions(error_of([&] { npy::load<double>(path); }), {path, "2147483632"}));
}

TEST_CASE("npy: rank, size, finiteness and range are checked on reading") {
  const Folder folder;
  const std::string path = folder.file("x.npy");
  Array<Cpu<double>> x(Shape{2, 3});
  npy::save(path, x);
  CHECK(mentions(error_of([&] { npy::load<double>(path, 3); }), {path, "expected rank 3", "rank 2", "[2, 3]"}));
  CHECK(mentions(error_of([&] { npy::open(path).reshaped<double>({5}); }), {path, "expected 5", "it has 6"}));
  CHECK(mentions(error_of([&] { npy::open(path).values<int>(); }), {path, "expected integers for I32", "F64"}));

  x.data()[4] = std::nan("");
  npy::save(path, x);
  CHECK(mentions(error_of([&] { npy::load<double>(path); }), {path, "finite", "[1, 1]", "nan"}));
  CHECK(mentions(error_of([&] { npy::load<float>(path); }), {path, "finite", "[1, 1]", "nan"}));
  CHECK(std::isnan(npy::load<double>(path, 2, NonFinite::keep).data()[4]));
  CHECK(std::isnan(npy::load<float>(path, 2, NonFinite::keep).data()[4]));

  x.data()[4] = 1e300;
  npy::save(path, x);
  CHECK(mentions(error_of([&] { npy::load<float>(path); }), {path, "[1, 1]", "1e+300", "F32"}));
  npy::save(path, std::vector<std::int64_t>{1, 300});
  CHECK(mentions(error_of([&] { npy::open(path).values<std::uint8_t>(); }), {path, "[1]", "300", "U8"}));
  CHECK(npy::open(path).values<std::uint16_t>() == std::vector<std::uint16_t>{1, 300});
}

TEST_CASE("npy: arrays of a rank above four") {
  const Folder folder;
  const std::string path = folder.file("x.npy");
  const std::vector<double> v{0, 1, 2, 3, 4, 5, 6, 7};
  npy::save(path, NamedArray("array", v.data(), {2, 1, 2, 1, 2}));
  CHECK(npy::open(path).shape() == std::vector<Index>{2, 1, 2, 1, 2});
  CHECK(to_host(npy::open(path).reshaped<double>({2, 2, 2}).tensor()) == v);
}

TEST_CASE("npy: a file is replaced as a whole or not at all") {
  const Folder folder;
  const std::string path = folder.file("x.npy");
  npy::save(path, std::vector<double>{1});
  const std::string before = read(path);
  {
    io::OutputFile unfinished(path);
    unfinished.write("half a fi");
    CHECK(folder.entries() == 2);
  }
  CHECK(read(path) == before);
  CHECK(folder.entries() == 1);

  const auto open_file = npy::open(path);
  npy::save(path, std::vector<double>{2});
  CHECK(open_file.values<double>() == std::vector<double>{1});
  CHECK(npy::open(path).values<double>() == std::vector<double>{2});

  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(path, folder.path / "link.npy");
  npy::save(folder.file("link.npy"), std::vector<double>{3});
  CHECK(fs::is_symlink(folder.path / "link.npy"));
  fs::create_symlink("later.npy", folder.path / "dangling.npy");
  npy::save(folder.file("dangling.npy"), std::vector<double>{4});
  CHECK(fs::is_symlink(folder.path / "dangling.npy"));
  CHECK(fs::is_regular_file(folder.path / "later.npy"));
  CHECK(npy::open(path).values<double>() == std::vector<double>{3});
  CHECK((fs::status(path).permissions() & fs::perms::all) == (fs::perms::owner_read | fs::perms::owner_write));

  CHECK(mentions(error_of([&] { npy::save(folder.file("none/x.npy"), std::vector<double>{1}); }),
                 {"none/x.npy", "cannot be written"}));
  CHECK(mentions(error_of([&] { npy::save(folder.path.string(), std::vector<double>{1}); }), {"not a regular file"}));
  CHECK(mentions(error_of([&] { npy::save(path, Tensor<Cpu<double>>{}); }), {"absent"}));
}

TEST_CASE("npy: a damaged file gives a result or an error") {
  const Folder folder;
  const std::string path = folder.file("x.npy"), good = bytes(npy_f8);
  const Tally tally = damage(path, good, 0, 128, [&] { npy::load<double>(path, any_rank, NonFinite::keep); });
  CHECK(tally.short_accepted == 0);
  CHECK(tally.refused > 20000);
  CHECK(tally.accepted > 0);
}

}  // namespace io_npy_test
