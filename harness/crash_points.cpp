#include "harness/crash_points.h"

namespace plugpull {

std::vector<size_t> CrashPoints(const Trace& trace, const Model& model, Promise promise) {
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
    const bool is_begin = kind == OpKind::kBegin;
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
