// A checkpoint, in steps: mark the dirty pages, write them, sync, and tell the log. Between the
// steps the gopher goes on; what it changes meanwhile is in the pages when they are written, or
// stays dirty.
//
// By default a page goes into the log before it is written in place (page_images): a crash may tear
// the write, and redo, which is logical, can do nothing with half a page. Recovery takes such a
// page from the log.
#pragma once

#include <optional>
#include <vector>

#include "engine/serial_log/log_files.h"
#include "engine/serial_log/page_cache.h"

namespace plugpull::serial_log {

class Checkpoint {
 public:
  Checkpoint(VfsFile& tablespace, PageCache& pages, LogFiles& log, const Options& options)
      : tablespace_(tablespace), pages_(pages), log_(log), options_(options) {}

  bool is_under_way() const { return is_under_way_; }

  // Marks the pages that are dirty now. Recovery starts at `oldest_needed`, or after the last block
  // if that is absent, once this checkpoint is finished. Requires: none is under way.
  Expected<void> Begin(std::optional<BlockNumber> oldest_needed);

  // Writes the next pages of those that are marked, in the order of flush_order.
  Expected<void> Write(size_t count);

  // The same, up to and with a page that is marked; nothing where it is not.
  Expected<void> WriteUntil(PageNumber page);

  // Writes the rest, syncs, and appends and flushes the Checkpoint record.
  Expected<void> Finish();

  // The same at the end of a recovery, once begun. Its pages go into the log all together, so that
  // from then on a recovery that is cut short has nothing to redo but to write them, however often;
  // unless they are there (`is_in_log`).
  Expected<void> FinishRecovery(bool is_in_log);

  // The same, in the order of mutants MF2 and MF11: the record before the pages are synced.
  Expected<void> FinishRecordFirst();

  // B of the last one finished; 0: none was.
  BlockNumber last() const { return last_; }
  void set_last(BlockNumber block) { last_ = block; }

 private:
  Expected<void> WriteBatch(std::vector<PageNumber> batch);
  Expected<void> LogRecoveredPages();
  Expected<void> LogPages(std::span<const PageNumber> batch, LogRecordType type);
  Expected<void> WriteInPlace(std::span<const PageNumber> batch);
  Expected<void> AddPrecedents(std::vector<PageNumber>& batch);
  Expected<void> WriteRecord();

  VfsFile& tablespace_;
  PageCache& pages_;
  LogFiles& log_;
  const Options& options_;
  bool is_under_way_ = false;
  BlockNumber block_ = 0;       // B
  BlockNumber read_block_ = 1;  // from the end of the checkpoint on
  std::optional<BlockNumber> oldest_needed_;
  BlockNumber last_ = 0;
  std::vector<PageNumber> marked_;
  size_t written_ = 0;  // of marked_
};

}  // namespace plugpull::serial_log
