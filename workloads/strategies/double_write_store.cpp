// double-write: the images of all changed slots go to a journal first, synced, then in place,
// synced. Whatever tore in place is written again from the journal; a torn journal is older than
// anything in place.
#include "faults/vfs/whole_calls.h"
#include "workloads/strategies/file_steps.h"
#include "workloads/strategies/files_store.h"
#include "workloads/strategies/record_log.h"
#include "workloads/strategies/slot_table.h"

namespace plugpull::strategies {
namespace {

constexpr std::string_view kJournalName = "journal";
constexpr uint64_t kJournalNumber = 1;

class DoubleWriteStore final : public FilesStore {
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
    Expected<std::unique_ptr<VfsFile>> journal = vfs().Open(kJournalName, {});
    if (!journal) return std::unexpected(journal.error());
    journal_ = *std::move(journal);
    if (const Expected<uint64_t> generation = ReadGeneration(*table_); !generation) {
      return std::unexpected(generation.error());
    }
    if (Expected<void> repaired = RepairFromJournal(); !repaired) return repaired;
    Expected<TableContents> contents = ReadTable(*table_);
    if (!contents) return std::unexpected(contents.error());
    slots_ = std::move(contents->slots);
    SetContents(std::move(contents->pairs));
    for (std::string& damage : contents->damage) ReportDamage(std::move(damage));
    return {};
  }

 protected:
  Expected<void> Commit(const Transaction& transaction, const Pairs& /*after*/) override {
    SlotMap slots = slots_;
    const Expected<SlotImages> images = slots.Place(transaction);
    if (!images) return std::unexpected(images.error());
    LogPosition position = LogPosition::Start(kJournalNumber);
    const std::vector<std::byte> record = EncodeRecord(EncodeImages(*images), position);
    if (Expected<void> written = WriteFully(*journal_, 0, record); !written) return written;
    if (options().sync_before) {
      if (Expected<void> synced = SyncWritten(*journal_, options().sync, 0, 0); !synced) {
        return synced;
      }
    }
    if (Expected<void> written = WriteInPlace(*images); !written) return written;
    slots_ = std::move(slots);
    return {};
  }

 private:
  // The table comes last: where it is, the journal is.
  Expected<void> Create() {
    for (const std::string_view name : {kJournalName, kTableName}) {
      const std::vector<std::byte> bytes =
          name == kTableName ? EmptyTable(1) : std::vector<std::byte>();
      const Expected<void> created =
          ReplaceFile(vfs(), name, bytes, options().sync, options().sync_directory);
      if (!created) return created;
    }
    return {};
  }

  Expected<void> RepairFromJournal() {
    LogReader reader(*journal_, LogPosition::Start(kJournalNumber), /*checksums=*/true);
    const Expected<bool> is_whole = reader.Next();
    if (!is_whole) return std::unexpected(is_whole.error());
    const FileSync sync = options().sync_before ? options().sync : FileSync::kNone;
    if (Expected<void> synced = SyncFound(vfs(), *journal_, sync, options().sync_directory);
        !synced) {
      return synced;
    }
    if (!*is_whole) return {};
    SlotImages images;
    if (Expected<void> decoded = DecodeImages(reader.payload(), images); !decoded) return decoded;
    return WriteInPlace(images);
  }

  Expected<void> WriteInPlace(const SlotImages& images) {
    if (Expected<void> written = WriteSlots(*table_, images); !written) return written;
    return options().sync_after ? SyncWritten(*table_, options().sync, 0, 0) : Expected<void>();
  }

  std::unique_ptr<VfsFile> table_;
  std::unique_ptr<VfsFile> journal_;
  SlotMap slots_;
};

}  // namespace

std::unique_ptr<Engine> MakeDoubleWrite(Vfs& vfs, const FilesOptions& options) {
  return std::make_unique<DoubleWriteStore>(vfs, options);
}

}  // namespace plugpull::strategies
