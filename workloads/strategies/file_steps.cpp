#include "workloads/strategies/file_steps.h"

#include <fmt/format.h>

#include "faults/vfs/whole_calls.h"

namespace plugpull::strategies {

OpenOptions OpenFor(FileSync sync, OpenOptions options) {
  if (sync == FileSync::kSynchronousWrites) options.synchronous_writes = SyncKind::kData;
  return options;
}

Expected<void> SyncWritten(VfsFile& file, FileSync sync, uint64_t offset_bytes,
                           uint64_t size_bytes) {
  switch (sync) {
    case FileSync::kNone:
    case FileSync::kSynchronousWrites:  // the write did it
      return {};
    case FileSync::kFull:
      return file.Sync(SyncKind::kFull);
    case FileSync::kData:
      return file.Sync(SyncKind::kData);
    case FileSync::kRange:
      return file.SyncRange(offset_bytes, size_bytes);
  }
  return {};
}

Expected<void> SyncFound(Vfs& vfs, VfsFile& file, FileSync sync, bool sync_directory) {
  uint64_t size_bytes = 0;  // asked for by a range alone
  if (sync == FileSync::kRange) {
    const Expected<uint64_t> size = file.Size();
    if (!size) return std::unexpected(size.error());
    size_bytes = *size;
  }
  // A handle with synchronous writes makes its own writes durable, not those of another.
  const FileSync found_sync = sync == FileSync::kSynchronousWrites ? FileSync::kData : sync;
  if (Expected<void> synced = SyncWritten(file, found_sync, 0, size_bytes); !synced) return synced;
  return sync_directory ? vfs.SyncDirectory("") : Expected<void>();
}

Expected<std::unique_ptr<VfsFile>> CreateFile(Vfs& vfs, std::string_view path,
                                              std::span<const std::byte> bytes, FileSync sync,
                                              uint64_t allocate_bytes) {
  // What an interrupted attempt left is removed, not cut: where a rename is not atomic, its file
  // may have the name that counts as well.
  const Expected<bool> is_left = vfs.Exists(path);
  if (!is_left) return std::unexpected(is_left.error());
  if (*is_left) {
    if (Expected<void> removed = vfs.Unlink(path); !removed) {
      return std::unexpected(removed.error());
    }
  }
  Expected<std::unique_ptr<VfsFile>> file =
      vfs.Open(path, OpenFor(sync, {.create = true, .exclusive = true}));
  if (!file) return file;
  if (allocate_bytes > 0) {
    if (Expected<void> done = (*file)->Allocate(0, allocate_bytes); !done) {
      return std::unexpected(done.error());
    }
  }
  if (Expected<void> done = WriteFully(**file, 0, bytes); !done)
    return std::unexpected(done.error());
  if (Expected<void> done = SyncWritten(**file, sync, 0, bytes.size()); !done) {
    return std::unexpected(done.error());
  }
  return file;
}

Expected<void> ReplaceFile(Vfs& vfs, std::string_view path, std::span<const std::byte> bytes,
                           FileSync sync, bool sync_directory, uint64_t allocate_bytes) {
  const std::string temporary = fmt::format("{}.tmp", path);
  const auto file = CreateFile(vfs, temporary, bytes, sync, allocate_bytes);
  if (!file) return std::unexpected(file.error());
  if (Expected<void> renamed = vfs.Rename(temporary, path); !renamed) return renamed;
  return sync_directory ? vfs.SyncDirectory("") : Expected<void>();
}

Expected<std::vector<std::byte>> ReadFile(VfsFile& file) {
  const Expected<uint64_t> size = file.Size();
  if (!size) return std::unexpected(size.error());
  std::vector<std::byte> bytes(*size);
  const Expected<size_t> read = ReadFully(file, 0, bytes);
  if (!read) return std::unexpected(read.error());
  bytes.resize(*read);
  return bytes;
}

}  // namespace plugpull::strategies
