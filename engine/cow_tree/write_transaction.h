// A write transaction before its commit: the meta to come, and the page runs that were built in
// memory. Nothing reaches the file until Commit.
#pragma once

#include <deque>

#include "engine/cow_tree/file_growth.h"
#include "engine/cow_tree/free_list.h"
#include "engine/cow_tree/protocol.h"

namespace plugpull::cow_tree {

// The parts of an open store that a write transaction works on.
struct StoreParts {
  VfsFile& file;
  PageCache& pages;
  FreeList& free_list;
  FileGrowth& growth;
  const ReaderSet& readers;
  const Options& options;
};

// Where a node's pages were before, if anywhere.
struct OldRun {
  PageId id = 0;  // 0: the node is new
  uint32_t overflow = 0;
};

class WriteTransaction {
 public:
  // Starts the transaction after `committed`, and frees what is pending and no longer needed.
  WriteTransaction(const StoreParts& parts, const Meta& committed);

  Meta& meta() { return meta_; }
  PageCache& pages() { return parts_.pages; }
  const Protocol& protocol() const { return parts_.options.protocol; }

  // Frees `old` and makes a zeroed run of pages for a tree node of `size_bytes`. The header holds
  // id and overflow. Errors: pages that are free already.
  Expected<std::span<std::byte>> ReplaceNode(OldRun old, uint64_t size_bytes, bool is_leaf);

  Expected<void> FreeRun(OldRun old) { return parts_.free_list.Free(old.id, old.overflow); }

  // Builds the freelist page, the last page of all. Nothing is written yet. Errors: the old
  // freelist page cannot be read, pages that are free already.
  Expected<void> BuildFreelistPage();

  // Makes it durable, in the order of the protocol. Requires: BuildFreelistPage succeeded. Errors:
  // the outcome is unknown.
  Expected<void> Commit();

 private:
  struct DirtyRun {
    PageId id;
    bool is_freelist;
    std::vector<std::byte> bytes;
  };

  DirtyRun& MakeRun(PageId id, uint64_t page_count);
  PageId Allocate(uint64_t page_count);
  Expected<void> GrowFile();
  Expected<void> SyncPages();
  Expected<void> SyncMeta();
  Expected<void> Sync(SyncKind kind);
  Expected<void> Perform(CommitStep step);
  Expected<void> WriteRuns(bool with_tree, bool with_freelist);
  Expected<void> WriteMeta();

  StoreParts parts_;
  Meta meta_;
  PageId committed_high_water_mark_;
  PageId high_water_mark_before_last_;      // before the last allocation that raised it
  PageId high_water_mark_before_freelist_;  // before that of the freelist page
  std::deque<DirtyRun> dirty_runs_;         // a deque: runs stay in place while others are added
  bool is_meta_written_ = false;
};

}  // namespace plugpull::cow_tree
