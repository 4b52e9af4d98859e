#include "engine/revision_tree/store_file.h"

#include "faults/vfs/whole_calls.h"

namespace plugpull::revision_tree {
namespace {

uint32_t FlagsOf(const Options& options) {
  return (options.checksum ? kChecksumFlag : 0) | (options.slots == 2 ? kTwoSlotsFlag : 0) |
         (options.is_proposal_k ? kProposalKFlag : 0) |
         (options.copied_pages ? kCopiedPagesFlag : 0);
}

Expected<std::unique_ptr<VfsFile>> OpenLocked(Vfs& vfs, const char* path, OpenOptions how) {
  Expected<std::unique_ptr<VfsFile>> file = RetryInterrupted([&] { return vfs.Open(path, how); });
  if (!file) return file;
  const Expected<bool> locked = (*file)->Lock(LockLevel::kExclusive);
  if (!locked) return std::unexpected(locked.error());
  if (!*locked) return Fail(ErrorCode::kBusy, "the store is open elsewhere");
  return file;
}

Expected<void> InitializeFile(VfsFile& file, const Options& options) {
  const StoreImage image =
      MakeStoreImage(options.page_size_bytes, FlagsOf(options), options.capacity, 0, {});
  if (Expected<void> written = WriteFully(file, 0, image.bytes); !written) return written;
  return file.Sync(SyncKind::kFull);
}

// What an earlier attempt left behind is overwritten.
Expected<std::unique_ptr<VfsFile>> CreateByRename(Vfs& vfs, const Options& options) {
  Expected<std::unique_ptr<VfsFile>> file =
      OpenLocked(vfs, kNewStorePath, {.create = true, .truncate = true});
  if (!file) return file;
  if (Expected<void> done = InitializeFile(**file, options); !done) {
    return std::unexpected(done.error());
  }
  if (Expected<void> done = vfs.Rename(kNewStorePath, kStorePath); !done) {
    return std::unexpected(done.error());
  }
  if (!options.sync_directory) return file;
  if (Expected<void> done = vfs.SyncDirectory(""); !done) return std::unexpected(done.error());
  return file;
}

}  // namespace

Expected<OpenedStore> OpenStoreFile(Vfs& vfs, const Options& options) {
  Expected<std::unique_ptr<VfsFile>> file =
      OpenLocked(vfs, kStorePath, {.create = !options.create_by_rename});
  if (!file && file.error().code == ErrorCode::kNotFound) {
    file = CreateByRename(vfs, options);
    if (!file) return std::unexpected(file.error());
    return OpenedStore{*std::move(file), /*is_new=*/true};
  }
  if (!file) return std::unexpected(file.error());
  const Expected<uint64_t> size = (*file)->Size();
  if (!size) return std::unexpected(size.error());
  if (*size > 0) return OpenedStore{*std::move(file), /*is_new=*/false};
  if (Expected<void> done = InitializeFile(**file, options); !done) {
    return std::unexpected(done.error());
  }
  if (options.sync_directory) {
    if (Expected<void> done = vfs.SyncDirectory(""); !done) return std::unexpected(done.error());
  }
  return OpenedStore{*std::move(file), /*is_new=*/true};
}

Expected<std::unique_ptr<VfsFile>> ReplaceStoreFile(Vfs& vfs, const StoreImage& image,
                                                    const Options& options) {
  const bool syncs = !options.protocol.compacts_without_sync;
  Expected<std::unique_ptr<VfsFile>> file =
      OpenLocked(vfs, kCompactedPath, {.create = true, .truncate = true});
  if (!file) return file;
  if (Expected<void> done = WriteFully(**file, 0, image.bytes); !done) {
    return std::unexpected(done.error());
  }
  if (syncs) {
    Expected<void> done = (*file)->Sync(SyncKind::kFull);
    if (!done) return std::unexpected(done.error());
  }
  if (Expected<void> done = vfs.Rename(kCompactedPath, kStorePath); !done) {
    return std::unexpected(done.error());
  }
  if (syncs && options.sync_directory) {
    Expected<void> done = vfs.SyncDirectory("");
    if (!done) return std::unexpected(done.error());
  }
  return file;
}

}  // namespace plugpull::revision_tree
