// What each kind of sync covers (persistence models, 4.8). The rest of CrashCursor is in
// crash_cursor.cpp.
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/dependence.h"

namespace plugpull {

void CrashCursor::Sync(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  EndRewrites(op);
  if (!is_lying_) ++epoch_;
  if (!model_.honest_flush) return;
  const uint32_t committed_end = committed_end_;
  SyncCoverage coverage(model_, pending_);
  InodeId attributes_of = kNoInode;
  if (op.kind == OpKind::kSync) {
    CoverFile(coverage, op, /*attributes=*/true);
    attributes_of = op.inode;
  } else if (op.kind == OpKind::kDataSync) {
    CoverFile(coverage, op, /*attributes=*/false);
  } else if (op.kind == OpKind::kSyncDirectory) {
    CoverDirectory(coverage, op);
    attributes_of = op.inode;
  } else if (op.kind == OpKind::kSyncWrite) {
    CoverWrite(coverage, op_index);
    if ((op.flags & kFullSync) != 0) attributes_of = op.inode;
  } else if (op.kind == OpKind::kSyncMapped) {
    CoverMapped(coverage, op_index);
  } else {
    if (!model_.sync_waits) return;
    coverage.Cover([](const Effect&) { return true; });
    committed_end_ = op_index;
  }
  if (is_lying_) {
    // What else an honest sync would draw in does not matter, and is dear to find out where nothing
    // was made durable for long.
    if (coverage.any() && model_.shape != Shape::kEverything) ++lies_;
    committed_end_ = committed_end;
    return;
  }
  if (op.kind != OpKind::kSyncAll) Drag(coverage, op_index, attributes_of);
  MakeDurable(coverage);
}

// What is written after a sync is not what a truncate waits for.
void CrashCursor::EndRewrites(const Op& op) {
  if (op.kind == OpKind::kSyncAll) {
    rewrite_groups_.clear();
  } else if (op.kind != OpKind::kSyncDirectory) {
    rewrite_groups_.erase(op.inode);
  }
}

// fsync and fdatasync: bytes, sizes and existence of the file, not its names. Where a name changes
// an attribute of the file in the same breath, an fsync has the name, too (4.3, derived rule).
void CrashCursor::CoverFile(SyncCoverage& coverage, const Op& op, bool attributes) {
  const bool names = model_.groups == Groups::kAll && (attributes || model_.data_sync_covers_names);
  coverage.Cover([&](const Effect& effect) {
    if (effect.kind == EffectKind::kName) return names && Touches(effect, op.inode);
    if (effect.kind == EffectKind::kAttribute && !attributes) return false;
    return effect.inode == op.inode;
  });
}

void CrashCursor::CoverDirectory(SyncCoverage& coverage, const Op& op) {
  const bool names = model_.groups == Groups::kAll;
  coverage.Cover([&](const Effect& effect) {
    if (effect.kind == EffectKind::kName) {
      return effect.directory == op.inode || (names && Touches(effect, op.inode));
    }
    return effect.inode == op.inode;
  });
}

void CrashCursor::CoverWrite(SyncCoverage& coverage, uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  coverage.CoverPages(op.inode, op.offset_bytes, op.offset_bytes + op.size_bytes, op_index);
  const bool attributes = (op.flags & kFullSync) != 0;
  // The write is the last one of the file before its return.
  uint32_t write = op_index;
  while (trace_.ops[write].kind != OpKind::kWrite || trace_.ops[write].inode != op.inode) --write;
  // Also the sizes without which the range could not be read back, of whatever write they are.
  coverage.CoverSizes(op.inode, op.offset_bytes, op.offset_bytes + op.size_bytes);
  coverage.Cover([&](const Effect& effect) {
    if (effect.kind == EffectKind::kSize) return effect.op == write;
    if (effect.kind == EffectKind::kAttribute) return attributes && effect.inode == op.inode;
    const bool names = attributes && model_.groups == Groups::kAll;
    return names && effect.kind == EffectKind::kName && Touches(effect, op.inode);
  });
}

void CrashCursor::CoverMapped(SyncCoverage& coverage, uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  const uint64_t end = op.offset_bytes + op.size_bytes;
  coverage.CoverPages(op.inode, op.offset_bytes, end, op_index);
  // The sizes without which the range could not be read back.
  coverage.CoverSizes(op.inode, op.offset_bytes, end);
}

void CrashCursor::Drag(SyncCoverage& coverage, uint32_t op_index, InodeId attributes_of) {
  const auto cover_chain = [&](uint32_t end) {
    coverage.Cover(
        [&](const Effect& effect) { return effect.op < end && IsChained(model_, effect); });
  };
  const bool is_prefix = model_.shape == Shape::kPrefix;
  const auto change = last_change_.find(attributes_of);
  const bool changed = attributes_of != kNoInode && change != last_change_.end();
  if (is_prefix) {
    // A prefix cannot end before a durable atom, so one covered atom drags all earlier ones along.
    const InodeId inode = trace_.ops[op_index].inode;
    const auto last = last_change_.find(inode);
    if ((changed || IsLost(inode)) && last != last_change_.end()) {
      coverage.Cover([&](const Effect& effect) { return effect.op <= last->second; });
    }
    coverage.Close();
    return;
  }
  coverage.Close();
  if (model_.shape == Shape::kCommitAndLog) {
    if (!model_.full_commits) return;
    cover_chain(op_index);
    if (model_.flush_on_commit) {
      coverage.Cover([&](const Effect& effect) { return effect.op < op_index; });
    }
  } else if (model_.metadata_chain && model_.drag == Drag::kToCall) {
    const bool commits = model_.journalled_data || coverage.covers_metadata() ||
                         (changed && change->second >= committed_end_);
    if (!commits) return;
    committed_end_ = op_index;
    cover_chain(op_index);
  } else if (model_.metadata_chain && changed) {
    cover_chain(change->second + 1);
  }
  coverage.Close();
}

void CrashCursor::MakeDurable(SyncCoverage& coverage) {
  if (!coverage.any()) return;
  for (const Effect& effect : coverage.Take()) Store(effect);
  ForgetUnreachable();
}

}  // namespace plugpull
