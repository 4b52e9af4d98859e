// Mutant C1: an audit for leaked pages after an open, whose result is used too late. It notes what
// the tree reaches when the store is opened, leaves the first commits in peace, and then takes
// every page for leaked that was not reached and is not on the freelist. Pages that were allocated
// in between are neither, and they are live.
//
// A new store has nothing to audit, and a crash soon after an open ends the audit before it does
// harm: so the bug needs a store that was opened again and is then used for some time.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/cow_tree/checker.h"
#include "engine/cow_tree/free_list.h"

namespace plugpull::cow_tree {

class LeakAudit {
 public:
  // Notes what the tree does not reach. Errors: those of FindFreePages.
  Expected<void> Begin(const StoreView& store);

  // Call at the start of each commit. Once, a few commits after Begin, it gives the free list what
  // it takes for leaked. Errors: the freelist page cannot be read.
  Expected<void> Step(const Meta& active, PageCache& pages, FreeList& free_list);

 private:
  // Longer than a store is used to see whether it can be used.
  static constexpr uint32_t kCommitsInPeace = 3;

  bool is_under_way_ = false;
  uint32_t commits_ = 0;
  PageId high_water_mark_ = 0;  // when it began
  std::vector<PageId> unreached_;
};

}  // namespace plugpull::cow_tree
