#include "faults/trace/snapshot_mark.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace plugpull {
namespace {

constexpr const char* kOperations = "snapshot";
constexpr const char* kUndone = "undone";

// Facts of a file are anybody's: one that makes no sense is 0.
size_t NumberFact(const Trace& trace, const char* name, size_t most) {
  const auto fact = trace.facts.find(name);
  if (fact == trace.facts.end()) return 0;
  size_t number = 0;
  const char* end = fact->second.data() + fact->second.size();
  const auto [stop, error] = std::from_chars(fact->second.data(), end, number);
  return error == std::errc() && stop == end ? std::min(number, most) : 0;
}

}  // namespace

void MarkSnapshot(Trace& trace, size_t undone) {
  trace.facts[kOperations] = std::to_string(trace.ops.size());
  trace.facts[kUndone] = std::to_string(undone);
}

size_t SnapshotEnd(const Trace& trace) { return NumberFact(trace, kOperations, trace.ops.size()); }

size_t UndoneCount(const Trace& trace) {
  return NumberFact(trace, kUndone, trace.transactions.size());
}

}  // namespace plugpull
