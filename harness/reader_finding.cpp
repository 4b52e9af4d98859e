#include "harness/reader_finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <tuple>

#include "faults/persistence/model.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/case_file.h"
#include "harness/findings.h"
#include "harness/record.h"
#include "harness/user_program.h"

namespace plugpull {
namespace {

constexpr const char* kMessageFact = "reader_changed";
constexpr const char* kTransactionFact = "reader_changed_after";

// Returns: the number of operations up to the mark of the end of a transaction: its
// acknowledgement, or the beginning of the next one.
size_t EndOf(const Trace& trace, uint32_t transaction) {
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    if (op.kind == OpKind::kAcknowledge && op.transaction == transaction) return i + 1;
    if (op.kind == OpKind::kBegin && op.transaction > transaction) return i;
  }
  return trace.ops.size();
}

// Returns: the last transaction acknowledged in the first `position` operations.
uint32_t AcknowledgedAt(const Trace& trace, size_t position) {
  uint32_t acknowledged = 0;
  for (size_t i = 0; i < position; ++i) {
    if (trace.ops[i].kind == OpKind::kAcknowledge) acknowledged = trace.ops[i].transaction;
  }
  return acknowledged;
}

Finding FindingOf(const ReaderChange& change, const Trace& trace) {
  FindingDraft draft;
  draft.violation = {ViolationClass::kReaderChanged, change.message};
  draft.signature = fmt::format("{}: while running", Name(ViolationClass::kReaderChanged));
  Finding finding;
  finding.id = FindingId(draft);
  finding.signature = draft.signature;
  finding.violation = ViolationClass::kReaderChanged;
  finding.fault_level = FaultLevel::kProcessKill;  // weaker than any crash
  for (const Model& model : Models()) finding.models.push_back(model.name);
  finding.crash_point = EndOf(trace, change.transaction);
  finding.transactions_attempted = change.transaction;
  finding.transactions_acknowledged = AcknowledgedAt(trace, finding.crash_point);
  finding.message = change.message;
  finding.count = 1;
  return finding;
}

Expected<void> WriteCase(const Trace& trace, const ExploreOptions& options, Finding& finding) {
  Case saved{.id = finding.id,
             .signature = finding.signature,
             .settings = options.settings,
             .trace = trace,
             .window = {finding.transactions_acknowledged, finding.transactions_attempted},
             .lost = {},
             .violation = {finding.violation, finding.message},
             .models = finding.models,
             .level = finding.fault_level,
             .target_version = VersionOfTarget(options.settings)};
  saved.while_recording = true;
  finding.case_path = "findings/" + finding.id + ".case";
  const std::filesystem::path path =
      std::filesystem::path(options.out_directory) / finding.case_path;
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) {
    return Fail(ErrorCode::kIo,
                fmt::format("cannot create {}: {}", path.parent_path().string(), error.message()));
  }
  return SaveCase(path.string(), saved);
}

}  // namespace

void NoteReaderChange(const ReaderChange& change, Trace& trace) {
  trace.facts[kMessageFact] = change.message;
  trace.facts[kTransactionFact] = std::to_string(change.transaction);
}

void ForgetReaderChange(Trace& trace) {
  trace.facts.erase(kMessageFact);
  trace.facts.erase(kTransactionFact);
}

std::optional<ReaderChange> ReaderChangeOf(const Trace& trace) {
  const auto message = trace.facts.find(kMessageFact);
  const auto transaction = trace.facts.find(kTransactionFact);
  if (message == trace.facts.end() || transaction == trace.facts.end()) return std::nullopt;
  ReaderChange change{.transaction = 0, .message = message->second};
  const std::string& digits = transaction->second;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), change.transaction);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size();
  if (!is_number || change.transaction > trace.transactions.size()) return std::nullopt;
  return change;
}

Expected<void> AddReaderFinding(const Trace& trace, const ExploreOptions& options, Result& result) {
  const std::optional<ReaderChange> change = ReaderChangeOf(trace);
  const bool is_promised =
      options.settings.promise >= BrokenPromise(ViolationClass::kReaderChanged);
  if (!change || !is_promised) return {};
  Finding finding = FindingOf(*change, trace);
  if (!options.known_signatures.contains(finding.signature)) {
    if (const Expected<void> written = WriteCase(trace, options, finding); !written) return written;
  }
  const auto key = [](const Finding& each) {
    return std::tuple(BrokenPromise(each.violation), each.violation, each.fault_level,
                      each.lost.size());
  };
  const auto place = std::ranges::upper_bound(result.findings, key(finding), {}, key);
  result.findings.insert(place, std::move(finding));
  result.verdict = Verdict::kViolated;
  for (auto& [name, verdict] : result.models) verdict = Verdict::kViolated;
  return {};
}

Expected<std::optional<Violation>> WatchAgain(const Trace& trace) {
  const Expected<RecordSettings> settings = RecordSettingsOf(trace);
  if (!settings) return std::unexpected(settings.error());
  const size_t begin = SnapshotEnd(trace);
  const auto history = static_cast<uint32_t>(trace.transactions.size() - UndoneCount(trace));
  const Expected<Trace> again =
      begin == 0 ? Record(*settings) : Continue(settings->target, CutTrace(trace, begin, history));
  if (!again) return std::unexpected(again.error());
  const std::optional<ReaderChange> change = ReaderChangeOf(*again);
  if (!change) return std::nullopt;
  return Violation{ViolationClass::kReaderChanged, change->message};
}

}  // namespace plugpull
