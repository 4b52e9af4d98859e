#include "engine/revision_tree/page_cache.h"

#include <fmt/format.h>

#include "faults/base/assert.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::revision_tree {
namespace {

constexpr size_t kBlockBytes = size_t{64} << 10;

// A cache that grew beyond this is dropped instead of pooled: one large store must not pin memory.
constexpr size_t kPooledBytesMax = 4 << 20;
constexpr size_t kPooledCachesMax = 8;

std::vector<std::unique_ptr<PageCache>>& Pool() {
  thread_local std::vector<std::unique_ptr<PageCache>> pool;
  return pool;
}

}  // namespace

void PageCache::Attach(VfsFile& file, const Header& header, PageNumber page_limit) {
  Assert(IsPageSize(header.page_size_bytes), "the page size was checked when it was read");
  file_ = &file;
  header_ = header;
  page_size_bytes_ = header.page_size_bytes;
  page_limit_ = page_limit;
  ++epoch_;
  block_index_ = 0;
  block_used_bytes_ = 0;
  chain_bytes_ = 0;
}

Expected<PageCache::Slot*> PageCache::SlotOf(PageNumber page) {
  if (page < FirstDataPage(header_) || page >= page_limit_) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: end of file: {} pages", page, page_limit_));
  }
  if (page >= slots_.size()) slots_.resize(std::max<size_t>(page + 1, 2 * slots_.size()));
  return &slots_[page];
}

Expected<Bytes> PageCache::Read(PageNumber page) {
  const Expected<Slot*> slot = SlotOf(page);
  if (!slot) return std::unexpected(slot.error());
  if ((*slot)->epoch == epoch_) return Bytes((*slot)->bytes, page_size_bytes_);
  const MutableBytes bytes(Allocate(page_size_bytes_), page_size_bytes_);
  if (Expected<void> read = ReadWhole(page, bytes); !read) return std::unexpected(read.error());
  (*slot)->epoch = epoch_;
  (*slot)->bytes = bytes.data();
  return bytes;
}

Expected<int64_t> PageCache::ReadNext(PageNumber page) {
  const Expected<Slot*> slot = SlotOf(page);
  if (!slot) return std::unexpected(slot.error());
  if ((*slot)->epoch == epoch_) return LoadInt64((*slot)->bytes);
  std::array<std::byte, kNextBytes> next;
  if (Expected<void> read = ReadWhole(page, next); !read) return std::unexpected(read.error());
  return LoadInt64(next.data());
}

Expected<Chain> PageCache::ReadChain(int64_t offset) {
  if (offset < 0 || offset % page_size_bytes_ != 0) {
    return Fail(ErrorCode::kCorrupt, fmt::format("bad offset {}", offset));
  }
  const PageNumber first = static_cast<PageNumber>(offset) / page_size_bytes_;
  const Expected<Slot*> slot = SlotOf(first);
  if (!slot) return std::unexpected(slot.error());
  if ((*slot)->chain_epoch == epoch_) return (*slot)->chain;
  Expected<Chain> chain = PutTogether(first);
  if (!chain) return chain;
  Slot& read = slots_[first];  // pages behind it may have made the slots move
  read.chain_epoch = epoch_;
  read.chain = *chain;
  return chain;
}

Expected<Chain> PageCache::PutTogether(PageNumber first) {
  const Expected<Bytes> head = Read(first);
  if (!head) return std::unexpected(head.error());
  const int64_t size = LoadInt32(&(*head)[kNextBytes]);
  const uint64_t count = size < 0 ? 0 : ChainPages(static_cast<uint64_t>(size), page_size_bytes_);
  if (count == 0 || count > page_limit_) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: wrong size: {} bytes", first, size));
  }
  // Honest chains do not overlap. Without this bound, a damaged file in which every page claims the
  // whole file would need memory for the square of its size.
  chain_bytes_ += static_cast<uint64_t>(size);
  if (chain_bytes_ > 2 * page_limit_ * page_size_bytes_) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: chains overlap", first));
  }
  const MutableBytes numbers(Allocate(count * sizeof(PageNumber)), count * sizeof(PageNumber));
  const std::span<PageNumber> pages(reinterpret_cast<PageNumber*>(numbers.data()), count);
  pages[0] = first;
  Bytes data = head->subspan(kFirstBytes);
  if (count == 1) {
    data = data.first(static_cast<size_t>(size));
  } else {
    const MutableBytes whole(Allocate(static_cast<size_t>(size)), static_cast<size_t>(size));
    std::ranges::copy(data, whole.begin());
    size_t filled = data.size();
    for (uint64_t i = 1; i < count; ++i) {
      const Expected<PageNumber> next = FollowLink(pages[i - 1]);
      if (!next) return std::unexpected(next.error());
      pages[i] = *next;
      const Expected<Bytes> page = Read(*next);
      if (!page) return std::unexpected(page.error());
      const Bytes payload = page->subspan(kNextBytes);
      const size_t taken = std::min(payload.size(), whole.size() - filled);
      std::ranges::copy(payload.first(taken), whole.begin() + static_cast<ptrdiff_t>(filled));
      filled += taken;
    }
    data = whole;
  }
  const Expected<int64_t> end = ReadNext(pages.back());
  if (!end) return std::unexpected(end.error());
  if (*end != kNoOffset) {
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format("page {}: wrong size: the chain goes on behind its {} bytes", first, size));
  }
  return Chain{.data = data, .pages = pages};
}

Expected<PageNumber> PageCache::FollowLink(PageNumber page) {
  const Expected<int64_t> next = ReadNext(page);
  if (!next) return std::unexpected(next.error());
  if (*next < 0 || *next % page_size_bytes_ != 0) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: the chain ends too early: next offset {}", page, *next));
  }
  return static_cast<PageNumber>(*next) / page_size_bytes_;
}

Expected<void> PageCache::ReadWhole(PageNumber page, MutableBytes out) {
  ++reads_;
  const Expected<size_t> read = ReadFully(*file_, page * page_size_bytes_, out);
  if (!read) return std::unexpected(read.error());
  if (*read != out.size()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: lies beyond the end of the file", page));
  }
  return {};
}

std::byte* PageCache::Allocate(size_t size_bytes) {
  size_bytes = (size_bytes + 7) / 8 * 8;  // page numbers lie here, too
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
    cache_->ResetReads();
  }
}

PooledPageCache::~PooledPageCache() {
  std::vector<std::unique_ptr<PageCache>>& pool = Pool();
  if (pool.size() < kPooledCachesMax && cache_->allocated_bytes() <= kPooledBytesMax) {
    pool.push_back(std::move(cache_));
  }
}

}  // namespace plugpull::revision_tree
