// An open file of a FailingVfs: its calls fail, and its syncs leave what failed ones leave.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "faults/inject/failing_vfs.h"

namespace plugpull {

// Returns: what a call returns that was made to fail with an errno.
std::unexpected<Error> InjectedError(const FailureQuestion& question, const Failure& failure);

class FailingFile final : public VfsFile {
 public:
  // Requires: all referred to outlives the file.
  FailingFile(std::string path, std::unique_ptr<VfsFile> inner, SyncedFile& state,
              CallReport& report, bool is_synchronous)
      : path_(std::move(path)),
        inner_(std::move(inner)),
        state_(state),
        report_(report),
        is_synchronous_(is_synchronous) {}

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override;
  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override;
  Expected<void> Truncate(uint64_t size_bytes) override;
  Expected<void> Sync(SyncKind kind) override;
  Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override;
  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override;
  Expected<uint64_t> Size() override;
  Expected<bool> Lock(LockLevel level) override;

 private:
  Expected<void> Put(uint64_t offset_bytes, std::span<const std::byte> data);
  uint64_t SizeNow();
  // Pages that were given up are dirty again once something in them changes.
  void Redirty(uint64_t begin_bytes, uint64_t end_bytes);
  void MarkDirty(uint64_t begin_bytes, uint64_t end_bytes);
  void WriteBack();
  void Forget(uint64_t size_bytes);
  Expected<void> FailSync(const FailureQuestion& question, const Failure& failure);
  void GiveUpPages();
  void EvictPages();
  void TakeBack();

  std::string path_;
  std::unique_ptr<VfsFile> inner_;
  SyncedFile& state_;
  CallReport& report_;
  bool is_synchronous_;
};

}  // namespace plugpull
