#include "faults/vfs/recording_vfs.h"

#include <algorithm>
#include <utility>

#include "faults/base/assert.h"

namespace plugpull {

class RecordingFile final : public VfsFile {
 public:
  RecordingFile(RecordingVfs& recorder, InodeId inode, std::unique_ptr<VfsFile> inner,
                std::optional<SyncKind> synchronous_writes)
      : recorder_(recorder),
        inode_(inode),
        inner_(std::move(inner)),
        synchronous_writes_(synchronous_writes) {}

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    return inner_->Read(offset_bytes, out);
  }

  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    Expected<void> outcome = inner_->Write(offset_bytes, data);
    recorder_.TakeReport(inode_);
    Expected<void> recorded = outcome;
    if (!outcome && outcome.error().done_bytes != 0) {  // cut short: it did what it did
      data = data.first(outcome.error().done_bytes);
      recorded = {};
    }
    recorder_.RecordWrite(inode_, offset_bytes, data, recorded);
    if (recorded && synchronous_writes_ && !data.empty()) {
      const bool full = *synchronous_writes_ == SyncKind::kFull;
      recorder_.Record({.kind = OpKind::kSyncWrite,
                        .inode = inode_,
                        .offset_bytes = offset_bytes,
                        .size_bytes = data.size(),
                        .flags = full ? uint32_t{kFullSync} : 0U},
                       recorded);
    }
    return outcome;
  }

  Expected<void> Truncate(uint64_t size_bytes) override {
    Expected<void> outcome = inner_->Truncate(size_bytes);
    recorder_.TakeReport(inode_);
    recorder_.Record({.kind = OpKind::kTruncate, .inode = inode_, .size_bytes = size_bytes},
                     outcome);
    return outcome;
  }

  Expected<void> Sync(SyncKind kind) override {
    Expected<void> outcome = inner_->Sync(kind);
    const OpKind op_kind = kind == SyncKind::kFull ? OpKind::kSync : OpKind::kDataSync;
    const CallReport report = recorder_.TakeReport(inode_);
    recorder_.Record({.kind = op_kind, .inode = inode_, .flags = report.sync_flags}, outcome);
    if (report.size_bytes) {  // sizes come from the trace alone
      recorder_.Record(
          {.kind = OpKind::kTruncate, .inode = inode_, .size_bytes = *report.size_bytes}, {});
    }
    return outcome;
  }

  Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
    Expected<void> outcome = inner_->SyncRange(offset_bytes, size_bytes);
    recorder_.Record({.kind = OpKind::kSyncRange,
                      .inode = inode_,
                      .offset_bytes = offset_bytes,
                      .size_bytes = size_bytes},
                     outcome);
    return outcome;
  }

  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    Expected<void> outcome = inner_->Allocate(offset_bytes, size_bytes);
    recorder_.Record({.kind = OpKind::kAllocate,
                      .inode = inode_,
                      .offset_bytes = offset_bytes,
                      .size_bytes = size_bytes},
                     outcome);
    return outcome;
  }

  Expected<uint64_t> Size() override { return inner_->Size(); }
  Expected<bool> Lock(LockLevel level) override { return inner_->Lock(level); }

 private:
  RecordingVfs& recorder_;
  InodeId inode_;
  std::unique_ptr<VfsFile> inner_;
  std::optional<SyncKind> synchronous_writes_;
};

RecordingVfs::RecordingVfs(Vfs& inner, Trace so_far, NameTree names)
    : inner_(inner), trace_(std::move(so_far)), names_(std::move(names)) {
  for (const Op& op : trace_.ops) next_inode_ = std::max(next_inode_, op.inode + 1);
}

CallReport RecordingVfs::TakeReport(InodeId inode) {
  if (report_ == nullptr) return {};
  CallReport report = std::exchange(*report_, {});
  for (const CallReport::Rewritten& rewritten : report.rewritten) {
    RecordWrite(inode, rewritten.offset_bytes, rewritten.bytes, {});
  }
  return report;
}

void RecordingVfs::Record(Op op, const Expected<void>& outcome) {
  if (!outcome) op.result_errno = outcome.error().os_errno != 0 ? outcome.error().os_errno : EIO;
  if (call_sites_) op.site = call_sites_->Note(trace_);
  trace_.ops.push_back(std::move(op));
}

void RecordingVfs::RecordWrite(InodeId inode, uint64_t offset_bytes,
                               std::span<const std::byte> data, const Expected<void>& outcome) {
  if (data.empty()) return;
  Op op{.kind = OpKind::kWrite,
        .inode = inode,
        .offset_bytes = offset_bytes,
        .size_bytes = data.size(),
        .payload_offset = trace_.payload.size()};
  trace_.payload.insert(trace_.payload.end(), data.begin(), data.end());
  Record(std::move(op), outcome);
}

void RecordingVfs::Begin(uint32_t number) {
  trace_.ops.push_back({.kind = OpKind::kBegin, .transaction = number});
}

void RecordingVfs::Acknowledge(uint32_t number) {
  trace_.ops.push_back({.kind = OpKind::kAcknowledge, .transaction = number});
}

Expected<std::unique_ptr<VfsFile>> RecordingVfs::Open(std::string_view path, OpenOptions options) {
  Expected<std::unique_ptr<VfsFile>> file = inner_.Open(path, options);
  if (!file) return file;
  const Expected<NameCell> cell = names_.Locate(path);
  Assert(cell.has_value(), "the recorder knows every directory of the inner file system");
  InodeId inode = names_.At(cell->directory, cell->name);
  if (inode == kNoInode) {
    inode = next_inode_++;
    names_.Set(cell->directory, cell->name, inode);
    Record(
        {.kind = OpKind::kCreate, .inode = inode, .directory = cell->directory, .name = cell->name},
        {});
  } else if (options.truncate) {
    Record({.kind = OpKind::kTruncate, .inode = inode, .size_bytes = 0}, {});
  }
  return std::make_unique<RecordingFile>(*this, inode, std::move(*file),
                                         options.synchronous_writes);
}

Expected<void> RecordingVfs::Unlink(std::string_view path) {
  Expected<void> outcome = inner_.Unlink(path);
  const Expected<NameCell> cell = names_.Locate(path);
  if (!cell) return outcome;
  const InodeId inode = names_.At(cell->directory, cell->name);
  if (inode == kNoInode) return outcome;
  Record(
      {.kind = OpKind::kUnlink, .inode = inode, .directory = cell->directory, .name = cell->name},
      outcome);
  if (outcome) names_.Set(cell->directory, cell->name, kNoInode);
  return outcome;
}

Expected<void> RecordingVfs::Rename(std::string_view from, std::string_view to) {
  Expected<void> outcome = inner_.Rename(from, to);
  const Expected<NameCell> source = names_.Locate(from);
  const Expected<NameCell> target = names_.Locate(to);
  if (!source || !target) return outcome;
  const InodeId inode = names_.At(source->directory, source->name);
  if (inode == kNoInode) return outcome;
  // Two names of one file, or one name twice: rename(2) succeeds and does nothing.
  if (names_.At(target->directory, target->name) == inode) return outcome;
  Record({.kind = OpKind::kRename,
          .inode = inode,
          .directory = source->directory,
          .name = source->name,
          .other_directory = target->directory,
          .other_name = target->name},
         outcome);
  if (outcome) {
    names_.Set(source->directory, source->name, kNoInode);
    names_.Set(target->directory, target->name, inode);
  }
  return outcome;
}

Expected<void> RecordingVfs::Link(std::string_view existing, std::string_view added) {
  Expected<void> outcome = inner_.Link(existing, added);
  const Expected<InodeId> inode = names_.Resolve(existing);
  const Expected<NameCell> cell = names_.Locate(added);
  if (!inode || !cell) return outcome;
  Record({.kind = OpKind::kLink,
          .inode = *inode,
          .other_directory = cell->directory,
          .other_name = cell->name},
         outcome);
  if (outcome) names_.Set(cell->directory, cell->name, *inode);
  return outcome;
}

Expected<void> RecordingVfs::MakeDirectory(std::string_view path) {
  Expected<void> outcome = inner_.MakeDirectory(path);
  if (!outcome) return outcome;
  const Expected<NameCell> cell = names_.Locate(path);
  Assert(cell.has_value(), "the recorder knows every directory of the inner file system");
  const InodeId inode = next_inode_++;
  names_.AddDirectory(inode);
  names_.Set(cell->directory, cell->name, inode);
  Record({.kind = OpKind::kMakeDirectory,
          .inode = inode,
          .directory = cell->directory,
          .name = cell->name},
         outcome);
  return outcome;
}

Expected<void> RecordingVfs::RemoveDirectory(std::string_view path) {
  Expected<void> outcome = inner_.RemoveDirectory(path);
  const Expected<NameCell> cell = names_.Locate(path);
  if (!cell) return outcome;
  const InodeId inode = names_.At(cell->directory, cell->name);
  if (inode == kNoInode) return outcome;
  Record({.kind = OpKind::kRemoveDirectory,
          .inode = inode,
          .directory = cell->directory,
          .name = cell->name},
         outcome);
  if (outcome) names_.Set(cell->directory, cell->name, kNoInode);
  return outcome;
}

Expected<void> RecordingVfs::SyncDirectory(std::string_view path) {
  Expected<void> outcome = inner_.SyncDirectory(path);
  const Expected<InodeId> inode = names_.Resolve(path);
  if (!inode) return outcome;
  Record({.kind = OpKind::kSyncDirectory, .inode = *inode}, outcome);
  return outcome;
}

}  // namespace plugpull
