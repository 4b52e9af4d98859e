#include "faults/persistence/crash_cursor.h"

#include <algorithm>
#include <utility>

#include "faults/base/assert.h"
#include "faults/base/bytes.h"
#include "faults/persistence/dependence.h"
#include "faults/trace/creation_modes.h"
#include "faults/trace/snapshot_mark.h"

namespace plugpull {

CrashCursor::CrashCursor(const Trace& trace, const Model& model, Tear tear)
    : trace_(trace),
      model_(model),
      whole_writes_(EffectiveTear(model, tear) == Tear::kNone),
      snapshot_end_(SnapshotEnd(trace)) {
  for (auto& [inode, mode] : CreationModesOf(trace)) durable_.attributes[inode]["mode"] = mode;
}

CrashCursor::CrashCursor(const RecoveryLog& log, const Model& model, Tear tear)
    : CrashCursor(log.trace, model, tear) {
  log_ = &log;
  next_inode_ = log.first_new_inode;
}

bool CrashCursor::KnowsName(InodeId directory, std::string_view name) const {
  return log_ == nullptr || std::ranges::any_of(known_names_, [&](const NameCell& known) {
           return known.directory == directory && known.name == name;
         });
}

bool CrashCursor::KnowsSize(InodeId inode) const {
  return log_ == nullptr || inode >= log_->first_new_inode || found_sizes_.contains(inode);
}

uint64_t CrashCursor::FoundSize(InodeId inode) const {
  const auto found = found_sizes_.find(inode);
  return found == found_sizes_.end() ? 0 : found->second;
}

// A file that was found may have other names that nobody has looked at: it never counts as lost.
void CrashCursor::TakeFound(uint32_t op_index) {
  for (; found_next_ < log_->found.size(); ++found_next_) {
    const Found& found = log_->found[found_next_];
    if (found.op > op_index) return;
    if (found.inode != kNoInode) references_.try_emplace(found.inode, 1);
    if (found.kind == Found::Kind::kName) {
      if (KnowsName(found.directory, found.name)) continue;
      known_names_.push_back({found.directory, found.name});
      durable_.names.Set(found.directory, found.name, found.inode);
      names_issued_.Set(found.directory, found.name, found.inode);
      if (found.inode != kNoInode) ++references_[found.inode];
    } else if (!KnowsSize(found.inode)) {
      size_issued_[found.inode] = found.size_bytes;
      if (found.kind == Found::Kind::kSizeAtLeast) continue;
      found_sizes_[found.inode] = found.size_bytes;
      durable_.files[found.inode].RaiseSize(found.size_bytes);
    }
  }
}

void CrashCursor::AdvanceTo(size_t position) {
  Assert(position >= position_ && position <= trace_.ops.size(), "a cursor only goes forward");
  while (position_ < position) {
    if (log_ != nullptr) TakeFound(static_cast<uint32_t>(position_));
    Issue(static_cast<uint32_t>(position_));
    if (++position_ == snapshot_end_) SettleSnapshot();
  }
  if (model_.shape == Shape::kEverything) {
    SyncCoverage coverage(model_, pending_);
    coverage.CoverAll();
    MakeDurable(coverage);
  }
}

void CrashCursor::SettleSnapshot() {
  SyncCoverage coverage(model_, pending_);
  coverage.CoverAll();
  MakeDurable(coverage);
  rewrite_groups_.clear();
  ++epoch_;
  committed_end_ = static_cast<uint32_t>(position_);
}

void CrashCursor::Issue(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  if (op.result_errno != 0 || IsFailedSync(op)) {
    IssueFailedSync(op_index);
    return;
  }
  switch (op.kind) {
    case OpKind::kCreate:
    case OpKind::kMakeDirectory:
    case OpKind::kSymlink:
    case OpKind::kCreateUnnamed:
      IssueInode(op_index);
      break;
    case OpKind::kWrite:
    case OpKind::kClone:
      IssueBytes(op_index);
      break;
    case OpKind::kTruncate:
      IssueTruncate(op_index);
      break;
    case OpKind::kAllocate:
      IssueAllocate(op_index);
      break;
    case OpKind::kRename:
      IssueRename(op_index);
      break;
    case OpKind::kExchange:
      IssueExchange(op_index);
      break;
    case OpKind::kLink:
      IssueName({.part = 1,
                 .op = op_index,
                 .inode = op.inode,
                 .directory = op.other_directory,
                 .name = op.other_name,
                 .touched = {op.inode}});
      break;
    case OpKind::kUnlink:
    case OpKind::kRemoveDirectory:
      IssueName(
          {.op = op_index, .directory = op.directory, .name = op.name, .touched = {op.inode}});
      break;
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
      IssueAttribute(op_index);
      break;
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kSyncDirectory:
    case OpKind::kSyncWrite:
    case OpKind::kSyncMapped:
    case OpKind::kSyncAll:
      Sync(op_index);
      return;
    case OpKind::kSyncRange:   // starts and waits for writes, but leaves them in the device's cache
    case OpKind::kUnmodelled:  // the explorer does not look beyond it
      return;
    case OpKind::kBegin:
      attempted_ = op.transaction;
      return;
    case OpKind::kAcknowledge:
      acknowledged_ = op.transaction;
      return;
  }
  if (model_.synchronous_metadata && model_.honest_flush && !is_lying_ &&
      op.kind != OpKind::kWrite) {
    SyncCoverage coverage(model_, pending_);
    // With the times that the call changes, which come last in the order of metadata.
    const bool is_chain = model_.metadata_chain && model_.shape != Shape::kCommitAndLog;
    coverage.Cover([&](const Effect& effect) {
      return effect.op == op_index || model_.shape == Shape::kPrefix ||
             (is_chain && IsChained(model_, effect));
    });
    coverage.Close();
    MakeDurable(coverage);
  }
}

void CrashCursor::IssueInode(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  next_inode_ = std::max(next_inode_, op.inode + 1);
  const bool grouped = model_.groups == Groups::kAll && model_.creation_group;
  const uint32_t group = grouped ? next_group_++ : 0;
  Add({.kind = EffectKind::kInode,
       .is_directory = op.kind == OpKind::kMakeDirectory,
       .op = op_index,
       .inode = op.inode,
       .group = group});
  if (op.kind == OpKind::kCreateUnnamed) {
    ++references_[op.inode];  // it may get a name at any time, and keeps what it has until then
    return;
  }
  if (op.kind == OpKind::kMakeDirectory) names_issued_.AddDirectory(op.inode);
  IssueName({.op = op_index,
             .inode = op.inode,
             .directory = op.directory,
             .name = op.name,
             .group = group});
}

// Returns: whether both names that a call changes have one fate (E6).
bool CrashCursor::NamesAreOne(const Op& op) const {
  switch (model_.groups) {
    case Groups::kAll:
      return true;
    case Groups::kRename:
      // POSIX knows no sync that covers two directories: only within one are they one.
      return op.directory == op.other_directory;
    case Groups::kNone:
      return model_.rename == Rename::kAtomic;
  }
  return false;
}

void CrashCursor::IssueRename(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  const InodeId replaced = names_issued_.At(op.other_directory, op.other_name);
  const uint32_t group = NamesAreOne(op) ? next_group_++ : 0;
  const Effect old_name{.part = 0,
                        .op = op_index,
                        .directory = op.directory,
                        .name = op.name,
                        .group = group,
                        .touched = {op.inode, replaced}};
  const Effect new_name{.part = 1,
                        .replaces = replaced != kNoInode,
                        .op = op_index,
                        .inode = op.inode,
                        .directory = op.other_directory,
                        .name = op.other_name,
                        .group = group,
                        .touched = {op.inode, replaced}};
  const bool in_parts = model_.groups == Groups::kNone;
  if (in_parts && model_.rename == Rename::kTargetMissing && replaced != kNoInode) {
    Effect emptied = new_name;
    emptied.part = 2;
    emptied.replaces = false;
    emptied.inode = kNoInode;
    IssueName(emptied);
  }
  if (in_parts && model_.rename == Rename::kDual) {
    IssueName(new_name);
    IssueName(old_name);
  } else {
    IssueName(old_name);
    IssueName(new_name);
  }
}

void CrashCursor::IssueExchange(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  const uint32_t group = NamesAreOne(op) ? next_group_++ : 0;
  IssueName({.part = 0,
             .op = op_index,
             .inode = op.other_inode,
             .directory = op.directory,
             .name = op.name,
             .group = group,
             .touched = {op.inode, op.other_inode}});
  IssueName({.part = 1,
             .op = op_index,
             .inode = op.inode,
             .directory = op.other_directory,
             .name = op.other_name,
             .group = group,
             .touched = {op.inode, op.other_inode}});
}

// An open file without a name is lost anyway; a prefix that has its changes has all before them.
bool CrashCursor::IsLost(InodeId inode) const { return !references_.contains(inode); }

void CrashCursor::IssueBytes(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  if (op.size_bytes == 0) return;
  Touch(op.inode, op_index);
  if (IsLost(op.inode)) return;
  uint64_t& size = size_issued_[op.inode];
  uint64_t& highest = size_highest_[op.inode];
  highest = std::max(highest, size);
  const uint64_t end = op.offset_bytes + op.size_bytes;
  const auto group = rewrite_groups_.find(op.inode);
  const uint32_t group_number = group == rewrite_groups_.end() ? 0 : group->second;
  Add({.kind = op.kind == OpKind::kClone ? EffectKind::kClone : EffectKind::kData,
       .mapped = (op.flags & kMapped) != 0,
       .is_whole = whole_writes_ || (op.flags & kUntorn) != 0,
       .op = op_index,
       .inode = op.inode,
       .size_highest = highest,
       .size_before = size,
       .begin_bytes = op.offset_bytes,
       .end_bytes = end,
       .group = op.kind == OpKind::kClone ? 0 : group_number});
  if (end <= size) return;
  Add({.kind = EffectKind::kSize,
       .floating = op.kind == OpKind::kWrite,  // the sizes of a clone are metadata with its extents
       .is_whole = whole_writes_,
       .op = op_index,
       .inode = op.inode,
       .size_origin = size,
       .size_before = size,
       .size_after = end,
       .begin_bytes = op.offset_bytes,
       .group = op.kind == OpKind::kClone ? 0 : group_number});
  size = end;
}

void CrashCursor::IssueTruncate(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  Touch(op.inode, op_index);
  if (IsLost(op.inode)) return;
  uint64_t& highest = size_highest_[op.inode];
  highest = std::max(highest, size_issued_[op.inode]);
  rewrite_groups_.erase(op.inode);
  uint32_t group = 0;
  if (model_.truncate_flush == Flush::kStrict && op.size_bytes == 0) {
    group = rewrite_groups_[op.inode] = next_group_++;
  }
  uint64_t& size = size_issued_[op.inode];
  Add({.kind = EffectKind::kTruncate,
       .op = op_index,
       .inode = op.inode,
       .size_before = size,
       .size_after = op.size_bytes,
       .group = group});
  size = op.size_bytes;
}

void CrashCursor::IssueAllocate(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  Touch(op.inode, op_index);
  if (IsLost(op.inode)) return;
  uint64_t& size = size_issued_[op.inode];
  const uint64_t end = op.offset_bytes + op.size_bytes;
  const bool zeroes = (op.flags & (kPunchHole | kZeroRange)) != 0;
  const bool grows = (op.flags & (kPunchHole | kKeepSize)) == 0 && end > size;
  const uint32_t group = zeroes && grows && model_.groups == Groups::kAll ? next_group_++ : 0;
  if (zeroes && op.offset_bytes < size) {
    Add({.kind = EffectKind::kZero,
         .op = op_index,
         .inode = op.inode,
         .begin_bytes = op.offset_bytes,
         .end_bytes = std::min(end, size),
         .group = group});
  }
  if (!grows) return;
  Add({.kind = EffectKind::kSize,
       .op = op_index,
       .inode = op.inode,
       .size_origin = size,
       .size_before = size,
       .size_after = end,
       .group = group});
  size = end;
}

void CrashCursor::IssueAttribute(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  Touch(op.inode, op_index);
  if (op.inode != kRootInode && IsLost(op.inode)) return;
  Add({.kind = EffectKind::kAttribute,
       .part = static_cast<uint8_t>(op.kind == OpKind::kSetAttribute ? 0 : 1),
       .op = op_index,
       .inode = op.inode,
       .name = op.name});
}

void CrashCursor::IssueName(Effect effect) {
  effect.kind = EffectKind::kName;
  if (effect.inode != kNoInode) ++references_[effect.inode];
  names_issued_.Set(effect.directory, effect.name, effect.inode);
  Touch(effect.directory, effect.op);
  for (const InodeId inode : effect.touched) Touch(inode, effect.op);
  Add(effect);
}

void CrashCursor::Touch(InodeId inode, uint32_t op_index) { last_change_[inode] = op_index; }

void CrashCursor::Add(Effect effect) {
  effect.epoch = epoch_;
  pending_.push_back(effect);
}

// A failed sync has dropped what it did not write: nothing will write it later, unless it is
// written to again (persistence models, 7).
void CrashCursor::IssueFailedSync(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  if (!IsSync(op.kind) || op.kind == OpKind::kSyncDirectory) return;
  if ((op.flags & kNothingDropped) != 0) return;
  if (op.kind == OpKind::kSyncAll) {
    for (Effect& effect : pending_) effect.failed |= effect.kind == EffectKind::kData;
    return;
  }
  const bool all = op.size_bytes == 0;
  const uint64_t begin = all ? 0 : PageFloor(op.offset_bytes);
  const uint64_t end = all ? UINT64_MAX : PageCeiling(op.offset_bytes + op.size_bytes);
  SyncCoverage dropped(model_, pending_);
  dropped.CoverPages(op.inode, begin, end, op_index);
  // What the run itself has seen of the aftermath holds whatever the model says.
  const bool is_seen = (op.flags & (kBytesLost | kTakenBack)) != 0;
  const bool takes_back =
      is_seen ? (op.flags & kTakenBack) != 0
              : model_.failed_sync == FailedSync::kRevert && (op.flags & kDroppedLate) == 0;
  if (!takes_back && !is_seen) {
    dropped.Drop();
    return;
  }
  dropped.Uncover([](const Effect& effect) { return effect.kind != EffectKind::kData; });
  if (!takes_back) {
    for (const Effect& effect : dropped.Remove()) reverted_.push_back(effect);
    return;
  }
  if (op.kind == OpKind::kSyncMapped) {
    CoverMapped(dropped, op_index);
  } else {
    CoverFile(dropped, op, /*attributes=*/false);
  }
  dropped.Uncover([&](const Effect& effect) {
    return effect.kind != EffectKind::kZero && !IsSize(effect) &&
           (effect.kind != EffectKind::kData || effect.end_bytes <= begin ||
            effect.begin_bytes >= end);
  });
  // The program now sees the sizes of before, too. A door that makes such a failure writes that
  // down as a truncate: sizes come from the trace alone.
  for (const Effect& effect : dropped.Remove()) reverted_.push_back(effect);
}

void CrashCursor::Store(const Effect& effect) {
  if (log_ != nullptr) stored_.push_back(effect);
  const Op& op = trace_.ops[effect.op];
  switch (effect.kind) {
    case EffectKind::kInode:
      if (effect.is_directory) {
        durable_.names.AddDirectory(effect.inode);
      } else if (op.kind == OpKind::kSymlink) {
        durable_.links[effect.inode] = AsText(trace_.Payload(op));
      } else {
        durable_.files[effect.inode];
      }
      break;
    case EffectKind::kName: {
      const InodeId before = durable_.names.At(effect.directory, effect.name);
      durable_.names.Set(effect.directory, effect.name, effect.inode);
      // The new target's reference moves from the pending effect to the durable name.
      if (before != kNoInode && --references_[before] == 0) unreferenced_.push_back(before);
      break;
    }
    case EffectKind::kData:
    case EffectKind::kZero:
    case EffectKind::kClone:
      StoreBytes(effect);
      break;
    case EffectKind::kSize:
      durable_.files[effect.inode].RaiseSize(effect.size_after);
      break;
    case EffectKind::kTruncate:
      durable_.files[effect.inode].Truncate(effect.size_after);
      break;
    case EffectKind::kAttribute: {
      auto& attributes = durable_.attributes[effect.inode];
      const std::string key = AttributeKey(op);
      if (op.kind == OpKind::kRemoveXattr) {
        attributes.erase(key);
      } else {
        attributes[key] = AsText(trace_.Payload(op));
      }
      break;
    }
  }
}

void CrashCursor::StoreBytes(const Effect& effect) {
  const Op& op = trace_.ops[effect.op];
  FileContent& file = durable_.files[effect.inode];
  const uint64_t length = effect.end_bytes - effect.begin_bytes;
  if (effect.kind == EffectKind::kZero) {
    file.Store(effect.begin_bytes, std::vector<std::byte>(length));
    return;
  }
  file.Store(effect.begin_bytes,
             trace_.Payload(op).subspan(effect.begin_bytes - op.offset_bytes, length));
}

void CrashCursor::ForgetUnreachable() {
  for (const InodeId inode : unreferenced_) {
    if (references_[inode] != 0) continue;
    std::erase_if(pending_, [inode](const Effect& effect) {
      return effect.kind != EffectKind::kName && effect.inode == inode;
    });
    durable_.files.erase(inode);
    durable_.links.erase(inode);
    durable_.attributes.erase(inode);
    references_.erase(inode);
    size_issued_.erase(inode);
    size_highest_.erase(inode);
  }
  unreferenced_.clear();
}

}  // namespace plugpull
