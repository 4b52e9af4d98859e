#include "faults/persistence/epoch_rule.h"

namespace plugpull {
namespace {

// Calls that change names, sizes or attributes: on a mount where metadata is synchronous, they are
// durable when they return.
bool IsMetadata(OpKind kind) {
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

// Returns: whether the operation leaves states that were not there before it.
bool IsChange(const Op& op, const Model& model) {
  // What was synced on its own is there without what came before it.
  if (IsSync(op.kind) && model.shape == Shape::kCommitAndLog) return true;
  // A sync only takes states away, but one that failed has dropped what later syncs do not cover.
  if (IsSync(op.kind)) return IsFailedSync(op);
  return op.kind != OpKind::kSyncRange && op.kind != OpKind::kAcknowledge &&
         op.kind != OpKind::kBegin;
}

}  // namespace

bool EpochRule::IsPointBefore(const Op& op, bool widens, bool narrows) {
  const bool is_change = IsChange(op, model_);
  const bool is_sync = IsSync(op.kind) || (model_.synchronous_metadata && IsMetadata(op.kind));
  // Where everything survives, no state contains another: each operation is a point of its own.
  // Where a truncate survives only with the rewrite after it, more of that takes states away.
  if (op.kind == OpKind::kTruncate && op.size_bytes == 0) rewritten_.insert(op.inode);
  const bool is_tied = model_.truncate_flush == Flush::kStrict && op.kind == OpKind::kWrite &&
                       rewritten_.contains(op.inode);
  const bool ends_epoch =
      widens || is_tied || (model_.shape == Shape::kEverything ? is_change : is_sync || narrows);
  const bool is_point = ends_epoch && news_;
  if (is_point) news_ = false;
  news_ = news_ || is_change || narrows;
  return is_point;
}

}  // namespace plugpull
