#include "faults/persistence/crash_cursor.h"

#include <algorithm>

#include "faults/base/assert.h"

namespace plugpull {

CrashCursor::CrashCursor(const Trace& trace, const Model& model) : trace_(trace), model_(model) {}

void CrashCursor::AdvanceTo(size_t position) {
  Assert(position >= position_ && position <= trace_.ops.size(), "a cursor only goes forward");
  for (; position_ < position; ++position_) {
    if (trace_.ops[position_].result_errno == 0) Issue(static_cast<uint32_t>(position_));
  }
  if (model_.shape == Shape::kEverything) {
    Cover([](const Effect&) { return true; });
  }
}

void CrashCursor::Issue(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  switch (op.kind) {
    case OpKind::kCreate:
    case OpKind::kMakeDirectory:
      Add({.kind = EffectKind::kInode,
           .is_directory = op.kind == OpKind::kMakeDirectory,
           .op = op_index,
           .inode = op.inode});
      IssueName(op_index, 0, op.directory, op.name, op.inode, 0);
      break;
    case OpKind::kWrite:
    case OpKind::kTruncate:
      IssueChange(op_index);
      break;
    case OpKind::kSync:
    case OpKind::kDataSync: {
      // A file's sync covers its bytes, sizes and existence, not its names (POSIX fsync). Nobody
      // sees those of a file without a name, but a prefix that has them has all before them.
      const auto unnamed = changed_unnamed_.find(op.inode);
      const bool drags = model_.shape == Shape::kPrefix && unnamed != changed_unnamed_.end();
      const uint32_t dragged_end = drags ? unnamed->second : 0;
      Cover([&op, dragged_end](const Effect& effect) {
        return effect.op < dragged_end ||
               (effect.kind != EffectKind::kName && effect.inode == op.inode);
      });
      break;
    }
    case OpKind::kSyncDirectory:
      Cover([&op](const Effect& effect) {
        return (effect.kind == EffectKind::kName && effect.directory == op.inode) ||
               (effect.kind == EffectKind::kInode && effect.inode == op.inode);
      });
      break;
    case OpKind::kRename: {
      const uint32_t group = model_.atomic_rename ? next_group_++ : 0;
      IssueName(op_index, 0, op.directory, op.name, kNoInode, group);
      IssueName(op_index, 1, op.other_directory, op.other_name, op.inode, group);
      break;
    }
    case OpKind::kLink:
      IssueName(op_index, 1, op.other_directory, op.other_name, op.inode, 0);
      break;
    case OpKind::kUnlink:
    case OpKind::kRemoveDirectory:
      IssueName(op_index, 0, op.directory, op.name, kNoInode, 0);
      break;
    case OpKind::kBegin:
      attempted_ = op.transaction;
      break;
    case OpKind::kAcknowledge:
      acknowledged_ = op.transaction;
      break;
  }
}

void CrashCursor::IssueChange(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  const bool is_truncate = op.kind == OpKind::kTruncate;
  if (!is_truncate && op.size_bytes == 0) return;
  if (!references_.contains(op.inode)) {  // an open file without a name is lost anyway
    changed_unnamed_[op.inode] = op_index;
    return;
  }
  uint64_t& size = size_issued_[op.inode];
  const uint64_t size_after = is_truncate ? op.size_bytes : op.offset_bytes + op.size_bytes;
  if (!is_truncate) Add({.kind = EffectKind::kData, .op = op_index, .inode = op.inode});
  if (!is_truncate && size_after <= size) return;
  Add({.kind = is_truncate ? EffectKind::kTruncate : EffectKind::kSize,
       .op = op_index,
       .inode = op.inode,
       .size_before = size,
       .size_after = size_after});
  size = size_after;
}

void CrashCursor::IssueName(uint32_t op_index, uint8_t part, InodeId directory,
                            const std::string& name, InodeId target, uint32_t group) {
  if (target != kNoInode) ++references_[target];
  Add({.kind = EffectKind::kName,
       .part = part,
       .op = op_index,
       .inode = target,
       .directory = directory,
       .name = name,
       .group = group});
}

void CrashCursor::Add(Effect effect) { pending_.push_back(effect); }

void CrashCursor::Cover(const std::function<bool(const Effect&)>& covers) {
  std::vector<char> covered(pending_.size(), 0);
  bool any = false;
  for (size_t i = 0; i < pending_.size(); ++i) {
    covered[i] = covers(pending_[i]) ? 1 : 0;
    any = any || covered[i] != 0;
  }
  if (!any) return;
  // A prefix cannot end before a durable atom, so one covered atom drags all earlier ones along.
  if (model_.shape == Shape::kPrefix) {
    const auto last = std::find(covered.rbegin(), covered.rend(), char{1});
    std::fill(last, covered.rend(), char{1});
  }
  CloseUnderDependencies(covered);
  size_t kept = 0;
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (covered[i] != 0) {
      MakeDurable(pending_[i]);
    } else {
      pending_[kept++] = pending_[i];
    }
  }
  pending_.resize(kept);
  ForgetUnreachable();
}

// Closes a covered set under E0, E3 and E6. E1 and E2 need nothing: a sync that covers one write or
// size of a file covers all earlier ones.
void CrashCursor::CloseUnderDependencies(std::vector<char>& covered) const {
  std::vector<size_t> candidates;  // only names and inodes can be dragged along
  for (size_t i = 0; i < pending_.size(); ++i) {
    const EffectKind kind = pending_[i].kind;
    const bool draggable = kind == EffectKind::kInode || kind == EffectKind::kName;
    if (draggable && covered[i] == 0) candidates.push_back(i);
  }
  const auto depends = [this](size_t late_index, size_t early_index) {
    const Effect& late = pending_[late_index];
    const Effect& early = pending_[early_index];
    if (late.group != 0 && late.group == early.group) return true;
    if (early_index > late_index) return false;
    if (early.kind == EffectKind::kInode) {
      return early.inode == late.inode || early.inode == late.directory;
    }
    return late.kind == EffectKind::kName && early.directory == late.directory &&
           early.name == late.name;
  };
  bool changed = !candidates.empty();
  while (changed) {
    changed = false;
    for (size_t i = pending_.size(); i-- > 0;) {
      if (covered[i] == 0) continue;
      for (const size_t j : candidates) {
        if (covered[j] != 0 || !depends(i, j)) continue;
        covered[j] = 1;
        changed = true;
      }
    }
  }
}

void CrashCursor::MakeDurable(const Effect& effect) {
  switch (effect.kind) {
    case EffectKind::kInode:
      if (effect.is_directory) {
        durable_.names.AddDirectory(effect.inode);
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
    case EffectKind::kData: {
      const Op& op = trace_.ops[effect.op];
      durable_.files[effect.inode].Store(op.offset_bytes, trace_.Payload(op));
      break;
    }
    case EffectKind::kSize:
      durable_.files[effect.inode].RaiseSize(effect.size_after);
      break;
    case EffectKind::kTruncate:
      durable_.files[effect.inode].Truncate(effect.size_after);
      break;
  }
}

void CrashCursor::ForgetUnreachable() {
  for (const InodeId inode : unreferenced_) {
    if (references_[inode] != 0) continue;
    std::erase_if(pending_, [inode](const Effect& effect) {
      return effect.kind != EffectKind::kName && effect.inode == inode;
    });
    durable_.files.erase(inode);
    references_.erase(inode);
    size_issued_.erase(inode);
  }
  unreferenced_.clear();
}

}  // namespace plugpull
