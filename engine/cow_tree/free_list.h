// Which pages may be written next. A page that a transaction frees belongs to the tree of the
// transaction before it, which must survive a power cut until the new meta is durable, and which
// readers may have open: so freed pages are first pending, and become free when a later write
// transaction starts and nobody needs them any more.
#pragma once

#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/cow_tree/freelist_page.h"
#include "engine/cow_tree/protocol.h"

namespace plugpull::cow_tree {

using ReaderSet = std::multiset<uint64_t>;  // the txids that open readers are pinned to

class FreeList {
 public:
  explicit FreeList(const Options& options);

  // Takes what the file says after transaction `committed` for free, but for what is known to be
  // pending still; what later transactions did, which failed, is forgotten. Errors: ids that no
  // page below the high-water mark can have, or twice.
  Expected<void> Assign(std::vector<PageId> ids, PageId high_water_mark, uint64_t committed);

  // Makes those of these pages that are free pending, as if transaction `freed_by` had freed them.
  void Hold(const std::vector<PageId>& ids, uint64_t freed_by);

  // Returns: whether a page is free or pending.
  bool Has(PageId id) const { return members_.contains(id); }

  // Adds pages that were found not to be in use. Requires: Has() of none of them.
  void TakeBack(const std::vector<PageId>& ids);

  // Starts a write transaction, and makes free what is pending and no longer needed. A page that
  // transaction A allocated and F freed is part of the trees from A to F - 1. It waits for every
  // reader from A to F: like bbolt, one more than it must. Who allocated a page is known if it came
  // from this list; else it waits for every reader up to F. With hold_two_generations it waits for
  // the commit of F + 1, too.
  void Begin(uint64_t transaction_id, const ReaderSet& readers);

  // Undoes what the transaction that runs has allocated and freed. What its start made free stays.
  // Mutant M12 leaves a trace in who allocated what: the pages that the transaction would have
  // freed count as its own, and so as younger than the readers that are there. (What bbolt left
  // behind in #797 is the other half, the pages that it had allocated; it does no harm.)
  void Undo();

  // Takes the lowest run of `page_count` free pages, as bbolt's array freelist does. Returns: its
  // first id, 0 when there is none.
  PageId Allocate(uint64_t page_count);

  // Errors: bbolt's "page N already freed" and "cannot free page 0 or 1: N".
  Expected<void> Free(PageId id, uint32_t overflow);

  // As Free, for the old freelist page, which the transaction before this one has allocated.
  Expected<void> FreeFreelist(PageId id, uint32_t overflow);

  // The ids for the freelist page of the transaction that runs; and how many there are.
  std::vector<PageId> StoredIds() const;
  uint64_t StoredCount() const;

 private:
  struct Run {
    PageId id = 0;
    uint64_t page_count = 0;
    uint64_t allocated_by = 0;  // 0: not known
  };

  Expected<void> FreeRun(const Run& run);
  void Forget(uint64_t transaction_id, const std::vector<Run>& freed);
  void MergeIntoFree(std::vector<PageId> ids);
  bool IsStored(uint64_t freed_by) const;

  FreePolicy policy_;
  Protocol protocol_;
  uint64_t running_ = 0;                          // the write transaction that runs or ran last
  std::vector<Run> allocated_;                    // by it, from this list
  std::vector<PageId> free_;                      // ascending
  std::map<uint64_t, std::vector<Run>> pending_;  // by who freed it
  std::unordered_set<PageId> members_;            // free and pending
  std::unordered_map<PageId, uint64_t> allocated_by_;  // first pages of live runs
};

}  // namespace plugpull::cow_tree
