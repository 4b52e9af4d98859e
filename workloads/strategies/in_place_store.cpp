// in-place: each changed pair is written over its slot of the table, then the table is synced.
// Nothing makes the writes of a transaction, or the sectors of a slot, survive together.
#include "workloads/strategies/file_steps.h"
#include "workloads/strategies/files_store.h"
#include "workloads/strategies/slot_table.h"

namespace plugpull::strategies {
namespace {

class InPlaceStore final : public FilesStore {
 public:
  using FilesStore::FilesStore;

  Expected<void> Open() override {
    Expected<std::unique_ptr<VfsFile>> table = vfs().Open(kTableName, {});
    if (!table && table.error().code == ErrorCode::kNotFound) {
      const Expected<void> created =
          ReplaceFile(vfs(), kTableName, EmptyTable(1), options().sync, options().sync_directory);
      if (!created) return created;
      table = vfs().Open(kTableName, {});
    }
    if (!table) return std::unexpected(table.error());
    table_ = *std::move(table);
    if (const Expected<uint64_t> generation = ReadGeneration(*table_); !generation) {
      return std::unexpected(generation.error());
    }
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
    if (Expected<void> written = WriteSlots(*table_, *images); !written) return written;
    if (Expected<void> synced = SyncWritten(*table_, options().sync, 0, 0); !synced) return synced;
    slots_ = std::move(slots);
    return {};
  }

 private:
  std::unique_ptr<VfsFile> table_;
  SlotMap slots_;
};

}  // namespace

std::unique_ptr<Engine> MakeInPlace(Vfs& vfs, const FilesOptions& options) {
  return std::make_unique<InPlaceStore>(vfs, options);
}

}  // namespace plugpull::strategies
