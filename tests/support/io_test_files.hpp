// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <moesaic/core/errors.hpp>

/// What the tests of io/ share: a folder of their own, files from bytes, errors as text, and damage done to files.
namespace io_test {

namespace fs = std::filesystem;

/// A fresh folder that is removed at the end of the test.
struct Folder {
  fs::path path;
  Folder() {
    static int count = 0;
    path = fs::temp_directory_path() / ("moesaic_io_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
    fs::create_directories(path);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string file(const std::string& name) const { return (path / name).string(); }
  std::size_t entries() const { return std::size_t(std::distance(fs::directory_iterator(path), fs::directory_iterator())); }
};

inline void write(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), std::streamsize(bytes.size()));
}
inline std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Bytes from their hexadecimal digits.
inline std::string bytes(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out += char(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}

/// `text` with the one occurrence of `from` replaced.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// The message of the Error that `f` raises, empty if it raises none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const moesaic::Error& e) {
    return e.what();
  }
  return "";
}

/// Whether the message has all the given parts; says which it lacks.
inline bool mentions(const std::string& message, const std::vector<std::string>& parts) {
  bool all = true;
  for (const auto& part : parts)
    if (message.find(part) == std::string::npos) {
      all = false;
      MESSAGE("\"", message, "\" lacks \"", part, "\"");
    }
  return all;
}

struct Tally {
  int accepted = 0, refused = 0;
  int short_accepted = 0;  ///< of the files that were cut
};

/// Sets every byte of `[begin, end)` to every other value, and cuts the file at every length. `use` has to read the result or
/// raise an `Error` that names the file; anything else that it throws fails the test.
inline Tally damage(const std::string& path, const std::string& good, std::size_t begin, std::size_t end,
                    const std::function<void()>& use) {
  Tally tally;
  const auto attempt = [&](const std::string& what) {
    try {
      use();
      ++tally.accepted;
      return true;
    } catch (const moesaic::Error& e) {
      ++tally.refused;
      if (std::string(e.what()).find(path) == std::string::npos)
        FAIL_CHECK(what, ": the error does not name the file: ", e.what());
    } catch (const std::exception& e) {
      FAIL_CHECK(what, ": expected a result or an Error, actual ", e.what());
    }
    return false;
  };
  // In place: writing the file anew each time takes minutes on some disks.
  write(path, good);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto set = [&](std::size_t at, char value) { file.seekp(std::streamoff(at)).put(value).flush(); };
  for (std::size_t at = begin; at < end; ++at) {
    for (int change = 1; change < 256; ++change) {
      set(at, char(good[at] ^ change));
      attempt("byte " + std::to_string(at) + " changed by " + std::to_string(change));
    }
    set(at, good[at]);
  }
  REQUIRE(read(path) == good);
  for (std::size_t length = good.size(); length-- > 0;) {
    fs::resize_file(path, length);
    tally.short_accepted += attempt("cut to " + std::to_string(length));
  }
  return tally;
}

// Written by NumPy 2.4 and safetensors 0.8 for Python:
// X = arange(6).reshape(2, 3) / 4; save(X); savez(X=X, n=int64[1, -2]); savez_compressed(X=X);
// safetensors.numpy.save({"w": X.astype("f4"), "step": uint64[7]}, {"a": 'b"\u00fc'}).
inline const char* const npy_f8 =
    "934e554d5059010076007b276465736372273a20273c6638272c2027666f727472616e5f6f72646572273a2046616c73652c2027736861706527"
    "3a2028322c2033292c207d2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020"
    "20202020202020202020200a0000000000000000000000000000d03f000000000000e03f000000000000e83f000000000000f03f000000000000"
    "f43f";
inline const char* const npz_stored =
    "504b03042d000000000000002100343178c8ffffffffffffffff05001400582e6e707901001000b000000000000000b000000000000000934e55"
    "4d5059010076007b276465736372273a20273c6638272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028"
    "322c2033292c207d2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020"
    "20202020202020200a0000000000000000000000000000d03f000000000000e03f000000000000e83f000000000000f03f000000000000f43f50"
    "4b03042d0000000000000021009afbf523ffffffffffffffff050014006e2e6e70790100100090000000000000009000000000000000934e554d"
    "5059010076007b276465736372273a20273c6938272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a202832"
    "2c292c207d2020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020"
    "202020202020200a0100000000000000feffffffffffffff504b01022d032d000000000000002100343178c8b0000000b0000000050000000000"
    "000000000000800100000000582e6e7079504b01022d032d0000000000000021009afbf523900000009000000005000000000000000000000080"
    "01e70000006e2e6e7079504b0506000000000200020066000000ae0100000000";
inline const char* const npz_deflated =
    "504b03042d000000080000002100343178c8ffffffffffffffff05001400582e6e707901001000b00000000000000057000000000000009bec17"
    "ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a1aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a402f91a463a0ac6"
    "9a3a0ab50a64032e061470c11e423f80d22fa0f40728fdc51e00504b01022d032d000000080000002100343178c857000000b000000005000000"
    "0000000000000000800100000000582e6e7079504b05060000000001000100330000008e0000000000";
inline const char* const safetensors_bytes =
    "90000000000000007b225f5f6d657461646174615f5f223a7b2261223a22625c22c3bc227d2c2273746570223a7b226474797065223a22553634"
    "222c227368617065223a5b315d2c22646174615f6f666673657473223a5b302c385d7d2c2277223a7b226474797065223a22463332222c227368"
    "617065223a5b322c335d2c22646174615f6f666673657473223a5b382c33325d7d7d20200700000000000000000000000000803e0000003f0000"
    "403f0000803f0000a03f";

}  // namespace io_test
