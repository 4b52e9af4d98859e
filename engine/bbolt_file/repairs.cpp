// The verbs that need no decision, as ways to mend the store of an engine.
#include <array>

#include "engine/bbolt_file/surgery.h"
#include "engine/bbolt_file/surgery_pages.h"
#include "engine/cow_tree/store_file.h"

namespace plugpull::bbolt_file {
namespace {

using cow_tree::kStorePath;

constexpr const char* kSalvagedPath = "store.db.salvaged";

Expected<void> MendInPlace(Vfs& vfs, Expected<SurgeryReport> (*verb)(VfsFile& file)) {
  const Expected<std::unique_ptr<VfsFile>> file = vfs.Open(kStorePath, {});
  if (!file) return std::unexpected(file.error());
  const Expected<SurgeryReport> report = verb(**file);
  if (!report) return std::unexpected(report.error());
  return (*file)->Sync(SyncKind::kFull);
}

Expected<void> MendByRevertMeta(Vfs& vfs) { return MendInPlace(vfs, RevertMeta); }

Expected<SurgeryReport> AbandonStored(VfsFile& file) {
  const Expected<SurgeryPages> pages = SurgeryPages::Open(file);
  if (!pages) return std::unexpected(pages.error());
  if (!pages->HasFreelist()) {
    return Fail(ErrorCode::kInvalidArgument, "there is no stored freelist to abandon");
  }
  return FreelistAbandon(file);
}

Expected<void> MendByFreelistAbandon(Vfs& vfs) { return MendInPlace(vfs, AbandonStored); }

// The damaged file stays as it is until the new one is complete.
Expected<void> MendBySalvage(Vfs& vfs) {
  {
    const Expected<std::unique_ptr<VfsFile>> from = vfs.Open(kStorePath, {});
    if (!from) return std::unexpected(from.error());
    const Expected<std::unique_ptr<VfsFile>> to =
        vfs.Open(kSalvagedPath, {.create = true, .truncate = true});
    if (!to) return std::unexpected(to.error());
    const Expected<SalvageReport> report = Salvage(**from, **to);
    const Expected<void> synced = report ? (*to)->Sync(SyncKind::kFull) : Expected<void>();
    if (!report || !synced) {
      (void)vfs.Unlink(kSalvagedPath);
      return std::unexpected(report ? synced.error() : report.error());
    }
  }
  if (Expected<void> renamed = vfs.Rename(kSalvagedPath, kStorePath); !renamed) return renamed;
  return vfs.SyncDirectory("");
}

constexpr std::array<Repair, 3> kRepairs = {
    Repair{.name = "revert-meta",
           .recoverability = "cured by previous meta",
           .mend = MendByRevertMeta},
    Repair{.name = "freelist-abandon",
           .recoverability = "cured by scan of freelist",
           .mend = MendByFreelistAbandon},
    Repair{.name = "salvage", .recoverability = "needs page surgery", .mend = MendBySalvage}};

}  // namespace

std::span<const Repair> Repairs() { return kRepairs; }

}  // namespace plugpull::bbolt_file
