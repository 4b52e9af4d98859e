#include "engine/cow_tree/write_transaction.h"

#include <algorithm>
#include <string>

#include "engine/cow_tree/store_file.h"
#include "faults/inject/failure_point.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::cow_tree {
namespace {

// Returns: the error of a step of a commit that was made to fail before it began.
std::optional<Error> FailAt(FailurePoint point) {
  const auto failure = AskWhetherToFail({.point = point, .path = kStorePath});
  if (!failure) return std::nullopt;
  return FailErrno(std::string(InfoOf(point).name) + " was made to fail", failure->os_errno)
      .error();
}

}  // namespace

WriteTransaction::WriteTransaction(const StoreParts& parts, const Meta& committed)
    : parts_(parts),
      meta_(committed),
      committed_high_water_mark_(committed.high_water_mark),
      high_water_mark_before_last_(committed.high_water_mark),
      high_water_mark_before_freelist_(committed.high_water_mark) {
  ++meta_.transaction_id;
  parts_.free_list.Begin(meta_.transaction_id, parts_.readers);
}

Expected<std::span<std::byte>> WriteTransaction::ReplaceNode(OldRun old, uint64_t size_bytes,
                                                             bool is_leaf) {
  const uint64_t page_count = (size_bytes + meta_.page_size_bytes - 1) / meta_.page_size_bytes;
  if (protocol().update_leaves_in_place && is_leaf && old.id != 0 &&
      page_count <= old.overflow + uint64_t{1}) {
    return std::span(MakeRun(old.id, old.overflow + uint64_t{1}).bytes);
  }
  if (auto failed = FailAt(FailurePoint::kCowTreeAllocate)) return std::unexpected(*failed);
  if (old.id != 0) {
    if (Expected<void> freed = FreeRun(old); !freed) return std::unexpected(freed.error());
  }
  DirtyRun& run = MakeRun(Allocate(page_count), page_count);
  if (protocol().store_no_overflow) StorePageHeader(run.bytes.data(), PageHeader{.id = run.id});
  return std::span(run.bytes);
}

WriteTransaction::DirtyRun& WriteTransaction::MakeRun(PageId id, uint64_t page_count) {
  DirtyRun& run = dirty_runs_.emplace_back(
      DirtyRun{.id = id,
               .is_freelist = false,
               .bytes = std::vector<std::byte>(page_count * meta_.page_size_bytes)});
  StorePageHeader(run.bytes.data(),
                  PageHeader{.id = id, .overflow = static_cast<uint32_t>(page_count - 1)});
  return run;
}

PageId WriteTransaction::Allocate(uint64_t page_count) {
  if (const PageId id = parts_.free_list.Allocate(page_count); id != 0) return id;
  const PageId id = meta_.high_water_mark;
  high_water_mark_before_last_ = id;
  meta_.high_water_mark += page_count;
  parts_.growth.EnsureMapped((meta_.high_water_mark + 1) * meta_.page_size_bytes);
  return id;
}

Expected<void> WriteTransaction::Commit() {
  if (Expected<void> grown = GrowFile(); !grown) return grown;
  if (parts_.options.sync && parts_.options.spare_sync == SpareSync::kFirst) {
    if (Expected<void> synced = Sync(SyncKind::kData); !synced) return synced;
  }
  std::sort(dirty_runs_.begin(), dirty_runs_.end(),
            [](const DirtyRun& left, const DirtyRun& right) { return left.id < right.id; });
  for (const CommitStep step : protocol().commit_steps) {
    if (Expected<void> done = Perform(step); !done) return done;
  }
  return {};
}

Expected<void> WriteTransaction::BuildFreelistPage() {
  if (meta_.freelist != kNoFreelist) {
    const Expected<FreelistPage> old =
        FreelistPage::Read(parts_.pages, meta_.freelist, committed_high_water_mark_);
    if (!old) return std::unexpected(old.error());
    if (!protocol().keep_old_freelist_page) {
      Expected<void> freed = parts_.free_list.FreeFreelist(meta_.freelist, old->header().overflow);
      if (!freed) return freed;
    }
  }
  high_water_mark_before_freelist_ = meta_.high_water_mark;
  meta_.freelist = kNoFreelist;
  if (!parts_.options.persist_freelist) return {};
  // Counted before the allocation, which may take ids off the list: bbolt over-estimates, too.
  const uint64_t page_count =
      FreelistPageCount(parts_.free_list.StoredCount(), meta_.page_size_bytes);
  meta_.freelist = Allocate(page_count);
  DirtyRun& run = MakeRun(meta_.freelist, page_count);
  run.is_freelist = true;
  std::vector<PageId> ids = parts_.free_list.StoredIds();
  if (protocol().list_freelist_page_as_free) {
    ids.insert(std::ranges::lower_bound(ids, meta_.freelist), meta_.freelist);
  }
  SerializeFreelist(ids, run.id, run.bytes);
  return {};
}

Expected<void> WriteTransaction::GrowFile() {
  const PageId before = parts_.options.grow_for_freelist ? high_water_mark_before_freelist_
                                                         : committed_high_water_mark_;
  if (meta_.high_water_mark == before) return {};
  const std::optional<uint64_t> target =
      parts_.growth.Target((meta_.high_water_mark + 1) * meta_.page_size_bytes);
  if (!target) return {};
  if (parts_.options.sync_growth) {
    const auto cut_file = [&] { return parts_.file.Truncate(*target); };
    if (Expected<void> cut = RetryInterrupted(cut_file); !cut) return cut;
    if (!protocol().grow_without_sync) {
      if (Expected<void> synced = Sync(SyncKind::kFull); !synced) return synced;
    }
  }
  parts_.growth.Remember(*target);
  return {};
}

Expected<void> WriteTransaction::Perform(CommitStep step) {
  switch (step) {
    case CommitStep::kWritePages:
      return WriteRuns(/*with_tree=*/true, /*with_freelist=*/true);
    case CommitStep::kWriteTreePages:
      return WriteRuns(/*with_tree=*/true, /*with_freelist=*/false);
    case CommitStep::kWriteFreelistPage:
      return WriteRuns(/*with_tree=*/false, /*with_freelist=*/true);
    case CommitStep::kSync:
      return is_meta_written_ ? SyncMeta() : SyncPages();
    case CommitStep::kWriteMeta:
      is_meta_written_ = true;
      return WriteMeta();
  }
  return {};
}

Expected<void> WriteTransaction::SyncPages() {
  if (auto failed = FailAt(FailurePoint::kCowTreeSyncData)) return std::unexpected(*failed);
  if (parts_.options.sync && parts_.options.spare_sync == SpareSync::kTwice) {
    if (Expected<void> synced = Sync(SyncKind::kData); !synced) return synced;
  }
  return parts_.options.sync ? Sync(SyncKind::kData) : Expected<void>();
}

Expected<void> WriteTransaction::SyncMeta() {
  if (auto failed = FailAt(FailurePoint::kCowTreeSyncMeta)) return std::unexpected(*failed);
  return parts_.options.sync ? Sync(SyncKind::kData) : Expected<void>();
}

Expected<void> WriteTransaction::Sync(SyncKind kind) {
  Expected<void> synced = parts_.file.Sync(kind);
  if (!synced && protocol().swallow_sync_errors) return {};
  return synced;
}

Expected<void> WriteTransaction::WriteRuns(bool with_tree, bool with_freelist) {
  if (auto failed = FailAt(FailurePoint::kCowTreeWritePages)) return std::unexpected(*failed);
  for (const DirtyRun& run : dirty_runs_) {
    if (run.is_freelist ? !with_freelist : !with_tree) continue;
    Expected<void> written = WriteFully(parts_.file, run.id * meta_.page_size_bytes, run.bytes);
    if (!written) return written;
  }
  return {};
}

Expected<void> WriteTransaction::WriteMeta() {
  if (auto failed = FailAt(FailurePoint::kCowTreeWriteMeta)) return std::unexpected(*failed);
  Meta stored = meta_;
  if (protocol().store_early_high_water_mark) stored.high_water_mark = high_water_mark_before_last_;
  return WriteMetaPage(parts_.file, stored, protocol());
}

}  // namespace plugpull::cow_tree
