// A disk in memory on which calls fail when the armed plan says so. It stands between a recorder
// and the disk. Besides failing, it does to the files what a file system does to them after a sync
// that failed, and it says through its CallReport what the recorder cannot see.
//
// A failed call changes nothing, but for a write that is cut short and a sync (Aftermath).
#pragma once

#include <map>
#include <set>

#include "faults/inject/failure_point.h"
#include "faults/vfs/call_report.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull {

// A file and what of it is on disk, by pages of the page cache.
struct SyncedFile {
  FileContent synced;          // as of the last sync that worked
  FileContent blocks;          // the same, but for what truncates have cut off since
  std::set<uint64_t> dirty;    // pages that the next sync writes
  std::set<uint64_t> dropped;  // pages that a failed sync gave up: clean, and not as on disk
  int late_errno = 0;          // what the next sync has to report
};

class FailingVfs final : public Vfs {
 public:
  // Requires: `inner` outlives this.
  explicit FailingVfs(MemoryVfs& inner) : inner_(inner) {}

  // For the recorder above.
  CallReport& report() { return report_; }

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
  friend class FailingFile;

  MemoryVfs& inner_;
  CallReport report_;
  std::map<InodeId, SyncedFile> files_;  // a map never moves its values
};

}  // namespace plugpull
