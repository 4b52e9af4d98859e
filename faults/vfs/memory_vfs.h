// A Vfs on a plain image in memory: nothing is ever lost. Workloads run on it while they are
// recorded; materialised crash images are replayed on it.
#pragma once

#include <map>

#include "faults/vfs/file_lock.h"
#include "faults/vfs/image.h"
#include "faults/vfs/vfs.h"

namespace plugpull {

class MemoryVfs final : public Vfs {
 public:
  MemoryVfs() = default;
  explicit MemoryVfs(Image image);

  const Image& image() const { return image_; }

  Expected<std::unique_ptr<VfsFile>> Open(std::string_view path, OpenOptions options) override;
  Expected<void> Unlink(std::string_view path) override;
  Expected<void> Rename(std::string_view from, std::string_view to) override;
  Expected<void> Link(std::string_view existing, std::string_view added) override;
  Expected<void> MakeDirectory(std::string_view path) override;
  Expected<void> RemoveDirectory(std::string_view path) override;
  Expected<void> SyncDirectory(std::string_view path) override;
  Expected<bool> Exists(std::string_view path) override;
  Expected<std::vector<std::string>> List(std::string_view path) override;

 private:
  friend class MemoryFile;

  Expected<InodeId> ResolveDirectory(std::string_view path) const;

  Image image_;
  std::map<InodeId, FileLock> locks_;
  InodeId next_inode_ = kRootInode + 1;
};

}  // namespace plugpull
