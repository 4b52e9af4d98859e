// A Vfs that writes down every mutating operation of another one, with its payload, in order.
// Reads are not recorded: they change nothing.
#pragma once

#include <optional>

#include "faults/trace/trace.h"
#include "faults/vfs/call_report.h"
#include "faults/vfs/call_stack.h"
#include "faults/vfs/name_tree.h"
#include "faults/vfs/vfs.h"

namespace plugpull {

class RecordingVfs final : public Vfs {
 public:
  // `report`: of an `inner` that injects failures, else null.
  // Requires: `inner` is empty, and both outlive the recorder.
  explicit RecordingVfs(Vfs& inner, CallReport* report = nullptr)
      : inner_(inner), report_(report) {}

  // Goes on from the trace `so_far`. Requires: `inner` shows what `so_far` leaves, with the names
  // `names`, and outlives the recorder.
  RecordingVfs(Vfs& inner, Trace so_far, NameTree names);

  const Trace& trace() const { return trace_; }
  Trace& trace() { return trace_; }

  // From here on, each operation has the call site that it came from, up to the border
  // (call_stack.h). Recording then takes longer.
  void NoteCallSites() { call_sites_.emplace(); }

  // Marks that transaction `number` (1-based) is attempted from here on.
  void Begin(uint32_t number);

  // Marks that the commit of `number` has returned success.
  void Acknowledge(uint32_t number);

  Expected<std::unique_ptr<VfsFile>> Open(std::string_view path, OpenOptions options) override;
  Expected<void> Unlink(std::string_view path) override;
  Expected<void> Rename(std::string_view from, std::string_view to) override;
  Expected<void> Link(std::string_view existing, std::string_view added) override;
  Expected<void> MakeDirectory(std::string_view path) override;
  Expected<void> RemoveDirectory(std::string_view path) override;
  Expected<void> SyncDirectory(std::string_view path) override;
  Expected<bool> Exists(std::string_view path) override { return inner_.Exists(path); }
  Expected<std::vector<std::string>> List(std::string_view path) override {
    return inner_.List(path);
  }

 private:
  friend class RecordingFile;

  // Appends `op` with the outcome of the call that it describes.
  void Record(Op op, const Expected<void>& outcome);
  void RecordWrite(InodeId inode, uint64_t offset_bytes, std::span<const std::byte> data,
                   const Expected<void>& outcome);

  // Returns: what the last call did besides. Records the bytes that it has brought back.
  CallReport TakeReport(InodeId inode);

  Vfs& inner_;
  CallReport* report_ = nullptr;
  Trace trace_;
  NameTree names_;  // mirrors the names of inner_, with our inode numbers
  InodeId next_inode_ = kRootInode + 1;
  std::optional<CallSiteNotes> call_sites_;
};

}  // namespace plugpull
