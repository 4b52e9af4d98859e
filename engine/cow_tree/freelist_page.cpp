#include "engine/cow_tree/freelist_page.h"

#include <fmt/format.h>

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

uint64_t FreelistPageCount(uint64_t id_count, uint32_t page_size_bytes) {
  const uint64_t slot_count = id_count < kFreelistCountEscape ? id_count : id_count + 1;
  return (kPageHeaderBytes + 8 * slot_count) / page_size_bytes + 1;
}

void SerializeFreelist(const std::vector<PageId>& ids, PageId id, std::span<std::byte> run) {
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
