#include "harness/crash_points.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "faults/persistence/epoch_rule.h"
#include "faults/trace/snapshot_mark.h"

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
  EpochRule epochs(model, /*news=*/true);
  const size_t end = EndOfModelled(trace);
  for (size_t i = SnapshotEnd(trace); i < end; ++i) {
    const Op& op = trace.ops[i];
    // Acknowledgements narrow what is legal only where durability is promised.
    const bool is_promise = op.kind == OpKind::kAcknowledge && promise == Promise::kDurable;
    // From its begin on, the contents of a transaction are legal, also where they are those of an
    // earlier state that must not come back: a deletion of what the transaction before it wrote.
    const bool is_begin = op.kind == OpKind::kBegin && may_repeat[op.transaction - 1];
    if (epochs.IsPointBefore(op, is_begin, is_promise)) points.push_back(i);
  }
  points.push_back(end);
  return points;
}

bool HasFailedSync(const Trace& trace) { return std::ranges::any_of(trace.ops, IsFailedSync); }

}  // namespace plugpull
