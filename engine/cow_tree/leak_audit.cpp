#include "engine/cow_tree/leak_audit.h"

namespace plugpull::cow_tree {

Expected<void> LeakAudit::Begin(const StoreView& store) {
  Expected<std::vector<PageId>> unreached = FindFreePages(store);
  if (!unreached) return std::unexpected(unreached.error());
  unreached_ = *std::move(unreached);
  high_water_mark_ = store.meta.high_water_mark;
  commits_ = 0;
  is_under_way_ = true;
  return {};
}

Expected<void> LeakAudit::Step(const Meta& active, PageCache& pages, FreeList& free_list) {
  if (!is_under_way_ || commits_++ < kCommitsInPeace) return {};
  is_under_way_ = false;
  const Expected<FreelistPage> freelist =
      FreelistPage::Read(pages, active.freelist, active.high_water_mark);
  if (!freelist) return std::unexpected(freelist.error());
  const PageId last_of_freelist = active.freelist + freelist->header().overflow;
  for (PageId id = high_water_mark_; id < active.high_water_mark; ++id) unreached_.push_back(id);
  std::vector<PageId> leaked;
  for (const PageId id : unreached_) {
    const bool holds_freelist = id >= active.freelist && id <= last_of_freelist;
    if (!holds_freelist && !free_list.Has(id)) leaked.push_back(id);
  }
  free_list.TakeBack(leaked);
  return {};
}

}  // namespace plugpull::cow_tree
