// What an atom needs of another (persistence models, 4.6 and 4.7). Each edge family is asked of
// each pair, so that nothing has to be concluded over a third.
#include <algorithm>

#include "faults/persistence/reference.h"

namespace plugpull {
namespace {

bool Overlap(const ReferenceAtom& left, const ReferenceAtom& right) {
  return left.begin_bytes < right.end_bytes && right.begin_bytes < left.end_bytes;
}

bool ShareUnit(const ReferenceAtom& left, const ReferenceAtom& right, uint64_t unit_bytes) {
  if (left.begin_bytes == left.end_bytes || right.begin_bytes == right.end_bytes) return false;
  return left.begin_bytes / unit_bytes <= (right.end_bytes - 1) / unit_bytes &&
         right.begin_bytes / unit_bytes <= (left.end_bytes - 1) / unit_bytes;
}

// Of a page that was cut off for sure, nothing has to be written before what comes there later.
ReferenceAtom WhatIsLeft(ReferenceAtom data) {
  data.end_bytes = std::clamp(data.cut_bytes, data.begin_bytes, data.end_bytes);
  return data;
}

bool Contains(const std::vector<InodeId>& inodes, InodeId inode) {
  return std::ranges::count(inodes, inode) != 0;
}

// The pages that a step of the size stands for.
uint64_t FirstPageOf(const ReferenceAtom& size, const Op& write) {
  return std::max(size.begin_bytes, write.offset_bytes) / kTearPageBytes;
}

uint64_t LastPageOf(const ReferenceAtom& size) { return (size.end_bytes - 1) / kTearPageBytes; }

}  // namespace

bool ReferenceRules::IsChained(const ReferenceAtom& atom) const {
  switch (atom.id.kind) {
    case AtomKind::kInode:
    case AtomKind::kName:
    case AtomKind::kTruncate:
    case AtomKind::kZero:
    case AtomKind::kClone:
    case AtomKind::kAttribute:
      return true;
    case AtomKind::kSize:
      return !atom.is_floating || model_.journalled_data;
    case AtomKind::kData:
      return model_.journalled_data && (model_.mapped_order || !atom.is_mapped);
    case AtomKind::kFill:
      return false;
  }
  return false;
}

bool ReferenceRules::TearsContiguously() const {
  const bool is_contiguous =
      tear_ == Tear::kSectorsContiguous || tear_ == Tear::kBytes64 || tear_ == Tear::kBytes8;
  return is_contiguous && model_.shape != Shape::kPrefix;
}

// E6: atoms of one call that share one fate.
bool ReferenceRules::AreOne(const ReferenceAtom& left, const ReferenceAtom& right) const {
  // The new blocks of one file are all alike, as long as they are new.
  if (left.id.kind == AtomKind::kFill && right.id.kind == AtomKind::kFill) {
    return left.inode == right.inode && !left.must && !right.must;
  }
  if (left.id.op != right.id.op || !left.is_visible || !right.is_visible) return false;
  const auto are = [&](AtomKind one, AtomKind other) {
    return (left.id.kind == one && right.id.kind == other) ||
           (left.id.kind == other && right.id.kind == one);
  };
  if (are(AtomKind::kInode, AtomKind::kName)) {
    return model_.groups == Groups::kAll && model_.creation_group;
  }
  if (are(AtomKind::kZero, AtomKind::kSize)) return model_.groups == Groups::kAll;
  if (!are(AtomKind::kName, AtomKind::kName)) return false;
  switch (model_.groups) {
    case Groups::kAll:
      return true;
    case Groups::kRename:
      return left.is_one_directory;
    case Groups::kNone:
      return model_.rename == Rename::kAtomic;
  }
  return false;
}

// E3.
bool ReferenceRules::IsSameCell(const ReferenceAtom& late, const ReferenceAtom& early) const {
  return model_.name_order && late.id.kind == AtomKind::kName && early.id.kind == AtomKind::kName &&
         late.directory == early.directory && late.name == early.name;
}

// E3 and E5.
bool ReferenceRules::NamesNeed(const ReferenceAtom& late, const ReferenceAtom& early) const {
  if (IsSameCell(late, early)) return true;
  return model_.directory_chain && late.id.kind == AtomKind::kName &&
         early.id.kind == AtomKind::kName && late.directory == early.directory;
}

// E2.
bool ReferenceRules::SizesNeed(const ReferenceAtom& late, const ReferenceAtom& early) const {
  const auto sets_size = [](const ReferenceAtom& atom) {
    return atom.id.kind == AtomKind::kSize || atom.id.kind == AtomKind::kTruncate;
  };
  if (!sets_size(late) || !sets_size(early) || late.inode != early.inode) return false;
  if (model_.size_order == SizeOrder::kIssue) return true;
  return early.id.kind == AtomKind::kTruncate && late.id.kind == AtomKind::kSize;
}

// E2t, and the same for ranges that are zeroed or shared.
bool ReferenceRules::IsFenced(const ReferenceAtom& late, const ReferenceAtom& early) const {
  if (!model_.truncate_fence || late.inode != early.inode) return false;
  const bool is_data = late.id.kind == AtomKind::kData;
  if (early.id.kind == AtomKind::kTruncate) {
    return (is_data || late.id.kind == AtomKind::kClone) && late.end_bytes > early.end_bytes;
  }
  return is_data && (early.id.kind == AtomKind::kZero || early.id.kind == AtomKind::kClone) &&
         Overlap(late, early);
}

// E4.
bool ReferenceRules::IsNextInInode(const ReferenceAtom& late, const ReferenceAtom& early) const {
  if (!model_.inode_chain) return false;
  const auto is_about = [&](const ReferenceAtom& atom, InodeId inode) {
    switch (atom.id.kind) {
      case AtomKind::kName:
        return model_.groups == Groups::kAll && Contains(atom.touched, inode);
      case AtomKind::kSize:
        return !atom.is_floating && atom.inode == inode;
      case AtomKind::kTruncate:
      case AtomKind::kZero:
      case AtomKind::kClone:
      case AtomKind::kAttribute:
        return atom.inode == inode;
      case AtomKind::kInode:
      case AtomKind::kData:
      case AtomKind::kFill:
        return false;
    }
    return false;
  };
  const std::vector<InodeId> one = {late.inode};
  const bool is_name = late.id.kind == AtomKind::kName;
  return std::ranges::any_of(is_name ? late.touched : one, [&](InodeId inode) {
    return is_about(late, inode) && is_about(early, inode);
  });
}

// E7.
bool ReferenceRules::SizeNeedsData(const ReferenceAtom& size, const ReferenceAtom& data) const {
  if (size.id.kind != AtomKind::kSize || !size.is_floating) return false;
  if (data.id.kind != AtomKind::kData || data.inode != size.inode) return false;
  const Op& write = trace_.ops[size.id.op];
  const uint64_t first_page = FirstPageOf(size, write);
  const bool is_first = size.id.index == 0;
  const bool is_tail = size.old_size % kTearPageBytes != 0 &&
                       first_page == size.old_size / kTearPageBytes &&
                       LastPageOf(size) == first_page;
  if (model_.zero_tail && is_first && is_tail) return false;
  const bool is_same = data.id.op == size.id.op;
  const bool is_new = is_same && data.end_bytes > size.old_size;
  switch (model_.data_before_size) {
    case DataBeforeSize::kNo:
      return false;
    case DataBeforeSize::kOwnChunk:
      return is_new && data.begin_bytes / kTearPageBytes <= LastPageOf(size) &&
             (data.end_bytes - 1) / kTearPageBytes >= first_page;
    case DataBeforeSize::kNewRange:
      return is_new && data.begin_bytes < size.end_bytes;
    case DataBeforeSize::kWholeInode:
      return data.id.op < size.id.op || (is_same && data.begin_bytes < size.end_bytes);
  }
  return false;
}

// The same the other way around.
bool ReferenceRules::DataNeedsSize(const ReferenceAtom& data, const ReferenceAtom& size) const {
  if (!model_.size_before_data || data.id.kind != AtomKind::kData) return false;
  if (size.id.kind != AtomKind::kSize || data.id.op != size.id.op) return false;
  return data.end_bytes > data.old_size && data.begin_bytes / kTearPageBytes <= LastPageOf(size) &&
         (data.end_bytes - 1) / kTearPageBytes >= FirstPageOf(size, trace_.ops[size.id.op]);
}

// E9 and E14.
bool ReferenceRules::IsAnchored(const ReferenceAtom& atom) const {
  if (atom.id.kind == AtomKind::kSize) return model_.anchored_sizes && atom.is_floating;
  if (atom.id.kind != AtomKind::kData) return false;
  const bool is_left_out = model_.journalled_data && !model_.mapped_order && atom.is_mapped;
  return model_.cow_extents || (is_left_out && model_.anchored_sizes);
}

// E13.
bool ReferenceRules::IsBehindBarrier(const ReferenceAtom& late, const ReferenceAtom& early) const {
  // Whether a new block is stale is said of all blocks of its file at once, whatever their epochs.
  const bool is_fill = late.id.kind == AtomKind::kFill || early.id.kind == AtomKind::kFill;
  if (!model_.barriers || is_fill) return false;
  for (uint32_t op = early.id.op + 1; op < late.id.op; ++op) {
    if (IsSync(trace_.ops[op].kind) && trace_.ops[op].result_errno == 0) return true;
  }
  return false;
}

bool ReferenceRules::Needs(const ReferenceAtom& late, const ReferenceAtom& early,
                           bool issued_after) const {
  if (early.id.kind == AtomKind::kFill && AreOne(late, early)) return true;
  if (early.dropped || early.revoked || model_.shape == Shape::kEverything) return false;
  if (model_.shape == Shape::kPrefix && issued_after) return true;
  const bool is_later_call = early.id.op < late.id.op;
  if (is_later_call && IsAnchored(late) && IsChained(early)) return true;
  if (issued_after && model_.metadata_chain && IsChained(late) && IsChained(early)) return true;
  if (!late.is_visible || !early.is_visible) return false;
  const AtomKind late_kind = late.id.kind;
  const AtomKind early_kind = early.id.kind;

  if (AreOne(late, early)) return true;
  if (late.id.op == early.id.op && late.op_kind == OpKind::kRename &&
      model_.groups == Groups::kNone && model_.rename == Rename::kDual) {
    if (late.id.index == 0 && early.id.index == 1) return true;
  }
  if (DataNeedsSize(late, early)) return true;
  if (model_.truncate_flush == Flush::kStrict && late.rewrite != 0 &&
      late.rewrite == early.rewrite && !late.dropped) {
    return true;
  }
  if (!issued_after) return false;

  if (model_.inode_before_use && early_kind == AtomKind::kInode &&
      (early.inode == late.inode || early.inode == late.directory)) {
    return true;
  }
  if (model_.page_order && late_kind == AtomKind::kData && early_kind == AtomKind::kData &&
      late.inode == early.inode && late.id.op != early.id.op &&
      ShareUnit(late, WhatIsLeft(early), UnitBytes(tear_))) {
    return true;
  }
  if (model_.replace_flush == Flush::kStrict && late.replaces && early.inode == late.inode &&
      (early_kind == AtomKind::kData || early_kind == AtomKind::kSize)) {
    return true;
  }
  return NamesNeed(late, early) || SizesNeed(late, early) || IsFenced(late, early) ||
         IsNextInInode(late, early) || SizeNeedsData(late, early) || IsBehindBarrier(late, early);
}

bool ReferenceRules::MustNeeds(const ReferenceAtom& late, const ReferenceAtom& early,
                               bool issued_after) const {
  const bool is_fill = early.id.kind == AtomKind::kFill;
  if ((early.dropped && !is_fill) || early.revoked) return false;
  const bool is_data = late.id.kind == AtomKind::kData && late.inode == early.inode;
  // Pages reach the disk whole: with all that was written to them before, and zeroed elsewhere.
  const bool is_page = ShareUnit(late, early, kTearPageBytes);
  if (is_data && is_fill && is_page && (early.id.op == late.id.op || issued_after)) return true;
  // Nor is a block new that was cut off, zeroed or shared, if only in part.
  if (is_fill && late.inode == early.inode && issued_after) {
    if (late.id.kind == AtomKind::kTruncate && late.end_bytes < early.end_bytes) return true;
    const bool is_range = late.id.kind == AtomKind::kZero || late.id.kind == AtomKind::kClone;
    if (is_range && is_page) return true;
  }
  if (is_data && early.id.kind == AtomKind::kData && is_page) {
    if (early.id.op == late.id.op || (model_.page_order && issued_after)) return true;
  }
  if (model_.shape != Shape::kCommitAndLog) return Needs(late, early, issued_after);

  // The log of one file: only what it depends on, not what was before it in the journal.
  if (!late.is_visible || !early.is_visible) return false;
  if (AreOne(late, early) || DataNeedsSize(late, early)) return true;
  if (!issued_after) return false;
  if (model_.inode_before_use && early.id.kind == AtomKind::kInode &&
      (early.inode == late.inode || early.inode == late.directory)) {
    return true;
  }
  if (SizesNeed(late, early)) return true;
  return IsNextInInode(late, early) || IsSameCell(late, early);
}

}  // namespace plugpull
