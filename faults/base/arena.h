// Memory that is handed out in pieces and taken back all at once, for what lives as long as one
// crash point. Reset keeps the blocks, so a warmed-up arena never calls the allocator.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace plugpull {

class Arena {
 public:
  // Returns: `size_bytes` of uninitialised memory, valid until Reset.
  std::byte* Allocate(size_t size_bytes) {
    while (block_ < blocks_.size() && used_ + size_bytes > blocks_[block_].size_bytes) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size()) {
      const size_t block_bytes = size_bytes > kBlockBytes ? size_bytes : kBlockBytes;
      blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(block_bytes), block_bytes});
      used_ = 0;
    }
    std::byte* result = blocks_[block_].memory.get() + used_;
    used_ += size_bytes;
    return result;
  }

  void Reset() {
    block_ = 0;
    used_ = 0;
  }

 private:
  static constexpr size_t kBlockBytes = size_t{256} * 1024;

  struct Block {
    std::unique_ptr<std::byte[]> memory;
    size_t size_bytes;
  };

  std::vector<Block> blocks_;
  size_t block_ = 0;
  size_t used_ = 0;
};

}  // namespace plugpull
