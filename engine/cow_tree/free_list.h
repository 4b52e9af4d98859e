// Which pages may be written next. A page that a transaction frees belongs to the tree of the
// transaction before it, which must survive a power cut until the new meta is durable: so freed
// pages are first pending, and become free when the next write transaction starts.
#pragma once

#include <unordered_set>
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

class FreeList {
 public:
  explicit FreeList(bool reuse_freed_pages_at_once)
      : reuse_freed_pages_at_once_(reuse_freed_pages_at_once) {}

  // Replaces the contents. Errors: ids that no page below the high-water mark can have, or twice.
  Expected<void> Assign(std::vector<PageId> ids, PageId high_water_mark);

  // Returns: whether a page is free or pending.
  bool Has(PageId id) const { return members_.contains(id); }

  // Adds pages that were found not to be in use. Requires: Has() of none of them.
  void TakeBack(const std::vector<PageId>& ids);

  // Makes pending pages free: nobody reads the trees that they belonged to, as there are no
  // long-lived readers here.
  void ReleasePending();

  // Takes the lowest run of `page_count` free pages, as bbolt's array freelist does. Returns: its
  // first id, 0 when there is none.
  PageId Allocate(uint64_t page_count);

  // Errors: bbolt's "page N already freed" and "cannot free page 0 or 1: N".
  Expected<void> Free(PageId id, uint32_t overflow);

  // Returns: the pages that a freelist page of the present size takes; one too many at times, in
  // bbolt's way.
  uint64_t PageCountFor(uint32_t page_size_bytes) const;

  // Fills a zeroed run behind and including its header.
  void Serialize(PageId id, std::span<std::byte> run) const;

 private:
  bool reuse_freed_pages_at_once_;
  std::vector<PageId> free_;     // ascending
  std::vector<PageId> pending_;  // freed by the transaction that runs or ran last
  std::unordered_set<PageId> members_;
};

}  // namespace plugpull::cow_tree
