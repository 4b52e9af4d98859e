#include "engine/cow_tree/free_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/assert.h"

namespace plugpull::cow_tree {

Expected<FreelistPage> FreelistPage::Read(PageCache& pages, PageId id, PageId high_water_mark) {
  if (id < kFirstDataPage || id >= high_water_mark) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("invalid freelist page: {}, out of bounds: {}", id, high_water_mark));
  }
  const Expected<Bytes> run = pages.Read(id);
  if (!run) return std::unexpected(run.error());
  FreelistPage page;
  page.header_ = LoadPageHeader(run->data());
  if ((page.header_.flags & kFreelistFlag) == 0) {
    return Fail(ErrorCode::kCorrupt, fmt::format("invalid freelist page: {}, page type is {}", id,
                                                 PageTypeName(page.header_.flags)));
  }
  page.count_ = page.header_.count;
  page.first_ = run->data() + kPageHeaderBytes;
  uint64_t slot_count = (run->size() - kPageHeaderBytes) / 8;
  if (page.count_ == kFreelistCountEscape) {
    page.count_ = Load<uint64_t>(page.first_);
    page.first_ += 8;
    --slot_count;
  }
  if (page.count_ > slot_count) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("invalid freelist page: {}, {} ids do not fit", id, page.count_));
  }
  return page;
}

Expected<void> FreeList::Assign(std::vector<PageId> ids, PageId high_water_mark) {
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
  members_ = std::unordered_set<PageId>(ids.begin(), ids.end());
  free_ = std::move(ids);
  pending_.clear();
  return {};
}

void FreeList::TakeBack(const std::vector<PageId>& ids) {
  members_.insert(ids.begin(), ids.end());
  free_.insert(free_.end(), ids.begin(), ids.end());
  std::sort(free_.begin(), free_.end());
}

void FreeList::ReleasePending() {
  const auto middle = free_.insert(free_.end(), pending_.begin(), pending_.end());
  std::sort(middle, free_.end());
  std::inplace_merge(free_.begin(), middle, free_.end());
  pending_.clear();
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
    return first;
  }
  return 0;
}

Expected<void> FreeList::Free(PageId id, uint32_t overflow) {
  if (id < kFirstDataPage) {
    return Fail(ErrorCode::kCorrupt, fmt::format("cannot free page 0 or 1: {}", id));
  }
  for (PageId part = id; part <= id + overflow; ++part) {
    if (!members_.insert(part).second) {
      return Fail(ErrorCode::kCorrupt, fmt::format("page {} already freed", part));
    }
    pending_.push_back(part);
  }
  if (reuse_freed_pages_at_once_) ReleasePending();
  return {};
}

uint64_t FreeList::PageCountFor(uint32_t page_size_bytes) const {
  uint64_t slot_count = members_.size();
  if (slot_count >= kFreelistCountEscape) ++slot_count;
  return (kPageHeaderBytes + 8 * slot_count) / page_size_bytes + 1;
}

void FreeList::Serialize(PageId id, std::span<std::byte> run) const {
  std::vector<PageId> ids = free_;
  ids.insert(ids.end(), pending_.begin(), pending_.end());
  std::sort(ids.begin(), ids.end());
  PageHeader header = LoadPageHeader(run.data());
  header.id = id;
  header.flags = kFreelistFlag;
  std::byte* at = run.data() + kPageHeaderBytes;
  if (ids.size() < kFreelistCountEscape) {
    header.count = static_cast<uint16_t>(ids.size());
  } else {
    header.count = kFreelistCountEscape;
    Store(at, uint64_t{ids.size()});
    at += 8;
  }
  StorePageHeader(run.data(), header);
  Assert(at + 8 * ids.size() <= run.data() + run.size(), "the freelist fits its pages");
  if (!ids.empty()) std::memcpy(at, ids.data(), 8 * ids.size());
}

}  // namespace plugpull::cow_tree
