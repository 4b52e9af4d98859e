// Recovery in three phases, on pages in memory: inventory of the log, physical redo, logical redo.
// The caller writes the pages.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/serial_log/log_scan.h"
#include "engine/serial_log/record_index.h"
#include "engine/serial_log/record_pages.h"

namespace plugpull::serial_log {

// A transaction that was prepared and is still to be decided.
struct PreparedTransaction {
  struct Change {
    RecordId id{};
    bool has_earlier_version = true;
    std::string bytes;  // empty: deleted
  };

  TransactionId id = 0;
  BlockNumber first_block = 0;
  std::vector<Change> changes;
};

struct Recovered {
  bool has_redone = false;           // pages may have changed
  bool is_in_log = false;            // all of them are in the log as they are now
  BlockNumber checkpoint_block = 0;  // B of the last Checkpoint record that was read; 0: none
  TransactionId highest = 0;         // of the transactions that were read
  std::vector<PreparedTransaction> prepared;  // in the order of the log
};

// Errors: the log's records make no sense, a page that redo needs cannot be read.
class Recovery {
 public:
  Recovery(PageCache& pages, PageSpace& space, RecordPages& records, const Options& options)
      : pages_(pages), space_(space), records_(records), options_(options) {}

  // Takes from `log` what a recovery that was cut short has left at its end.
  Expected<Recovered> Run(LogScan& log);

 private:
  enum class Outcome : uint8_t { kUnknown, kPrepared, kCommitted, kRolledBack };

  struct Seen {
    TransactionId id = 0;
    BlockNumber first_block = 0;
    Outcome outcome = Outcome::kUnknown;
    std::vector<LogRecord> updates;
  };
  struct Commit {
    TransactionId id = 0;
    BlockNumber block = 0;
  };
  struct Physical {
    LogRecord record{};
    BlockNumber block = 0;
  };

  static void DropUnfinished(LogScan& log);
  Expected<void> TakeInventory(const LogScan& log);
  void TakeRecord(const LogRecord& record, BlockNumber block);
  Seen& Find(TransactionId id, BlockNumber block);
  bool images_are_recovered() const;
  Expected<void> RestoreImages();
  Expected<void> RedoPhysical();
  bool IsLast(PageNumber page, size_t index) const;
  Expected<void> Rebuild(const LogRecord& record, size_t index);
  Expected<void> RebuildSection(const LogRecord& record);
  Expected<void> RebuildLocator(const LogRecord& record);
  Expected<void> RebuildData(const LogRecord& record);
  Expected<void> RebuildOverflow(const LogRecord& record, size_t index);
  Expected<void> RebuildFree(const LogRecord& record);
  Expected<MutableBytes> Renew(PageNumber page);
  Expected<void> SetInInventory(PageNumber page, bool in_use);
  Expected<void> TakeIntoUse(PageNumber page) { return SetInInventory(page, true); }
  Expected<void> RedoLogical();
  Expected<void> Redo(const Seen& transaction);
  Expected<void> TakePrepared(Recovered& recovered) const;

  PageCache& pages_;
  PageSpace& space_;
  RecordPages& records_;
  const Options& options_;

  std::vector<Seen> seen_;         // in order of their first record
  std::vector<Commit> committed_;  // in order of their commits
  std::vector<Physical> physical_;
  std::vector<Physical> images_;
  std::map<PageNumber, size_t> last_of_page_;  // the last of physical_ that is about a page
  BlockNumber checkpoint_ = 0;                 // B of the last Checkpoint record
  BlockNumber checkpoint_at_ = 0;              // the block that it is in
  BlockNumber recovered_ = 0;                  // that of the last kRecovered
};

}  // namespace plugpull::serial_log
