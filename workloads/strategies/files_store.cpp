#include "workloads/strategies/files_store.h"

#include <utility>

#include "faults/base/bytes.h"

namespace plugpull::strategies {

Expected<void> FilesStore::Apply(const Transaction& transaction) {
  for (const Change& change : transaction.changes) {
    if (change.key.empty()) return Fail(ErrorCode::kInvalidArgument, "key required");
  }
  Pairs after = pairs_;
  ApplyTo(after, transaction);
  if (Expected<void> committed = Commit(transaction, after); !committed) return committed;
  pairs_ = std::move(after);
  return {};
}

Expected<void> FilesStore::Scan(PairVisitor& visitor) {
  for (const auto& [key, value] : pairs_) visitor.OnPair(AsBytes(key), AsBytes(value));
  return {};
}

Expected<CheckReport> FilesStore::Check() { return CheckReport{.structure = damage_, .leaks = {}}; }

}  // namespace plugpull::strategies
