#include "engine/cow_tree/page_cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/assert.h"
#include "faults/base/random.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::cow_tree {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;
constexpr size_t kEntriesMin = 64;

// A cache that grew beyond this is dropped instead of pooled: one large store must not pin memory.
constexpr size_t kPooledBytesMax = 4 << 20;
constexpr size_t kPooledCachesMax = 8;

std::vector<std::unique_ptr<PageCache>>& Pool() {
  thread_local std::vector<std::unique_ptr<PageCache>> pool;
  return pool;
}

}  // namespace

void PageCache::Attach(VfsFile& file, uint32_t page_size_bytes, PageId page_limit) {
  Assert(IsPageSize(page_size_bytes), "the page size was checked when the meta was read");
  file_ = &file;
  page_size_bytes_ = page_size_bytes;
  page_limit_ = page_limit;
  if (entries_.empty()) entries_.resize(kEntriesMin);
  entry_count_ = 0;
  ++epoch_;
  block_index_ = 0;
  block_used_bytes_ = 0;
  run_bytes_ = 0;
}

Expected<Bytes> PageCache::Read(PageId id) {
  if (id >= page_limit_) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: out of bounds: {}", id, page_limit_));
  }
  Entry& entry = FindEntry(id);
  if (entry.epoch == epoch_) return entry.run;
  Expected<Bytes> run = ReadRun(id);
  if (!run) return run;
  entry = Entry{.id = id, .epoch = epoch_, .run = *run};
  if (++entry_count_ * 2 > entries_.size()) GrowEntries();
  return run;
}

PageCache::Entry& PageCache::FindEntry(PageId id) {
  const size_t mask = entries_.size() - 1;
  for (size_t index = id & mask;; index = (index + 1) & mask) {
    Entry& entry = entries_[index];
    if (entry.epoch != epoch_ || entry.id == id) return entry;
  }
}

void PageCache::GrowEntries() {
  std::vector<Entry> old(entries_.size() * 2);
  old.swap(entries_);
  for (const Entry& entry : old) {
    if (entry.epoch == epoch_) FindEntry(entry.id) = entry;
  }
}

Expected<Bytes> PageCache::ReadRun(PageId id) {
  std::span<std::byte> run(Allocate(page_size_bytes_), page_size_bytes_);
  if (Expected<void> read = ReadFully(id, run); !read) return std::unexpected(read.error());
  const uint64_t overflow = LoadPageHeader(run.data()).overflow;
  if (overflow == 0) return run;
  if (overflow >= page_limit_ - id) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: out of bounds: {}", id + overflow, page_limit_));
  }
  // Honest runs do not overlap. Without this bound, a damaged file in which every page claims the
  // rest of the file would need memory for the square of its size.
  const uint64_t size_bytes = (overflow + 1) * page_size_bytes_;
  run_bytes_ += size_bytes;
  if (run_bytes_ > 2 * page_limit_ * page_size_bytes_) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: multiple references (overlapping runs)", id));
  }
  std::span<std::byte> whole(Allocate(size_bytes), size_bytes);
  std::copy(run.begin(), run.end(), whole.begin());
  Expected<void> read = ReadFully(id + 1, whole.subspan(page_size_bytes_));
  if (!read) return std::unexpected(read.error());
  return whole;
}

Expected<void> PageCache::ReadFully(PageId id, std::span<std::byte> out) {
  const Expected<size_t> read = plugpull::ReadFully(*file_, id * page_size_bytes_, out);
  if (!read) return std::unexpected(read.error());
  if (*read != out.size()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: lies beyond the end of the file", id));
  }
  return {};
}

std::byte* PageCache::Allocate(size_t size_bytes) {
  while (block_index_ < blocks_.size() &&
         blocks_[block_index_].size_bytes - block_used_bytes_ < size_bytes) {
    ++block_index_;
    block_used_bytes_ = 0;
  }
  if (block_index_ == blocks_.size()) {
    const size_t block_bytes = std::max(kBlockBytes, size_bytes);
    blocks_.push_back(Block{std::make_unique_for_overwrite<std::byte[]>(block_bytes), block_bytes});
    allocated_bytes_ += block_bytes;
    block_used_bytes_ = 0;
  }
  std::byte* begin = blocks_[block_index_].bytes.get() + block_used_bytes_;
  block_used_bytes_ += size_bytes;
  return begin;
}

PooledPageCache::PooledPageCache() {
  std::vector<std::unique_ptr<PageCache>>& pool = Pool();
  if (pool.empty()) {
    cache_ = std::make_unique<PageCache>();
  } else {
    cache_ = std::move(pool.back());
    pool.pop_back();
  }
}

PooledPageCache::~PooledPageCache() {
  std::vector<std::unique_ptr<PageCache>>& pool = Pool();
  if (pool.size() < kPooledCachesMax && cache_->allocated_bytes() <= kPooledBytesMax) {
    pool.push_back(std::move(cache_));
  }
}

}  // namespace plugpull::cow_tree
