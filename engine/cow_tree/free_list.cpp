#include "engine/cow_tree/free_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/assert.h"

namespace plugpull::cow_tree {
namespace {

void AppendIds(std::vector<PageId>& ids, PageId first, uint64_t page_count) {
  for (PageId id = first; id < first + page_count; ++id) ids.push_back(id);
}

}  // namespace

FreeList::FreeList(const Options& options)
    : policy_(options.free_policy), protocol_(options.protocol) {}

Expected<void> FreeList::Assign(std::vector<PageId> ids, PageId high_water_mark,
                                uint64_t committed) {
  std::sort(ids.begin(), ids.end());
  for (size_t index = 0; index < ids.size(); ++index) {
    if (ids[index] < kFirstDataPage) {
      return Fail(ErrorCode::kCorrupt, fmt::format("invalid page allocation: {}", ids[index]));
    }
    if (ids[index] >= high_water_mark) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("page {}: out of bounds: {}", ids[index], high_water_mark));
    }
    if (index > 0 && ids[index] == ids[index - 1]) {
      return Fail(ErrorCode::kCorrupt, fmt::format("page {}: already freed", ids[index]));
    }
  }
  for (auto failed = pending_.upper_bound(committed); failed != pending_.end();) {
    Forget(failed->first, failed->second);
    failed = pending_.erase(failed);
  }
  std::erase_if(allocated_by_, [&](const auto& each) { return each.second > committed; });
  allocated_.clear();
  members_.clear();
  std::vector<PageId> pending;
  for (const auto& [freed_by, runs] : pending_) {
    for (const Run& run : runs) AppendIds(pending, run.id, run.page_count);
  }
  members_.insert(pending.begin(), pending.end());
  std::erase_if(ids, [&](PageId id) { return members_.contains(id); });
  members_.insert(ids.begin(), ids.end());
  free_ = std::move(ids);
  return {};
}

void FreeList::Hold(const std::vector<PageId>& ids, uint64_t freed_by) {
  std::vector<PageId> held;
  std::ranges::set_intersection(free_, ids, std::back_inserter(held));
  if (held.empty()) return;
  std::erase_if(free_, [&](PageId id) { return std::ranges::binary_search(held, id); });
  for (const PageId id : held) pending_[freed_by].push_back(Run{.id = id, .page_count = 1});
}

void FreeList::TakeBack(const std::vector<PageId>& ids) {
  members_.insert(ids.begin(), ids.end());
  MergeIntoFree(ids);
}

void FreeList::Begin(uint64_t transaction_id, const ReaderSet& readers) {
  running_ = transaction_id;
  allocated_.clear();
  const uint64_t generations = policy_ == FreePolicy::kHoldTwoGenerations ? 2 : 1;
  std::vector<PageId> released;
  for (auto& [freed_by, runs] : pending_) {
    if (freed_by + generations > transaction_id) break;
    std::erase_if(runs, [&](const Run& run) {
      const bool is_needed = std::ranges::any_of(readers, [&](uint64_t reader) {
        return reader >= run.allocated_by && reader <= freed_by;
      });
      if (is_needed && !protocol_.ignore_readers) return false;
      AppendIds(released, run.id, run.page_count);
      return true;
    });
  }
  std::erase_if(pending_, [](const auto& each) { return each.second.empty(); });
  MergeIntoFree(std::move(released));
}

void FreeList::Undo() {
  if (const auto freed = pending_.find(running_); freed != pending_.end()) {
    Forget(freed->first, freed->second);
    pending_.erase(freed);
  }
  std::vector<PageId> ids;
  for (const Run& run : allocated_) {
    allocated_by_.erase(run.id);
    AppendIds(ids, run.id, run.page_count);
  }
  allocated_.clear();
  TakeBack(ids);
}

// Pages that a transaction freed are not free after all.
void FreeList::Forget(uint64_t transaction_id, const std::vector<Run>& freed) {
  for (const Run& run : freed) {
    for (PageId id = run.id; id < run.id + run.page_count; ++id) members_.erase(id);
    if (protocol_.adopt_pages_on_rollback) {
      allocated_by_[run.id] = transaction_id;
    } else if (run.allocated_by != 0) {
      allocated_by_[run.id] = run.allocated_by;
    }
  }
}

PageId FreeList::Allocate(uint64_t page_count) {
  Assert(page_count > 0, "an allocation asks for pages");
  size_t run_begin = 0;
  for (size_t index = 0; index < free_.size(); ++index) {
    if (index > 0 && free_[index] != free_[index - 1] + 1) run_begin = index;
    if (index - run_begin + 1 != page_count) continue;
    const PageId first = free_[run_begin];
    free_.erase(free_.begin() + run_begin, free_.begin() + index + 1);
    for (PageId id = first; id < first + page_count; ++id) members_.erase(id);
    allocated_by_[first] = running_;
    allocated_.push_back(Run{.id = first, .page_count = page_count});
    return first;
  }
  return 0;
}

Expected<void> FreeList::Free(PageId id, uint32_t overflow) {
  const auto known = allocated_by_.find(id);
  return FreeRun(Run{.id = id,
                     .page_count = uint64_t{overflow} + 1,
                     .allocated_by = known != allocated_by_.end() ? known->second : 0});
}

Expected<void> FreeList::FreeFreelist(PageId id, uint32_t overflow) {
  return FreeRun(Run{.id = id, .page_count = uint64_t{overflow} + 1, .allocated_by = running_ - 1});
}

Expected<void> FreeList::FreeRun(const Run& run) {
  if (run.id < kFirstDataPage) {
    return Fail(ErrorCode::kCorrupt, fmt::format("cannot free page 0 or 1: {}", run.id));
  }
  for (PageId id = run.id; id < run.id + run.page_count; ++id) {
    if (!members_.insert(id).second) {
      return Fail(ErrorCode::kCorrupt, fmt::format("page {} already freed", id));
    }
  }
  allocated_by_.erase(run.id);
  if (protocol_.reuse_freed_pages_at_once) {
    std::vector<PageId> ids;
    AppendIds(ids, run.id, run.page_count);
    MergeIntoFree(std::move(ids));
  } else {
    pending_[running_].push_back(run);
  }
  return {};
}

void FreeList::MergeIntoFree(std::vector<PageId> ids) {
  std::sort(ids.begin(), ids.end());
  const auto middle = free_.insert(free_.end(), ids.begin(), ids.end());
  std::inplace_merge(free_.begin(), middle, free_.end());
}

// Whether the freelist page has the pages that transaction `freed_by` left pending.
bool FreeList::IsStored(uint64_t freed_by) const {
  if (protocol_.store_no_pending_pages) return false;
  return policy_ != FreePolicy::kDelayedFree || freed_by != running_;
}

std::vector<PageId> FreeList::StoredIds() const {
  std::vector<PageId> ids = free_;
  for (const auto& [freed_by, runs] : pending_) {
    if (!IsStored(freed_by)) continue;
    for (const Run& run : runs) AppendIds(ids, run.id, run.page_count);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

uint64_t FreeList::StoredCount() const {
  uint64_t count = members_.size();
  for (const auto& [freed_by, runs] : pending_) {
    if (IsStored(freed_by)) continue;
    for (const Run& run : runs) count -= run.page_count;
  }
  return count;
}

}  // namespace plugpull::cow_tree
