#include "faults/persistence/dependence.h"

namespace plugpull {
namespace {

bool SharesAnInodeChain(const Model& model, const Effect& left, const Effect& right) {
  if (left.kind != EffectKind::kName) return IsInInodeChain(model, right, left.inode);
  return std::ranges::any_of(left.touched,
                             [&](InodeId inode) { return IsInInodeChain(model, right, inode); });
}

bool Overlap(const Effect& left, const Effect& right) {
  return left.begin_bytes < right.end_bytes && right.begin_bytes < left.end_bytes;
}

// The families among what one file holds: E2, E2t.
bool DependsWithinFile(const Model& model, const Effect& late, const Effect& early) {
  if (late.inode != early.inode) return false;
  if (IsSize(late) && IsSize(early)) {
    return model.size_order == SizeOrder::kIssue || early.kind == EffectKind::kTruncate;
  }
  if (!model.truncate_fence || !IsContent(late) || late.kind == EffectKind::kZero) return false;
  if (early.kind == EffectKind::kTruncate) return late.end_bytes > early.size_after;
  const bool fences = early.kind == EffectKind::kZero || early.kind == EffectKind::kClone;
  return fences && late.kind == EffectKind::kData && Overlap(late, early);
}

}  // namespace

bool IsChained(const Model& model, const Effect& effect) {
  switch (effect.kind) {
    case EffectKind::kInode:
    case EffectKind::kName:
    case EffectKind::kTruncate:
    case EffectKind::kZero:
    case EffectKind::kClone:
    case EffectKind::kAttribute:
      return model.metadata_chain;
    case EffectKind::kSize:
      return model.metadata_chain && (!effect.floating || model.journalled_data);
    case EffectKind::kData:
      // What a failed sync has dropped holds nothing up.
      return model.journalled_data && !effect.failed && (!effect.mapped || model.mapped_order);
  }
  return false;
}

bool IsAnchored(const Model& model, const Effect& effect) {
  if (IsChained(model, effect)) return false;
  if (effect.kind == EffectKind::kSize) return model.anchored_sizes && effect.floating;
  const bool is_left_out = model.journalled_data && model.anchored_sizes;
  return effect.kind == EffectKind::kData && (model.cow_extents || is_left_out);
}

bool IsInInodeChain(const Model& model, const Effect& effect, InodeId inode) {
  if (!model.inode_chain || inode == kNoInode) return false;
  switch (effect.kind) {
    case EffectKind::kTruncate:
    case EffectKind::kZero:
    case EffectKind::kClone:
    case EffectKind::kAttribute:
      return effect.inode == inode;
    case EffectKind::kSize:
      return !effect.floating && effect.inode == inode;
    case EffectKind::kName:
      return model.groups == Groups::kAll && Touches(effect, inode);
    case EffectKind::kInode:
    case EffectKind::kData:
      return false;
  }
  return false;
}

bool DependsOn(const Model& model, const Effect& late, const Effect& early, bool issued_before) {
  if (late.group != 0 && late.group == early.group) return true;
  if (model.size_before_data && late.kind == EffectKind::kData && early.kind == EffectKind::kSize &&
      late.op == early.op && late.end_bytes > early.size_before) {
    return true;
  }
  const bool both_names = late.kind == EffectKind::kName && early.kind == EffectKind::kName;
  if (model.rename == Rename::kDual && both_names && late.op == early.op) {
    return late.part == 0 && early.part == 1;
  }
  if (!issued_before) return false;
  if (early.kind == EffectKind::kInode &&
      (early.inode == late.inode || early.inode == late.directory)) {
    return true;
  }
  if (both_names && early.directory == late.directory && early.name == late.name) return true;
  if (DependsWithinFile(model, late, early)) return true;
  if (IsInInodeChain(model, late, late.kind == EffectKind::kName ? late.touched[0] : late.inode) &&
      SharesAnInodeChain(model, late, early)) {
    return true;
  }
  if (model.replace_flush == Flush::kStrict && late.replaces && early.inode == late.inode &&
      (early.kind == EffectKind::kData || early.kind == EffectKind::kSize)) {
    return true;
  }
  if (model.shape == Shape::kCommitAndLog) return false;  // a log entry takes only these along
  if (model.directory_chain && both_names && early.directory == late.directory) return true;
  if (model.barriers && early.epoch < late.epoch) return true;
  if (!IsChained(model, early)) return false;
  if (IsChained(model, late)) return true;
  return IsAnchored(model, late) && early.op < late.op;
}

}  // namespace plugpull
