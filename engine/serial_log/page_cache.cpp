#include "engine/serial_log/page_cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/assert.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::serial_log {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;

// A cache that grew beyond this is dropped instead of pooled: one large store must not pin memory.
constexpr size_t kPooledBytesMax = 4 << 20;
constexpr size_t kPooledCachesMax = 8;

std::vector<std::unique_ptr<PageCache>>& Pool() {
  thread_local std::vector<std::unique_ptr<PageCache>> pool;
  return pool;
}

}  // namespace

void PageCache::Attach(VfsFile& file, uint32_t page_size_bytes, uint64_t file_size_bytes,
                       bool verify_checksums) {
  Assert(IsPageSize(page_size_bytes), "the page size was checked when the header was read");
  file_ = &file;
  page_size_bytes_ = page_size_bytes;
  verify_checksums_ = verify_checksums;
  const uint64_t file_pages = file_size_bytes / page_size_bytes;
  page_limit_ = static_cast<PageNumber>(
      std::min<uint64_t>(file_pages, static_cast<uint64_t>(PagesMax(page_size_bytes))));
  for (const PageNumber page : resident_) frames_[static_cast<size_t>(page)] = Frame{};
  resident_.clear();
  block_index_ = 0;
  block_used_bytes_ = 0;
  scratch_.resize(page_size_bytes);
}

Expected<Bytes> PageCache::Read(PageNumber page) {
  const Expected<Frame*> frame = Fetch(page);
  if (!frame) return std::unexpected(frame.error());
  return Bytes((*frame)->bytes, page_size_bytes_);
}

Expected<MutableBytes> PageCache::Edit(PageNumber page) {
  const Expected<Frame*> frame = Fetch(page);
  if (!frame) return std::unexpected(frame.error());
  (*frame)->is_dirty = true;
  return MutableBytes((*frame)->bytes, page_size_bytes_);
}

MutableBytes PageCache::Replace(PageNumber page) {
  Frame& frame = FrameOf(page);
  if (frame.bytes == nullptr) {
    frame.bytes = Allocate();
    resident_.push_back(page);
  }
  frame.is_dirty = true;
  page_limit_ = std::max(page_limit_, page + 1);
  const MutableBytes bytes(frame.bytes, page_size_bytes_);
  std::ranges::fill(bytes, std::byte{0});
  return bytes;
}

bool PageCache::IsDirty(PageNumber page) const {
  return static_cast<size_t>(page) < frames_.size() && frames_[static_cast<size_t>(page)].is_dirty;
}

void PageCache::MarkClean(PageNumber page) {
  Assert(static_cast<size_t>(page) < frames_.size(), "the page is in memory");
  frames_[static_cast<size_t>(page)].is_dirty = false;
}

std::vector<PageNumber> PageCache::DirtyPages() const {
  std::vector<PageNumber> dirty;
  for (const PageNumber page : resident_) {
    if (frames_[static_cast<size_t>(page)].is_dirty) dirty.push_back(page);
  }
  std::ranges::sort(dirty);
  return dirty;
}

// A page number that the file does not reach is asked for all the same, as Falcon does: the answer
// is what the field reports name.
Expected<PageCache::Frame*> PageCache::Fetch(PageNumber page) {
  if (page >= 0 && static_cast<size_t>(page) < frames_.size()) {
    Frame& frame = frames_[static_cast<size_t>(page)];
    if (frame.bytes != nullptr) return &frame;
  }
  if (page < 0) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: there are no such pages", page));
  }
  const uint64_t offset_bytes = static_cast<uint64_t>(page) * page_size_bytes_;
  const bool can_be_kept = page < PagesMax(page_size_bytes_);
  const MutableBytes bytes =
      can_be_kept ? MutableBytes(Allocate(), page_size_bytes_) : MutableBytes(scratch_);
  const Expected<size_t> read = ReadFully(*file_, offset_bytes, bytes);
  if (!read) return std::unexpected(read.error());
  if (*read != bytes.size()) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: read of {} bytes at {} of {} returned {}, behind the end of "
                            "the file",
                            page, bytes.size(), offset_bytes, kTablespacePath, *read));
  }
  if (!can_be_kept) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: beyond what the inventory can speak of", page));
  }
  if (verify_checksums_ && !IsChecksumGood(bytes)) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: checksum error", page));
  }
  Frame& frame = FrameOf(page);
  frame.bytes = bytes.data();
  resident_.push_back(page);
  page_limit_ = std::max(page_limit_, page + 1);
  return &frame;
}

PageCache::Frame& PageCache::FrameOf(PageNumber page) {
  Assert(page >= 0 && page < PagesMax(page_size_bytes_), "the tablespace can have the page");
  const auto index = static_cast<size_t>(page);
  if (index >= frames_.size()) frames_.resize(index + 1);
  return frames_[index];
}

std::byte* PageCache::Allocate() {
  while (block_index_ < blocks_.size() && kBlockBytes - block_used_bytes_ < page_size_bytes_) {
    ++block_index_;
    block_used_bytes_ = 0;
  }
  if (block_index_ == blocks_.size()) {
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kBlockBytes));
    block_used_bytes_ = 0;
  }
  std::byte* begin = blocks_[block_index_].get() + block_used_bytes_;
  block_used_bytes_ += page_size_bytes_;
  return begin;
}

size_t PageCache::allocated_bytes() const {
  return blocks_.size() * kBlockBytes + frames_.capacity() * sizeof(Frame);
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

}  // namespace plugpull::serial_log
