#include "harness/program_notes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "faults/trace/snapshot_mark.h"

namespace plugpull {
namespace {

constexpr size_t kMostOutside = 5;

bool IsMark(const Op& op) { return op.kind == OpKind::kBegin || op.kind == OpKind::kAcknowledge; }

// A program that flushes each line changes files between two of them.
bool SaysAllAtTheEnd(const Trace& trace) {
  if (trace.transactions.size() < 2) return false;
  const auto first = std::ranges::find_if(trace.ops, IsMark);
  return std::all_of(first, trace.ops.end(), IsMark);
}

}  // namespace

std::vector<Transaction> TransactionsOf(const std::vector<std::string>& lines) {
  std::vector<Transaction> transactions;
  for (const std::string& line : lines) {
    transactions.push_back({.changes = {{.key = line, .value = std::nullopt}}});
  }
  return transactions;
}

void AddFactsOf(Recording& recording, const FailurePlan& failures) {
  std::map<std::string, std::string>& facts = recording.trace.facts;
  if (!failures.rules.empty()) facts["failures"] = Text(failures);
  if (!recording.difference.empty()) facts[kSelfCheckFact] = recording.difference;
}

bool HasCaptured(const Trace& trace) {
  const auto begin = trace.ops.begin() + static_cast<ptrdiff_t>(SnapshotEnd(trace));
  return !std::all_of(begin, trace.ops.end(), IsMark);
}

std::vector<std::string> NotesOnLines(const Trace& trace) {
  std::vector<std::string> notes;
  const size_t lines = trace.transactions.size();
  if (lines == 0) {
    notes.emplace_back(
        "the program printed no line, so it promised nothing: only what the check says of any "
        "state can be violated; print a line on standard output after each thing that must last");
  }
  if (SaysAllAtTheEnd(trace)) {
    notes.push_back(
        fmt::format("all {} lines came after the last change of a file: is the output "
                    "buffered? Flush it after each line, or every promise counts from "
                    "the end of the run only",
                    lines));
  }
  return notes;
}

std::vector<std::string> NotesOnPlaces(const Recording& recording) {
  if (recording.outside.empty()) return {};
  const size_t shown = std::min(recording.outside.size(), kMostOutside);
  const std::vector<std::string> names(recording.outside.begin(),
                                       recording.outside.begin() + static_cast<ptrdiff_t>(shown));
  const std::string more = shown < recording.outside.size()
                               ? fmt::format(" and {} more", recording.outside.size() - shown)
                               : "";
  return {
      fmt::format("the program wrote outside the recorded directory, where no crash is looked "
                  "at: {}{}",
                  fmt::join(names, ", "), more)};
}

Expected<void> CheckFired(const FailurePlan& plan, const Recording& recording) {
  for (size_t i = 0; i < plan.rules.size(); ++i) {
    const bool fired = i < recording.failures_fired.size() && recording.failures_fired[i] > 0;
    if (fired) continue;
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("never fired: {}; the program makes no such call in the directory, or "
                            "fewer of them",
                            Text(plan.rules[i])));
  }
  return {};
}

Expected<void> CheckFaithful(const Trace& trace) {
  const auto difference = trace.facts.find(kSelfCheckFact);
  if (difference == trace.facts.end()) return {};
  return Fail(ErrorCode::kCorrupt,
              fmt::format("the recording is not what the program left: {}; nothing that would be "
                          "found in it could be trusted",
                          difference->second));
}

}  // namespace plugpull
