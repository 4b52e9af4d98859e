// A file that nobody but its own handle can see: SQLite's statement journals and sorter spills.
// They have no name and vanish with the process, so a power cut leaves nothing of them to recover.
#pragma once

#include <vector>

#include "faults/vfs/vfs.h"

namespace plugpull {

class SqliteTemporaryFile final : public VfsFile {
 public:
  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override;
  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override;
  Expected<void> Truncate(uint64_t size_bytes) override;
  Expected<void> Sync(SyncKind /*kind*/) override { return {}; }
  Expected<void> SyncRange(uint64_t /*offset_bytes*/, uint64_t /*size_bytes*/) override {
    return {};
  }
  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    if (bytes_.size() < offset_bytes + size_bytes) bytes_.resize(offset_bytes + size_bytes);
    return {};
  }
  Expected<uint64_t> Size() override { return bytes_.size(); }
  Expected<bool> Lock(LockLevel /*level*/) override { return true; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace plugpull
