#include "harness/crash_points.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace plugpull {
namespace {

// For each transaction: whether its contents could be mistaken for something older, because it
// leaves no key with a value that the key never had before. Such are pure deletions.
std::vector<bool> MayRepeatThePast(const std::vector<Transaction>& transactions) {
  std::map<std::string_view, std::set<std::string_view>> seen;
  std::vector<bool> may_repeat;
  may_repeat.reserve(transactions.size());
  for (const Transaction& transaction : transactions) {
    std::map<std::string_view, const std::optional<std::string>*> last;
    for (const Change& change : transaction.changes) last[change.key] = &change.value;
    bool fresh = false;
    for (const auto& [key, value] : last) fresh = fresh || (*value && !seen[key].contains(**value));
    may_repeat.push_back(!fresh);
    for (const Change& change : transaction.changes) {
      if (change.value) seen[change.key].insert(*change.value);
    }
  }
  return may_repeat;
}

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
  if (IsSync(op.kind)) return op.result_errno != 0;
  return op.kind != OpKind::kSyncRange && op.kind != OpKind::kAcknowledge &&
         op.kind != OpKind::kBegin;
}

}  // namespace

size_t EndOfModelled(const Trace& trace) {
  // A call that failed has changed nothing, whatever it was.
  const auto first = std::ranges::find_if(trace.ops, [](const Op& op) {
    return op.kind == OpKind::kUnmodelled && op.result_errno == 0;
  });
  return static_cast<size_t>(first - trace.ops.begin());
}

std::vector<size_t> CrashPoints(const Trace& trace, const Model& model, Promise promise) {
  const std::vector<bool> may_repeat = MayRepeatThePast(trace.transactions);
  std::vector<size_t> points;
  // A point is worth exploring when, since the last one, something was issued (more states) or
  // acknowledged (fewer of them legal).
  bool news = true;
  std::set<InodeId> rewritten;  // files that were ever truncated to 0
  const size_t end = EndOfModelled(trace);
  for (size_t i = 0; i < end; ++i) {
    const Op& op = trace.ops[i];
    const bool is_change = IsChange(op, model);
    const bool is_sync = IsSync(op.kind) || (model.synchronous_metadata && IsMetadata(op.kind));
    // Acknowledgements narrow what is legal only where durability is promised.
    const bool is_promise = op.kind == OpKind::kAcknowledge && promise == Promise::kDurable;
    // From its begin on, the contents of a transaction are legal, also where they are those of an
    // earlier state that must not come back: a deletion of what the transaction before it wrote.
    const bool is_begin = op.kind == OpKind::kBegin && may_repeat[op.transaction - 1];
    // Where everything survives, no state contains another: each operation is a point of its own.
    // Where a truncate survives only with the rewrite after it, more of that takes states away.
    if (op.kind == OpKind::kTruncate && op.size_bytes == 0) rewritten.insert(op.inode);
    const bool is_tied = model.truncate_flush == Flush::kStrict && op.kind == OpKind::kWrite &&
                         rewritten.contains(op.inode);
    const bool ends_epoch = is_begin || is_tied ||
                            (model.shape == Shape::kEverything ? is_change : is_sync || is_promise);
    if (ends_epoch && news) {
      points.push_back(i);
      news = false;
    }
    news = news || is_change || is_promise;
  }
  points.push_back(end);
  return points;
}

bool HasFailedSync(const Trace& trace) {
  return std::ranges::any_of(trace.ops,
                             [](const Op& op) { return IsSync(op.kind) && op.result_errno != 0; });
}

}  // namespace plugpull
