// SPDX-FileCopyrightText: 2026 The Moesaic authors
// SPDX-License-Identifier: MIT
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include <moesaic/core/errors.hpp>

namespace moesaic::device {

/// Memory of the host that can only be touched as a GPU's could: in kernels and copies. Anything else that reads or writes it ends
/// with a segmentation fault, so that tests without a GPU find code that takes device memory for the host's.
///
/// Addresses are never used twice: what is released stays closed. Rights are a thread's own where the processor has protection keys,
/// so this is for the system of one thread (CPP).
class GuardedMemory {
 public:
  static void* allocate(std::size_t bytes) { return region().take(bytes); }
  static void release(void* p) { region().give_back(p); }

  /// Opens all of it.
  class Access {
   public:
    Access() { region().open(+1); }
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;
    ~Access() { region().open(-1); }
  };

 private:
  class Region {
   public:
    Region() {
      void* const p = mmap(nullptr, reserved + huge_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      require(p != MAP_FAILED, "guarded memory: no addresses left");
      begin_ = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(p) + huge_page - 1) / huge_page * huge_page);
      if (key_ >= 0) pkey_mprotect(begin_, reserved, PROT_READ | PROT_WRITE, key_);
      madvise(begin_, reserved, MADV_HUGEPAGE);  // without keys rights are changed page by page: let them be few
    }
    void* take(std::size_t bytes) {
      const std::lock_guard lock(mutex_);
      const std::size_t size = (bytes + page) / page * page;
      require(used_ + size <= reserved, "guarded memory: ", bytes, " bytes asked for, ", reserved - used_, " left");
      void* const p = begin_ + used_;
      used_ += size;
      size_[p] = size;
      if (key_ < 0 && users_ > 0) mprotect(p, size, PROT_READ | PROT_WRITE);
      return p;
    }
    void give_back(void* p) {
      const std::lock_guard lock(mutex_);
      const auto at = size_.find(p);
      const auto offset = std::size_t(static_cast<std::byte*>(p) - begin_);
      const std::size_t first = (offset + huge_page - 1) / huge_page * huge_page, last = (offset + at->second) / huge_page * huge_page;
      if (last > first) madvise(begin_ + first, last - first, MADV_DONTNEED);  // less than a huge page would break it up
      size_.erase(at);
    }
    void open(int change) {
      const std::lock_guard lock(mutex_);
      const bool before = users_ > 0;
      users_ += change;
      const bool now = users_ > 0;
      if (before == now) return;
      if (key_ >= 0)
        pkey_set(key_, now ? 0 : PKEY_DISABLE_ACCESS);
      else if (used_ > 0)
        mprotect(begin_, (used_ + huge_page - 1) / huge_page * huge_page, now ? PROT_READ | PROT_WRITE : PROT_NONE);
    }

   private:
    static constexpr std::size_t reserved = std::size_t{1} << 36, page = std::size_t{1} << 12, huge_page = std::size_t{1} << 21;
    std::mutex mutex_;
    const int key_ = pkey_alloc(0, PKEY_DISABLE_ACCESS);  ///< -1 where the processor has none: a system call for every kernel instead
    std::byte* begin_ = nullptr;
    std::size_t used_ = 0;
    std::map<void*, std::size_t> size_;
    int users_ = 0;
  };
  static Region& region() {
    static Region* const all = new Region;  // never destroyed: arrays of static duration may outlive anything
    return *all;
  }
};

}  // namespace moesaic::device
