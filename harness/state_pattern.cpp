#include "harness/state_pattern.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "faults/base/assert.h"
#include "faults/trace/inode_names.h"

namespace plugpull {

std::vector<uint32_t> PatternPlace::LostOperations() const {
  std::set<uint32_t> operations;
  for (const AtomId& atom : lost) operations.insert(atom.op);
  return {operations.begin(), operations.end()};
}

OperationPatterns::OperationPatterns(const Trace& trace) {
  std::map<std::tuple<OpKind, std::string>, uint32_t> counts;  // in the transaction under way
  InodeNames names;
  uint32_t transaction = 0;
  for (const Op& op : trace.ops) {
    if (op.kind == OpKind::kBegin) {
      transaction = op.transaction;
      counts.clear();
    }
    // Which file it is says the name that it has before: an unlink takes it away.
    std::string path = names.PathOf(op.inode);
    names.Apply(op);
    if (path.empty()) path = names.PathOf(op.inode);
    const uint32_t ordinal = counts[{op.kind, path}]++;
    known_.push_back({transaction, op.kind, std::move(path), ordinal});
  }
  transactions_ = transaction;
}

StatePattern OperationPatterns::Of(size_t position, uint32_t attempted,
                                   const std::vector<AtomId>& lost) const {
  StatePattern pattern;
  if (position > 0) pattern.last = PatternOf(position - 1, attempted);
  for (const AtomId& atom : lost) {
    pattern.lost.push_back({PatternOf(atom.op, attempted), atom.kind, atom.index});
  }
  return pattern;
}

std::optional<PatternPlace> OperationPatterns::Find(const StatePattern& pattern) const {
  PatternPlace place;
  if (pattern.last) {
    const std::optional<uint32_t> last = OperationOf(*pattern.last);
    if (!last) return std::nullopt;
    place.position = *last + 1;
  }
  for (const StatePattern::Loss& each : pattern.lost) {
    const std::optional<uint32_t> op = OperationOf(each.operation);
    if (!op || *op >= place.position) return std::nullopt;
    place.lost.push_back({.op = *op, .kind = each.kind, .index = each.index});
  }
  std::ranges::sort(place.lost);
  return place;
}

OperationPattern OperationPatterns::PatternOf(size_t op, uint32_t attempted) const {
  Assert(op < known_.size(), "the operation is one of the trace");
  const Known& known = known_[op];
  OperationPattern pattern{
      .transactions_ago = {}, .kind = known.kind, .path = known.path, .ordinal = known.ordinal};
  if (known.transaction > 0) pattern.transactions_ago = attempted - known.transaction;
  return pattern;
}

std::optional<uint32_t> OperationPatterns::OperationOf(const OperationPattern& pattern) const {
  uint32_t transaction = 0;
  if (pattern.transactions_ago) {
    if (*pattern.transactions_ago >= transactions_) return std::nullopt;
    transaction = transactions_ - *pattern.transactions_ago;
  }
  const Known wanted{transaction, pattern.kind, pattern.path, pattern.ordinal};
  const auto found = std::ranges::find(known_, wanted);
  if (found == known_.end()) return std::nullopt;
  return static_cast<uint32_t>(found - known_.begin());
}

}  // namespace plugpull
