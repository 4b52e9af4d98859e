// The freelist as it lies in the file: one page run with ascending ids, free and pending alike.
#pragma once

#include <vector>

#include "engine/cow_tree/page_cache.h"

namespace plugpull::cow_tree {

// The ids on a freelist page, in place and unchecked.
class FreelistPage {
 public:
  // Errors: bbolt's "invalid freelist page: N, page type is T", a count that the page cannot hold.
  static Expected<FreelistPage> Read(PageCache& pages, PageId id, PageId high_water_mark);

  const PageHeader& header() const { return header_; }
  uint64_t count() const { return count_; }
  PageId At(uint64_t index) const { return Load<uint64_t>(first_ + 8 * index); }

 private:
  PageHeader header_{};
  uint64_t count_ = 0;
  const std::byte* first_ = nullptr;
};

// Returns: the pages that a freelist of so many ids takes; one too many at times, in bbolt's way.
uint64_t FreelistPageCount(uint64_t id_count, uint32_t page_size_bytes);

// Fills a zeroed run behind and including its header. Requires: the ids ascend, and fit.
void SerializeFreelist(const std::vector<PageId>& ids, PageId id, std::span<std::byte> run);

}  // namespace plugpull::cow_tree
