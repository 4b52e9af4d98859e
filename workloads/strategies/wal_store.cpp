// wal: the images of changed slots are appended to a log, synced once for each group of
// transactions. Now and then they are written into the table, and the log starts again: the table's
// generation says which log belongs to it, so nothing of an older one is ever taken for new.
#include "faults/vfs/whole_calls.h"
#include "workloads/strategies/file_steps.h"
#include "workloads/strategies/files_store.h"
#include "workloads/strategies/record_log.h"
#include "workloads/strategies/slot_table.h"

namespace plugpull::strategies {
namespace {

constexpr std::string_view kLogName = "log";

class WalStore final : public FilesStore {
 public:
  using FilesStore::FilesStore;

  Expected<void> Open() override {
    const Expected<bool> exists = vfs().Exists(kTableName);
    if (!exists) return std::unexpected(exists.error());
    if (!*exists) {
      if (Expected<void> created = Create(); !created) return created;
    }
    Expected<std::unique_ptr<VfsFile>> table = vfs().Open(kTableName, {});
    if (!table) return std::unexpected(table.error());
    table_ = *std::move(table);
    Expected<std::unique_ptr<VfsFile>> log = vfs().Open(kLogName, {});
    if (!log) return std::unexpected(log.error());
    log_ = *std::move(log);
    const Expected<uint64_t> generation = ReadGeneration(*table_);
    if (!generation) return std::unexpected(generation.error());
    generation_ = *generation;
    if (Expected<void> replayed = Replay(); !replayed) return replayed;
    Expected<TableContents> contents = ReadTable(*table_);
    if (!contents) return std::unexpected(contents.error());
    slots_ = std::move(contents->slots);
    SetContents(std::move(contents->pairs));
    for (std::string& damage : contents->damage) ReportDamage(std::move(damage));
    return {};
  }

  uint32_t Pending() const override { return options().early_acknowledgement ? 0 : unsynced_; }

 protected:
  Expected<void> Commit(const Transaction& transaction, const Pairs& /*after*/) override {
    SlotMap slots = slots_;
    Expected<SlotImages> images = slots.Place(transaction);
    if (!images) return std::unexpected(images.error());
    LogPosition end = end_;
    const std::vector<std::byte> record = EncodeRecord(EncodeImages(*images), end);
    if (Expected<void> written = WriteFully(*log_, end_.offset_bytes, record); !written)
      return written;
    end_ = end;
    slots_ = std::move(slots);
    for (auto& [slot, bytes] : *images) in_log_[slot] = std::move(bytes);
    ++commits_;
    ++unsynced_;
    const bool is_due = commits_ >= options().every;
    if (unsynced_ >= options().group || is_due) {
      if (Expected<void> synced = SyncWritten(*log_, options().sync, 0, 0); !synced) return synced;
      unsynced_ = 0;
    }
    return is_due ? Checkpoint() : Expected<void>();
  }

 private:
  FileSync table_sync() const { return options().sync_after ? FileSync::kData : FileSync::kNone; }

  // The table comes last: where it is, the log is.
  Expected<void> Create() {
    for (const std::string_view name : {kLogName, kTableName}) {
      const std::vector<std::byte> bytes =
          name == kTableName ? EmptyTable(1) : std::vector<std::byte>();
      const FileSync sync = name == kTableName ? table_sync() : options().sync;
      if (Expected<void> created = ReplaceFile(vfs(), name, bytes, sync, options().sync_directory);
          !created) {
        return created;
      }
    }
    return {};
  }

  // What the log holds goes into the table at once, so that nothing behind its last whole record
  // can ever follow on a new one.
  Expected<void> Replay() {
    LogReader reader(*log_, LogPosition::Start(generation_), /*checksums=*/true);
    while (true) {
      const Expected<bool> next = reader.Next();
      if (!next) return std::unexpected(next.error());
      if (!*next) break;
      if (Expected<void> decoded = DecodeImages(reader.payload(), in_log_); !decoded) {
        return decoded;
      }
    }
    end_ = reader.position();
    if (Expected<void> synced = SyncFound(vfs(), *log_, options().sync, options().sync_directory);
        !synced) {
      return synced;
    }
    return end_.offset_bytes > 0 ? Checkpoint() : Expected<void>();
  }

  Expected<void> Checkpoint() {
    if (Expected<void> written = WriteSlots(*table_, in_log_); !written) return written;
    if (Expected<void> synced = SyncWritten(*table_, table_sync(), 0, 0); !synced) return synced;
    if (Expected<void> written = WriteGeneration(*table_, generation_ + 1); !written) {
      return written;
    }
    if (Expected<void> synced = SyncWritten(*table_, table_sync(), 0, 0); !synced) return synced;
    ++generation_;
    end_ = LogPosition::Start(generation_);
    in_log_.clear();
    commits_ = 0;
    return {};
  }

  std::unique_ptr<VfsFile> table_;
  std::unique_ptr<VfsFile> log_;
  uint64_t generation_ = 0;
  LogPosition end_;
  SlotMap slots_;
  SlotImages in_log_;      // in the log and not yet in the table
  uint32_t commits_ = 0;   // in the log
  uint32_t unsynced_ = 0;  // of them, behind the last sync
};

}  // namespace

std::unique_ptr<Engine> MakeWal(Vfs& vfs, const FilesOptions& options) {
  return std::make_unique<WalStore>(vfs, options);
}

}  // namespace plugpull::strategies
