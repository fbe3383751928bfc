// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <moesaic/core/errors.hpp>

namespace moesaic::io {

inline std::string system_message(int code) { return std::generic_category().message(code); }

/// A regular file open for reading at any position, by any number of threads.
///
/// It stays readable, with its old contents, when `OutputFile` replaces it meanwhile.
class InputFile {
 public:
  explicit InputFile(std::string path)
      : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    require(descriptor_ >= 0, path_, ": cannot be read: ", system_message(errno));
    struct stat status {};
    const bool known = ::fstat(descriptor_, &status) == 0;
    if (!known || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      fail(path_, ": cannot be read: expected a regular file, it is ",
           known && S_ISDIR(status.st_mode) ? "a folder" : "something else");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() { ::close(descriptor_); }

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }

  /// Fills `out` with the bytes from `offset` on.
  void read(std::uint64_t offset, std::span<std::byte> out) const {
    require(offset <= size_ && out.size() <= size_ - offset, path_, ": bytes ", offset, " .. ", offset, " + ", out.size(),
            " are asked for, the file has ", size_);
    while (!out.empty()) {
      const auto n = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      require(n >= 0, path_, ": cannot be read: ", system_message(errno));
      require(n > 0, path_, ": became shorter while it was read: expected ", size_, " bytes, it ends at ", offset);
      out = out.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
  }

 private:
  std::string path_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

/// Writes a file so that its name always stands for complete contents: the old ones until `commit`, then the new ones.
///
/// The bytes go to a temporary file beside it, which `commit` flushes to the disk and renames; without `commit` it is removed.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(path) {
    // A link keeps pointing where it points: what it names is replaced. A device is refused, it must not be renamed over.
    if (char* target = ::realpath(path.c_str(), nullptr)) {
      path_ = target;
      std::free(target);
    } else {
      for (int links = 0; links < 40; ++links) {  // to what is not there yet
        char to[4096];
        const auto n = ::readlink(path_.c_str(), to, sizeof to);
        if (n <= 0 || std::size_t(n) == sizeof to) break;
        const std::string target_path(to, std::size_t(n));
        path_ = to[0] == '/' ? target_path : path_.substr(0, path_.rfind('/') + 1) + target_path;
      }
    }
    struct stat old {};
    const bool exists = ::stat(path_.c_str(), &old) == 0;
    require(!exists || S_ISREG(old.st_mode), path, ": cannot be written: it exists and is not a regular file");
    for (int attempt = 0; descriptor_ < 0; ++attempt) {
      temporary_ = path_ + "." + std::to_string(::getpid()) + "-" + std::to_string(attempt) + ".part";
      descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      require(descriptor_ >= 0 || (errno == EEXIST && attempt < 1000), path, ": cannot be written: ", system_message(errno));
    }
    if (exists) static_cast<void>(::fchmod(descriptor_, old.st_mode & 07777));
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto n = ::write(descriptor_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      require(n > 0, path_, ": cannot be written: ", system_message(errno));
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

  void commit() {
    require(::fsync(descriptor_) == 0, path_, ": cannot be written: ", system_message(errno));
    require(::close(std::exchange(descriptor_, -1)) == 0, path_, ": cannot be written: ", system_message(errno));
    require(std::rename(temporary_.c_str(), path_.c_str()) == 0, path_, ": cannot be replaced: ", system_message(errno));
    temporary_.clear();
    // The new name is on the disk once its folder is; not every file system offers that, and the contents are safe without.
    const std::size_t slash = path_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    if (const int d = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); d >= 0) {
      static_cast<void>(::fsync(d));
      ::close(d);
    }
  }

 private:
  std::string path_, temporary_;
  int descriptor_ = -1;
};

}  // namespace moesaic::io
