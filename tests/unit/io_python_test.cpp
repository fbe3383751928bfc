// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>

#include <moesaic/io/npy.hpp>
#include <moesaic/io/npz.hpp>
#include <moesaic/io/safetensors.hpp>

#include "support/io_test_files.hpp"

namespace io_python_test {

using namespace moesaic;
using namespace io_test;

/// Runs a script with the interpreter that MOESAIC_PYTHON names (python3 by default); true if it ends without an error.
bool python(const Folder& folder, const std::string& script) {
  const char* given = std::getenv("MOESAIC_PYTHON");
  write(folder.file("script.py"), script);
  const std::string quiet = script.starts_with("import") && script.find('\n') == std::string::npos ? " 2>/dev/null" : "";
  return std::system(("cd '" + folder.path.string() + "' && '" + (given ? given : "python3") + "' script.py" + quiet).c_str()) ==
         0;
}

TEST_CASE("python: NumPy reads what was written, and the other way round") {
  const Folder folder;
  if (!python(folder, "import numpy")) {
    MESSAGE("skipped: no Python with NumPy was found");
    return;
  }
  Array<Cpu<double>> x(Shape{2, 3, 1, 2});
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = double(i) / 3;
  const Array<Cpu<float>> t(Shape{3}, std::vector<float>{0, 0.5f, 1}), scalar(Shape{}), none(Shape{0, 4});
  const std::vector<std::uint64_t> counter{~0ull};
  npy::save(folder.file("own.npy"), x);
  npz::save(folder.file("own.npz"),
            {{"X", x}, {"t", t}, {"scalar", scalar}, {"none", none}, {"counter", counter}, {"\xC3\xBC", t}});
  CHECK(python(folder, R"(
import numpy as np, zipfile
X = np.arange(12).reshape(2, 3, 1, 2) / 3
assert zipfile.ZipFile("own.npz").testzip() is None
f = np.load("own.npz")
for x in np.load("own.npy"), f["X"]:
    assert x.dtype == "<f8" and x.flags.c_contiguous and np.array_equal(x, X)
assert f.files == ["X", "t", "scalar", "none", "counter", "\u00fc"]
assert f["t"].dtype == "<f4" and np.array_equal(f["t"], [0, 0.5, 1]) and np.array_equal(f["\u00fc"], f["t"])
assert f["scalar"].shape == () and f["none"].shape == (0, 4)
assert f["counter"].dtype == np.uint64 and f["counter"][0] == 2**64 - 1
np.savez("theirs.npz", X=X, half=X.astype("f2"), fortran=np.asfortranarray(X[..., 0, :]), text=np.array(["a"]), nan=X * np.nan,
         swapped=X.astype(">f8"), flag=np.array([True, False]), five=X[None], scalar=np.float32(2.5), empty=np.zeros((3, 0)))
)"));
  const std::string path = folder.file("theirs.npz");
  const auto theirs = npz::open(path);
  CHECK(theirs.array<double>("X", 4).shape() == x.shape());
  CHECK(theirs.values<double>("X") == to_host(x.tensor()));
  CHECK(theirs.values<int>("flag") == std::vector<int>{1, 0});
  CHECK(theirs.reshaped<double>("five", x.shape()).shape() == x.shape());
  CHECK(theirs.array<double>("scalar", 0).data()[0] == 2.5);
  CHECK(theirs.array<double>("empty").shape() == Shape{3, 0});
  for (const std::string name : {"half", "fortran", "text", "nan", "swapped", "five"})
    CHECK(mentions(error_of([&] { theirs.array<double>(name); }), {path, "\"" + name + "\""}));
}

TEST_CASE("python: safetensors there and back") {
  const Folder folder;
  if (!python(folder, "import numpy, safetensors")) {
    MESSAGE("skipped: no Python with safetensors was found");
    return;
  }
  const Array<Cpu<float>> w(Shape{2, 2}, std::vector<float>{1, 2, 3, 4}), none(Shape{0, 3}), scalar(Shape{});
  const std::vector<double> v{0.1};
  const std::vector<std::uint8_t> flags{1, 2, 3};
  safetensors::save(folder.file("own.safetensors"),
                    {{"flags", flags}, {"w \"\xC3\xBC\"", w}, {"none", none}, {"scalar", scalar}, {"v", v}},
                    {{"text", "a\n\"b\"\\\x01\xF0\x9F\x8C\xBB"}});
  CHECK(python(folder, R"(
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
f = load_file("own.safetensors")
assert f["w \"\u00fc\""].dtype == "<f4" and np.array_equal(f["w \"\u00fc\""], [[1, 2], [3, 4]])
assert f["v"][0] == 0.1 and list(f["flags"]) == [1, 2, 3] and f["none"].shape == (0, 3) and f["scalar"].shape == ()
with safe_open("own.safetensors", "np") as f:
    assert f.metadata() == {"text": "a\n\"b\"\\\x01\U0001f33b"}
arrays = {"a": np.arange(3.0), "b\t\u00fc": np.arange(6, dtype="i8").reshape(2, 3), "flag": np.array([True])}
save_file(arrays, "theirs.safetensors", metadata={"key": "value\u2028"})
save_file(arrays | {"half": np.zeros(2, "f2")}, "half.safetensors")
)"));
  const auto theirs = safetensors::load(folder.file("theirs.safetensors"));
  CHECK(theirs.values<double>("a") == std::vector<double>{0, 1, 2});
  CHECK(theirs.values<std::int64_t>("b\t\xC3\xBC") == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  CHECK(theirs.array<double>("b\t\xC3\xBC").shape() == Shape{2, 3});
  CHECK(theirs.values<int>("flag") == std::vector<int>{1});
  CHECK(theirs.metadata("key") == "value\xE2\x80\xA8");
  CHECK(mentions(error_of([&] { safetensors::load(folder.file("half.safetensors")); }),
                 {"half.safetensors", "\"half\"", "\"F16\""}));
}

}  // namespace io_python_test
