// What the syncs of a trace make sure of, and what those that failed gave up (persistence models,
// 4.5, 4.8 and 7).
#include <algorithm>

#include "faults/persistence/reference.h"

namespace plugpull {
namespace {

bool IsMetadataCall(OpKind kind) {
  switch (kind) {
    case OpKind::kCreate:
    case OpKind::kTruncate:
    case OpKind::kRename:
    case OpKind::kLink:
    case OpKind::kUnlink:
    case OpKind::kMakeDirectory:
    case OpKind::kRemoveDirectory:
    case OpKind::kSymlink:
    case OpKind::kCreateUnnamed:
    case OpKind::kExchange:
    case OpKind::kAllocate:
    case OpKind::kClone:
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
      return true;
    case OpKind::kWrite:
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kSyncDirectory:
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
    case OpKind::kSyncWrite:
    case OpKind::kSyncRange:
    case OpKind::kSyncMapped:
    case OpKind::kSyncAll:
    case OpKind::kUnmodelled:
      return false;
  }
  return false;
}

// Whatever of a file fdatasync has to write.
bool IsContentOf(const ReferenceAtom& atom, InodeId inode) {
  switch (atom.id.kind) {
    case AtomKind::kInode:
    case AtomKind::kData:
    case AtomKind::kSize:
    case AtomKind::kTruncate:
    case AtomKind::kZero:
    case AtomKind::kClone:
      return atom.inode == inode;
    case AtomKind::kName:
    case AtomKind::kAttribute:
    case AtomKind::kFill:  // goes with the bytes of its block
      return false;
  }
  return false;
}

// Returns: true when `write` is the latest write that the kSyncWrite at `sync_index` may mean.
bool IsWriteOf(const Trace& trace, uint32_t sync_index, uint32_t write_index) {
  const Op& sync = trace.ops[sync_index];
  for (uint32_t i = sync_index; i-- > 0;) {
    const Op& op = trace.ops[i];
    if (op.kind == OpKind::kWrite && op.result_errno == 0 && op.inode == sync.inode &&
        op.offset_bytes == sync.offset_bytes && op.size_bytes == sync.size_bytes) {
      return i == write_index;
    }
  }
  return false;
}

}  // namespace

void ReferenceCover::Apply(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  if (IsSync(op.kind)) {
    if (op.result_errno != 0) {
      Fail(op_index);
    } else if (model_.honest_flush) {
      Succeed(op_index);
    }
  } else if (model_.synchronous_metadata && model_.honest_flush && IsMetadataCall(op.kind)) {
    Cover([&](const ReferenceAtom& atom) { return atom.id.op == op_index; });
  }
}

void ReferenceCover::Succeed(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  const std::vector<size_t> added =
      Cover([&](const ReferenceAtom& atom) { return Covers(op_index, atom); });
  // Whatever a prefix has of a journal is there with all before it.
  if (op.kind == OpKind::kSyncAll || model_.shape == Shape::kPrefix) return;
  if (model_.shape == Shape::kCommitAndLog) {
    if (!model_.full_commits) return;
    Cover([&](const ReferenceAtom& atom) {
      return rules_.IsChained(atom) || model_.flush_on_commit;
    });
  } else if (model_.metadata_chain && model_.drag == Drag::kToCall) {
    const bool writes_metadata = std::ranges::any_of(added, [&](size_t i) {
      return atoms_[i].id.kind != AtomKind::kData && atoms_[i].id.kind != AtomKind::kFill;
    });
    Cover([&](const ReferenceAtom& atom) {
      return model_.journalled_data || (writes_metadata && rules_.IsChained(atom));
    });
  }
}

bool ReferenceCover::Covers(uint32_t op_index, const ReferenceAtom& atom) const {
  const Op& op = trace_.ops[op_index];
  switch (op.kind) {
    case OpKind::kSync:
      return IsContentOf(atom, op.inode) || IsAttributeOf(atom, op.inode);
    case OpKind::kDataSync:
      return IsContentOf(atom, op.inode) ||
             (model_.data_sync_covers_names && IsNameOf(atom, op.inode));
    case OpKind::kSyncDirectory:
      return IsContentOf(atom, op.inode) || IsAttributeOf(atom, op.inode) ||
             (atom.id.kind == AtomKind::kName && atom.directory == op.inode);
    case OpKind::kSyncWrite:
    case OpKind::kSyncMapped:
      return CoversRange(op_index, atom);
    case OpKind::kSyncAll:
      return model_.sync_waits;
    case OpKind::kCreate:
    case OpKind::kWrite:
    case OpKind::kTruncate:
    case OpKind::kRename:
    case OpKind::kLink:
    case OpKind::kUnlink:
    case OpKind::kMakeDirectory:
    case OpKind::kRemoveDirectory:
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
    case OpKind::kSymlink:
    case OpKind::kCreateUnnamed:
    case OpKind::kExchange:
    case OpKind::kAllocate:
    case OpKind::kClone:
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
    case OpKind::kSyncRange:
    case OpKind::kUnmodelled:
      return false;
  }
  return false;
}

// The pages of a range, and what it takes to read them back.
bool ReferenceCover::CoversRange(uint32_t op_index, const ReferenceAtom& atom) const {
  const Op& op = trace_.ops[op_index];
  if (op.size_bytes == 0) return false;
  const uint64_t end = op.offset_bytes + op.size_bytes;
  const bool is_write = op.kind == OpKind::kSyncWrite;
  if (is_write && (op.flags & kFullSync) != 0 && IsAttributeOf(atom, op.inode)) return true;
  if (atom.inode != op.inode) return false;
  switch (atom.id.kind) {
    case AtomKind::kData:
    case AtomKind::kZero:
    case AtomKind::kClone:
      return MeetsPages(atom, op.offset_bytes, end);
    case AtomKind::kTruncate: {
      const uint64_t last_page_end = (end + kTearPageBytes - 1) / kTearPageBytes * kTearPageBytes;
      return std::min(atom.end_bytes, atom.old_size) < last_page_end;
    }
    case AtomKind::kSize:
      if (is_write && IsWriteOf(trace_, op_index, atom.id.op)) return true;
      return MeetsPages(atom, op.offset_bytes, end);
    case AtomKind::kInode:
    case AtomKind::kName:
    case AtomKind::kAttribute:
    case AtomKind::kFill:
      return false;
  }
  return false;
}

// 4.3, derived rule: with groups, a name changes the attributes of the inodes that it concerns.
bool ReferenceCover::IsNameOf(const ReferenceAtom& atom, InodeId inode) const {
  return model_.groups == Groups::kAll && atom.id.kind == AtomKind::kName &&
         std::ranges::count(atom.touched, inode) != 0;
}

bool ReferenceCover::IsAttributeOf(const ReferenceAtom& atom, InodeId inode) const {
  return (atom.id.kind == AtomKind::kAttribute && atom.inode == inode) || IsNameOf(atom, inode);
}

void ReferenceCover::Fail(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  if (op.kind == OpKind::kSyncDirectory) return;  // directories have no bytes
  const bool is_everywhere = op.size_bytes == 0;
  const uint64_t end = op.offset_bytes + op.size_bytes;
  for (ReferenceAtom& atom : atoms_) {
    if (atom.must || !(atom.inode == op.inode || op.kind == OpKind::kSyncAll)) continue;
    const AtomKind kind = atom.id.kind;
    const bool is_bytes = kind == AtomKind::kData || kind == AtomKind::kFill;
    const bool is_size =
        kind == AtomKind::kSize || kind == AtomKind::kTruncate || kind == AtomKind::kZero;
    const bool is_meant = is_everywhere || MeetsPages(atom, op.offset_bytes, end);
    if (is_bytes && is_meant) atom.dropped = true;
    if (model_.failed_sync != FailedSync::kRevert) continue;
    // A write that was taken back has taken no block: what is there is a hole.
    if (kind == AtomKind::kFill) atom.must = atom.must || is_meant;
    if (kind == AtomKind::kFill) continue;
    if ((is_bytes && is_meant) || (is_size && Covers(op_index, atom))) atom.revoked = true;
  }
}

template <typename Selects>
std::vector<size_t> ReferenceCover::Cover(Selects selects) {
  std::vector<size_t> added;
  const auto add = [&](size_t i, bool is_drawn) {
    ReferenceAtom& atom = atoms_[i];
    // Whatever of a page is written ends what its block held before.
    const bool is_ended = is_drawn && atom.id.kind == AtomKind::kFill;
    if (atom.must || (atom.dropped && !is_ended) || atom.revoked) return;
    atom.must = true;
    added.push_back(i);
  };
  for (size_t i = 0; i < atoms_.size(); ++i) {
    if (selects(atoms_[i])) add(i, /*is_drawn=*/false);
  }
  for (size_t next = 0; next < added.size(); ++next) {
    const size_t late = added[next];
    for (size_t early = 0; early < atoms_.size(); ++early) {
      if (early == late || atoms_[early].must) continue;
      if (rules_.MustNeeds(atoms_[late], atoms_[early], early < late))
        add(early, /*is_drawn=*/true);
    }
  }
  return added;
}

}  // namespace plugpull
