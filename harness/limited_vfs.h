// A Vfs that counts what is changed through it, and can fail like one whose power goes after so
// many changes: the changes before stay, and every call from then on fails.
#pragma once

#include <cstdint>
#include <limits>

#include "faults/vfs/vfs.h"

namespace plugpull {

class LimitedVfs final : public Vfs {
 public:
  static constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

  // Requires: `inner` outlives this.
  explicit LimitedVfs(Vfs& inner, uint64_t most_changes = kNoLimit)
      : inner_(inner), most_changes_(most_changes) {}

  uint64_t changes() const { return changes_; }
  uint64_t written_bytes() const { return written_bytes_; }

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
  friend class LimitedFile;

  Expected<void> Alive() const;
  // Call before a change. Returns: an error when the power is gone.
  Expected<void> Change(uint64_t bytes = 0);

  Vfs& inner_;
  uint64_t most_changes_;
  uint64_t changes_ = 0;
  uint64_t written_bytes_ = 0;
  bool is_dead_ = false;
};

}  // namespace plugpull
