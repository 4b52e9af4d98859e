// What tests of explanations share: cases made by hand at the end of a small recording.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/case_file.h"
#include "harness/point_search.h"
#include "harness/testing.h"

namespace plugpull {

// Returns: the last operation before `end` that fits. The test fails when there is none.
inline size_t LastOp(const Trace& trace, size_t end, const std::function<bool(const Op&)>& fits) {
  for (size_t i = end; i-- > 0;) {
    if (fits(trace.ops[i])) return i;
  }
  ADD_FAILURE() << "the trace has no such operation";
  return 0;
}

inline size_t LastOp(const Trace& trace, size_t end, OpKind kind) {
  return LastOp(trace, end, [kind](const Op& op) { return op.kind == kind; });
}

// Returns: a case of a crash at `position` that loses whole operations, with the violation that is
// seen now. The test fails when nothing is violated.
inline Case CaseOf(const std::string& target, const Trace& trace, size_t position,
                   std::vector<AtomId> lost, Tear tear = Tear::kNone, std::string fault = {}) {
  Case saved;
  saved.id = "made-by-hand";
  saved.settings.target = target;
  saved.settings.tear = tear;
  saved.fault = std::move(fault);
  for (size_t i = 0; i < position; ++i) {
    const Op& op = trace.ops[i];
    if (op.kind == OpKind::kBegin) saved.window.attempted = op.transaction;
    if (op.kind == OpKind::kAcknowledge) saved.window.acknowledged = op.transaction;
  }
  std::ranges::sort(lost);
  saved.lost = std::move(lost);
  saved.trace = CutTrace(trace, position, saved.window.attempted);
  const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(saved.trace, saved.settings, 1);
  EXPECT_TRUE(search.has_value());
  if (!search) return saved;
  const Expected<std::optional<Violation>> seen = (*search)->Replay({.position = position,
                                                                     .window = saved.window,
                                                                     .lost = saved.lost,
                                                                     .settings = saved.settings,
                                                                     .fault = saved.fault});
  EXPECT_TRUE(seen.has_value() && seen->has_value()) << "nothing is violated";
  if (seen && *seen) saved.violation = **seen;
  return saved;
}

// The transactions of the small stores: each writes one key anew, of three.
inline std::vector<Transaction> SmallTransactions(uint32_t count) {
  std::vector<Transaction> transactions;
  for (uint32_t i = 1; i <= count; ++i) {
    transactions.push_back(Put("key-" + std::to_string(i % 3), "value-" + std::to_string(i)));
  }
  return transactions;
}

// SQLite in mode DELETE: the unlink of the last transaction's journal is lost.
inline Case SqliteCase() {
  const std::string target = "sqlite:journal=delete,sync=full";
  const Trace trace = TraceOf(target, SmallTransactions(4));
  const size_t unlink = LastOp(trace, trace.ops.size(), OpKind::kUnlink);
  return CaseOf(target, trace, trace.ops.size(),
                {{static_cast<uint32_t>(unlink), AtomKind::kName, 0}});
}

inline bool IsMetaWrite(const Op& op) {
  return op.kind == OpKind::kWrite && op.offset_bytes < 8192;
}

inline bool IsPageWrite(const Op& op) {
  return op.kind == OpKind::kWrite && op.offset_bytes >= 8192;
}

// cow_tree M1: one sync for pages and meta; the meta survives, the first page of the commit does
// not.
inline Case CaseOfM1() {
  const std::string target = "cow_tree:mutant=M1";
  const Trace trace = TraceOf(target, SmallTransactions(4));
  const size_t meta = LastOp(trace, trace.ops.size(), IsMetaWrite);
  const size_t begin = LastOp(trace, meta, OpKind::kBegin);
  size_t page = begin;
  while (!IsPageWrite(trace.ops[page])) ++page;
  return CaseOf(target, trace, meta + 1, {{static_cast<uint32_t>(page), AtomKind::kData, 0}});
}

// cow_tree M19: the commit is acknowledged before its meta is synced; the meta is lost.
inline Case CaseOfM19() {
  const std::string target = "cow_tree:mutant=M19";
  const Trace trace = TraceOf(target, SmallTransactions(4));
  const size_t meta = LastOp(trace, trace.ops.size(), IsMetaWrite);
  return CaseOf(target, trace, trace.ops.size(),
                {{static_cast<uint32_t>(meta), AtomKind::kData, 0}});
}

}  // namespace plugpull
