#include "engine/serial_log/checkpoint.h"

#include <algorithm>

#include "faults/base/assert.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::serial_log {
namespace {

// Returns: how late a page may be written in careful order: what is referred to comes first.
int Rank(PageType type) {
  switch (type) {
    case PageType::kOverflow:
      return 0;
    case PageType::kData:
      return 1;
    case PageType::kLocator:
      return 2;
    case PageType::kSection:
      return 3;
    case PageType::kNone:
    case PageType::kHeader:
    case PageType::kInventory:
    case PageType::kIndex:
      return 4;
  }
  return 4;
}

Expected<int> RankOf(PageCache& pages, PageNumber page) {
  if (page == kSectionRoot) return 4;
  const Expected<Bytes> bytes = pages.Read(page);
  if (!bytes) return std::unexpected(bytes.error());
  return Rank(LoadPageHeader(*bytes).type);
}

}  // namespace

// What is buffered is put into a block first. It speaks of pages that this checkpoint writes, so it
// must not look as if it came after it: recovery would make those pages afresh, without the records
// of transactions that it does not redo.
Expected<void> Checkpoint::Begin(std::optional<BlockNumber> oldest_needed) {
  Assert(!is_under_way_, "one checkpoint at a time");
  const Expected<BlockNumber> block = log_.WriteBuffered();
  if (!block) return std::unexpected(block.error());
  block_ = *block;
  oldest_needed_ = oldest_needed;
  read_block_ = std::min(block_ + 1, oldest_needed.value_or(block_ + 1));
  if (options_.mutations.read_block_ignores_active) read_block_ = block_ + 1;
  marked_ = pages_.DirtyPages();
  written_ = 0;
  is_under_way_ = true;
  if (options_.flush_order == FlushOrder::kDescending) std::ranges::reverse(marked_);
  if (options_.flush_order != FlushOrder::kCareful) return {};
  std::vector<std::pair<int, PageNumber>> ranked;
  for (const PageNumber page : marked_) {
    const Expected<int> rank = RankOf(pages_, page);
    if (!rank) return std::unexpected(rank.error());
    ranked.emplace_back(*rank, page);
  }
  std::ranges::sort(ranked);
  std::ranges::transform(ranked, marked_.begin(), [](const auto& each) { return each.second; });
  return {};
}

Expected<void> Checkpoint::Write(size_t count) {
  if (!is_under_way_) return {};
  const auto first = marked_.begin() + static_cast<ptrdiff_t>(written_);
  const size_t size = std::min(count, marked_.size() - written_);
  written_ += size;
  return WriteBatch(std::vector<PageNumber>(first, first + static_cast<ptrdiff_t>(size)));
}

Expected<void> Checkpoint::WriteUntil(PageNumber page) {
  const auto begin = marked_.begin() + static_cast<ptrdiff_t>(written_);
  const auto found = std::find(begin, marked_.end(), page);
  if (found == marked_.end()) return {};
  return Write(static_cast<size_t>(found - begin) + 1);
}

Expected<void> Checkpoint::Finish() {
  if (!is_under_way_) return {};
  if (options_.mutations.checkpoint_before_sync) return FinishRecordFirst();
  if (Expected<void> written = Write(marked_.size()); !written) return written;
  if (Expected<void> synced = tablespace_.Sync(SyncKind::kData); !synced) return synced;
  return WriteRecord();
}

Expected<void> Checkpoint::FinishRecordFirst() {
  if (Expected<void> written = WriteRecord(); !written) return written;
  is_under_way_ = true;
  if (Expected<void> written = Write(marked_.size()); !written) return written;
  is_under_way_ = false;
  return tablespace_.Sync(SyncKind::kData);
}

Expected<void> Checkpoint::WriteRecord() {
  log_.Append(LogRecord{.type = LogRecordType::kCheckpoint, .block = block_});
  log_.SetReadBlock(read_block_);
  if (Expected<void> flushed = log_.Flush(); !flushed) return flushed;
  last_ = block_;
  is_under_way_ = false;
  return {};
}

Expected<void> Checkpoint::WriteBatch(std::vector<PageNumber> batch) {
  if (options_.flush_order == FlushOrder::kCareful) {
    if (Expected<void> added = AddPrecedents(batch); !added) return added;
  }
  // Written already, as what another page needs.
  std::erase_if(batch, [&](PageNumber page) { return !pages_.IsDirty(page); });
  if (batch.empty()) return {};
  if (options_.wal_rule) {
    const Expected<BlockNumber> written = log_.WriteBuffered();
    if (!written) return std::unexpected(written.error());
  }
  if (Expected<void> logged = LogPages(batch, LogRecordType::kPageImage); !logged) return logged;
  if (options_.wal_rule || options_.page_images) {
    if (Expected<void> synced = log_.Sync(); !synced) return synced;
  }
  return WriteInPlace(batch);
}

// Makes pages what they are to be in the file, and puts them into the log unless that is not asked
// for.
Expected<void> Checkpoint::LogPages(std::span<const PageNumber> batch, LogRecordType type) {
  for (const PageNumber page : batch) {
    const Expected<MutableBytes> bytes = pages_.Edit(page);
    if (!bytes) return std::unexpected(bytes.error());
    PageHeader header = LoadPageHeader(*bytes);
    header.checksum = options_.page_checksum ? ChecksumOfPage(*bytes) : kNoChecksum;
    StorePageHeader(*bytes, header);
    if (!options_.page_images) continue;
    const Expected<BlockNumber> written =
        log_.WriteAlone(LogRecord{.type = type, .page = page, .body = *bytes});
    if (!written) return std::unexpected(written.error());
  }
  return {};
}

Expected<void> Checkpoint::WriteInPlace(std::span<const PageNumber> batch) {
  for (const PageNumber page : batch) {
    const Expected<Bytes> bytes = pages_.Read(page);
    if (!bytes) return std::unexpected(bytes.error());
    const uint64_t offset_bytes = static_cast<uint64_t>(page) * pages_.page_size_bytes();
    Expected<void> written = WriteFully(tablespace_, offset_bytes, *bytes);
    if (!written) return written;
    pages_.MarkClean(page);
  }
  return {};
}

Expected<void> Checkpoint::FinishRecovery(bool is_in_log) {
  Assert(is_under_way_, "a recovery begins its checkpoint");
  if (!options_.page_images) return Finish();
  if (!is_in_log) {
    if (Expected<void> logged = LogRecoveredPages(); !logged) return logged;
  }
  // A system may tell here what went wrong in the process before. What is written again, and synced
  // then, is on disk.
  for (int attempt = 1; attempt <= 2; ++attempt) {
    if (Expected<void> written = WriteInPlace(marked_); !written) return written;
    Expected<void> synced = tablespace_.Sync(SyncKind::kData);
    if (synced) break;
    if (attempt == 2) return synced;
  }
  block_ = log_.last_block();
  read_block_ = std::min(block_ + 1, oldest_needed_.value_or(block_ + 1));
  return WriteRecord();
}

Expected<void> Checkpoint::LogRecoveredPages() {
  Expected<void> logged = LogPages(marked_, LogRecordType::kRecoveredPage);
  if (!logged) return logged;
  log_.SetReadBlock(read_block_);
  const Expected<BlockNumber> written =
      log_.WriteAlone(LogRecord{.type = LogRecordType::kRecovered, .block = block_});
  return written ? log_.Sync() : Expected<void>(std::unexpected(written.error()));
}

// Puts before the pages of a batch what they may refer to since the gopher went on.
Expected<void> Checkpoint::AddPrecedents(std::vector<PageNumber>& batch) {
  int highest = 0;
  for (const PageNumber page : batch) {
    const Expected<int> rank = RankOf(pages_, page);
    if (!rank) return std::unexpected(rank.error());
    highest = std::max(highest, *rank);
  }
  std::vector<std::pair<int, PageNumber>> ranked;
  for (const PageNumber page : pages_.DirtyPages()) {
    const Expected<int> rank = RankOf(pages_, page);
    if (!rank) return std::unexpected(rank.error());
    const bool is_asked_for = std::ranges::find(batch, page) != batch.end();
    if (*rank < highest || is_asked_for) ranked.emplace_back(*rank, page);
  }
  std::ranges::sort(ranked);
  batch.resize(ranked.size());
  std::ranges::transform(ranked, batch.begin(), [](const auto& each) { return each.second; });
  return {};
}

}  // namespace plugpull::serial_log
