// What a recovering engine itself wrote on top of a crash state. A read of bytes that it wrote
// needs no choice; a byte that it overwrote in full is closed without choosing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "faults/vfs/file_content.h"

namespace plugpull {

// One page: its bytes, and which of them were written.
class OverlayPage {
 public:
  void Clear();
  void Write(size_t begin, std::span<const std::byte> data);

  // Returns: the end of the longest run from `begin`, at most `end`, whose bytes are all written or
  // all not; `written` says which.
  size_t RunEnd(size_t begin, size_t end, bool& written) const;

  const std::byte* bytes() const { return bytes_.data(); }

 private:
  std::array<std::byte, kPageBytes> bytes_;
  std::array<uint64_t, kPageBytes / 64> written_{};
  bool full_ = false;
};

// Gives out pages and takes them all back at the start of the next execution.
class OverlayPool {
 public:
  OverlayPage* Take();
  void Reset() { used_ = 0; }

 private:
  std::vector<std::unique_ptr<OverlayPage>> pages_;
  size_t used_ = 0;
};

class OverlayFile {
 public:
  static constexpr uint64_t kNothingForgotten = std::numeric_limits<uint64_t>::max();

  void Clear();
  void Write(OverlayPool& pool, uint64_t offset_bytes, std::span<const std::byte> data);

  // Returns: the page if something was written to it, else null.
  const OverlayPage* PageAt(uint64_t index) const {
    return index < pages_.size() ? pages_[index] : nullptr;
  }

  // The size, once something made it known for good.
  std::optional<uint64_t> size_bytes;

  // Bytes of the crash state from here on are gone: cut off, or zeroed when the file grew again.
  uint64_t forgotten_from_bytes = kNothingForgotten;

  // Cuts to `size_bytes`; written bytes beyond it are forgotten too.
  void Truncate(uint64_t size_bytes);

 private:
  std::vector<OverlayPage*> pages_;
  std::vector<uint32_t> touched_;
};

}  // namespace plugpull
