// When and how far the file grows. bbolt maps the file and doubles the mapping; this engine maps
// nothing, but makes the same sizes, because the ftruncate and fsync of a growth are part of the
// commit protocol: boltdb #284, fdatasync on ext3/ext4 not making the size durable.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

namespace plugpull::cow_tree {

class FileGrowth {
 public:
  // Models the first mapping of an opened file.
  void Map(uint64_t file_size_bytes) {
    mapped_bytes_ = RoundMapping(std::max(file_size_bytes, mapped_bytes_));
  }

  // Called for every allocation at the end of the file. `needed_bytes` includes one page of slack.
  void EnsureMapped(uint64_t needed_bytes) {
    if (needed_bytes >= mapped_bytes_) mapped_bytes_ = RoundMapping(needed_bytes);
  }

  // Returns: the size to cut the file to before pages up to `needed_bytes` are written, or nothing.
  // After an open bbolt does not remember the file's size, so the first growth may change nothing.
  std::optional<uint64_t> Target(uint64_t needed_bytes) const {
    if (needed_bytes <= file_bytes_) return std::nullopt;
    return mapped_bytes_ < kAllocationBytes ? mapped_bytes_ : needed_bytes + kAllocationBytes;
  }

  void Remember(uint64_t file_size_bytes) { file_bytes_ = file_size_bytes; }

 private:
  static constexpr uint64_t kMappingBytesMin = 32 << 10;
  static constexpr uint64_t kMappingStepBytes = 1 << 30;  // beyond this size, no more doubling
  static constexpr uint64_t kAllocationBytes = 16 << 20;  // bbolt's AllocSize

  static uint64_t RoundMapping(uint64_t size_bytes) {
    if (size_bytes <= kMappingBytesMin) return kMappingBytesMin;
    if (size_bytes <= kMappingStepBytes) return std::bit_ceil(size_bytes);
    return (size_bytes + kMappingStepBytes - 1) / kMappingStepBytes * kMappingStepBytes;
  }

  uint64_t mapped_bytes_ = 0;
  uint64_t file_bytes_ = 0;
};

}  // namespace plugpull::cow_tree
