#include "harness/crash_points.h"

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

}  // namespace

std::vector<size_t> CrashPoints(const Trace& trace, const Model& model, Promise promise) {
  const std::vector<bool> may_repeat = MayRepeatThePast(trace.transactions);
  std::vector<size_t> points;
  // A point is worth exploring when, since the last one, something was issued (more states) or
  // acknowledged (fewer of them legal). A sync alone only takes states away.
  bool news = true;
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const OpKind kind = trace.ops[i].kind;
    const bool is_sync =
        kind == OpKind::kSync || kind == OpKind::kDataSync || kind == OpKind::kSyncDirectory;
    // Acknowledgements narrow what is legal only where durability is promised.
    const bool is_promise = kind == OpKind::kAcknowledge && promise == Promise::kDurable;
    const bool is_change = !is_sync && kind != OpKind::kAcknowledge && kind != OpKind::kBegin;
    // From its begin on, the contents of a transaction are legal, also where they are those of an
    // earlier state that must not come back: a deletion of what the transaction before it wrote.
    const bool is_begin = kind == OpKind::kBegin && may_repeat[trace.ops[i].transaction - 1];
    // Where everything survives, no state contains another: each operation is a point of its own.
    const bool ends_epoch =
        is_begin || (model.shape == Shape::kEverything ? is_change : is_sync || is_promise);
    if (ends_epoch && news) {
      points.push_back(i);
      news = false;
    }
    news = news || is_change || is_promise;
  }
  points.push_back(trace.ops.size());
  return points;
}

}  // namespace plugpull
